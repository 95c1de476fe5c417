//! Defects that SPF evaluators in use have, or had: each is one that this crate must not have. What the openspf suite
//! tests already is here too, so that the list is whole.

use spf::SpfResult::{Fail, Neutral, Pass, Permerror, Softfail, Temperror};
use spf::{CauseKind, SpfResult};

use crate::world::{CLIENT, World, check, request, result};

/// The result of a record of example.com, beside which mail.example.com (198.51.100.1) exists.
fn record(terms: &str) -> SpfResult {
    result(format!("example.com TXT v=spf1 {terms}\nmail.example.com A 198.51.100.1"))
}

#[test]
fn servfail_is_not_taken_for_an_empty_answer() {
    assert_eq!(result("example.com TXT !SERVFAIL"), Temperror);
    for term in ["include:t.example.com", "redirect=t.example.com"] {
        assert_eq!(result(format!("example.com TXT v=spf1 {term}\nt.example.com TXT !SERVFAIL")), Temperror, "{term}");
    }
    for (term, rtype) in [("a", "A"), ("exists", "A"), ("mx", "MX")] {
        let zone = format!("example.com TXT v=spf1 {term}:t.example.com -all\nt.example.com {rtype} !SERVFAIL");
        assert_eq!(result(zone), Temperror, "{term}");
    }
}

#[test]
fn a_time_out_is_temperror_and_neither_permerror_nor_none() {
    assert_eq!(result("example.com TXT !DEADLINE"), Temperror);
    assert_eq!(result("example.com TXT v=spf1 a -all\nexample.com A !DEADLINE"), Temperror);
    assert_eq!(result("example.com TXT v=spf1 a -all\nexample.com A !TIMEOUT"), Temperror);
}

#[test]
fn a_prefix_of_no_bits_matches_everything() {
    assert_eq!(record("a:mail.example.com/0 -all"), Pass);
    assert_eq!(record("ip4:198.51.100.1/0 -all"), Pass);
    let mx = "example.com TXT v=spf1 mx/0 -all\nexample.com MX mail.example.com\nmail.example.com A 198.51.100.1";
    assert_eq!(result(mx), Pass);
    assert_eq!(World::new("example.com TXT v=spf1 ip6:2001:db8::/0 -all").check_ip("2a00::1"), Pass);
}

#[test]
fn prefixes_longer_than_an_address_are_refused() {
    for term in ["ip4:192.0.2.1/33", "ip6:2001:db8::1/129", "a/33", "mx//129"] {
        assert_eq!(record(&format!("{term} -all")), Permerror, "{term}");
    }
}

#[test]
fn the_first_of_two_records_is_not_taken() {
    assert_eq!(result("example.com TXT v=spf1 +all\nexample.com TXT v=spf1 +all"), Permerror);
}

#[test]
fn a_record_of_the_version_alone_is_a_record() {
    assert_eq!(result("example.com TXT v=spf1"), Neutral);
}

#[test]
fn void_lookups_are_limited() {
    assert_eq!(record("a:n1.example.com a:n2.example.com a:n3.example.com +all"), Permerror);
}

#[test]
fn terms_are_limited_to_ten_and_loops_end() {
    let eleven = "a:mail.example.com ".repeat(11);
    assert_eq!(record(&format!("{eleven} +all")), Permerror);
    assert_eq!(record(&format!("{} +all", "a:mail.example.com ".repeat(10))), Pass);
    assert_eq!(record("include:example.com +all"), Permerror);
}

#[test]
fn the_addresses_of_mail_exchangers_are_not_terms() {
    let hosts: String =
        (0..10).map(|n| format!("\nexample.com MX h{n}.example.com\nh{n}.example.com A 198.51.100.1")).collect();
    assert_eq!(result(format!("example.com TXT v=spf1 mx mx -all{hosts}")), Fail);
    assert_eq!(result(format!("example.com TXT v=spf1 mx +all{hosts}\nexample.com MX h10.example.com")), Permerror);
}

#[test]
fn ipv4_mapped_clients_are_ipv4_clients() {
    assert_eq!(World::new("example.com TXT v=spf1 ip4:192.0.2.1 -all").check_ip("::ffff:192.0.2.1"), Pass);
}

#[test]
fn ip6_never_matches_an_ipv4_client() {
    for client in ["192.0.2.1", "::ffff:192.0.2.1"] {
        let world = World::new("example.com TXT v=spf1 ip6:::ffff:192.0.2.1 ip6:::/0 -all");
        assert_eq!(world.check_ip(client), Fail, "{client}");
    }
}

#[test]
fn ptr_matches_the_very_host_and_skips_what_fails() {
    let zone = |ptr: &str| {
        format!(
            "example.com TXT v=spf1 ptr:mail.example.com -all\n1.2.0.192.in-addr.arpa PTR {ptr}\nmail.example.com A 192.0.2.1"
        )
    };
    assert_eq!(result(zone("mail.example.com")), Pass);
    assert_eq!(result(zone("!SERVFAIL")), Fail);
    let skipped =
        zone("broken.example.com\n1.2.0.192.in-addr.arpa PTR mail.example.com\nbroken.example.com A !SERVFAIL");
    assert_eq!(result(skipped), Pass);
}

#[test]
fn p_is_validated_and_stands_in_explanations_too() {
    let zone = "example.com TXT v=spf1 -all exp=why.example.com
                why.example.com TXT from %{p}
                1.2.0.192.in-addr.arpa PTR liar.example.com
                1.2.0.192.in-addr.arpa PTR mail.example.com
                liar.example.com A 198.51.100.1
                mail.example.com A 192.0.2.1";
    assert_eq!(check(zone).explanation.unwrap().text, "from mail.example.com");
    assert_eq!(
        check(zone.replace("mail.example.com A", "mail.example.com AAAA !SERVFAIL\nx.example A"))
            .explanation
            .unwrap()
            .text,
        "from unknown"
    );
}

#[test]
fn exists_does_not_take_aaaa() {
    let zone = "example.com TXT v=spf1 exists:t.example.com -all\nt.example.com AAAA 2001:db8::1";
    assert_eq!(World::new(zone).check_ip("2001:db8::1"), Fail);
}

#[test]
fn control_characters_and_eight_bit_bytes_in_a_record_are_permerror() {
    for byte in ["\t", "\u{1}", "\u{7f}", "\u{e9}"] {
        assert_eq!(result(format!("example.com TXT v=spf1 a:mail{byte}.example.com +all")), Permerror, "{byte:?}");
    }
}

#[test]
fn syntax_is_checked_before_anything_is_evaluated() {
    assert_eq!(record("+all moo"), Permerror);
    assert_eq!(record("ipv4:192.0.2.1 +all"), Permerror);
    assert_eq!(record("a:example.123 +all"), Permerror);
    assert_eq!(record("+all exp=%{x}"), Permerror);
    assert_eq!(record("+all redirect=a.example redirect=b.example"), Permerror);
}

#[test]
fn unknown_modifiers_of_any_kind_are_welcome() {
    assert_eq!(record("ra=postmaster rr=all:x/y,z rp=100 op.a-b_c=%%%_ -all"), Fail);
}

#[test]
fn targets_that_are_no_names_are_no_dns_trouble() {
    assert_eq!(record(&format!("a:{}.example.com ~all", "x".repeat(64))), Softfail);
    assert_eq!(record("a:x..example.com ~all"), Softfail);
}

#[test]
fn odd_characters_in_a_target_are_looked_up() {
    let world =
        World::new("example.com TXT v=spf1 a:foo:bar/baz.example.com -all\nfoo:bar/baz.example.com A 192.0.2.1");
    assert_eq!(world.check_ip(CLIENT), Pass);
}

#[test]
fn redirect_waits_for_the_mechanisms_behind_it() {
    assert_eq!(
        result("example.com TXT v=spf1 redirect=t.example.com ip4:192.0.2.1\nt.example.com TXT v=spf1 -all"),
        Pass
    );
}

#[test]
fn every_macro_of_a_string_is_expanded_with_its_transformers() {
    let explained = |text: &str| {
        let world = World::new(format!("example.com TXT v=spf1 -all exp=why.example.com\nwhy.example.com TXT {text}"));
        world.check(&request(CLIENT, "strong-bad@example.com")).explanation.unwrap().text
    };
    assert_eq!(explained("a%_b%-c%%"), "a b%20c%");
    assert_eq!(
        explained("%{c} %{r} %{t} %{h} %{ir}.%{v} %{lr-} %{l1r-} %{S}"),
        "192.0.2.1 mx.example.net 1600000000 mail.example.org 1.2.0.192.in-addr bad.strong strong strong-bad%40example.com"
    );
}

#[test]
fn an_explanation_in_two_records_is_none() {
    let zone = "example.com TXT v=spf1 -all exp=why.example.com\nwhy.example.com TXT one\nwhy.example.com TXT two";
    assert_eq!(check(zone).explanation, None);
}

#[test]
fn results_keep_their_names() {
    assert_eq!([record("~all"), record("?all"), record("-all")], [Softfail, Neutral, Fail]);
    assert_eq!(record("include:nowhere.example.com +all"), Permerror);
}

#[test]
fn long_names_are_cut_on_the_left() {
    let label = "x".repeat(60);
    let world =
        World::new(format!("example.com TXT v=spf1 a:{label}.{label}.{label}.{label}.{label}.example.com -all"));
    world.check_mail_from("user@example.com");
    assert_eq!(world.asked()[1], format!("{label}.{label}.{label}.example.com A"));
}

#[test]
fn local_parts_of_any_bytes_do_no_harm() {
    let world = World::new(
        "example.com TXT v=spf1 exists:%{l}.example.com -all exp=why.example.com\nwhy.example.com TXT no %{l}",
    );
    for sender in [b"a b@example.com".as_slice(), b"100%s@example.com", b"a\0b@example.com", b"\"a@b\"@example.com"] {
        let outcome = world.check(&request(CLIENT, sender));
        assert_eq!(outcome.result, Fail, "{sender:?}");
    }
    // RFC 8616 section 4.
    let world = World::new("example.com TXT v=spf1 exists:%{l}.example.com ~all");
    let outcome = world.check(&request(CLIENT, "j\u{f6}rg@example.com"));
    assert_eq!((outcome.result, world.asked().len()), (Softfail, 1));
}

#[test]
fn a_failing_record_says_which_lookup_failed() {
    let outcome = check("example.com TXT !SERVFAIL");
    assert!(matches!(outcome.cause.kind, CauseKind::Dns { .. }), "{}", outcome.cause);
}
