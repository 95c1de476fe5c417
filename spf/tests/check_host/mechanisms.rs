//! Mechanisms: §4.6.2, §4.7, §4.8, §5.

use spf::SpfResult::{Fail, Neutral, None, Pass, Permerror, Softfail, Temperror};
use spf::{CauseKind, Failure};

use crate::world::{World, check, result};

const FAILURES: [&str; 6] = ["!TIMEOUT", "!SERVFAIL", "!REFUSED", "!MALFORMED", "!DEADLINE", "!NOTIMP"];

/// §4.6.2: each qualifier has its result, and none means pass.
#[test]
fn qualifiers_have_their_results() {
    for (record, expected) in
        [("all", Pass), ("+all", Pass), ("-all", Fail), ("~all", Softfail), ("?all", Neutral), ("-ALL", Fail)]
    {
        assert_eq!(result(format!("example.com TXT v=spf1 {record}")), expected, "{record}");
    }
}

/// §4.6.2: directives are tried from left to right, and the first match decides.
#[test]
fn the_first_match_decides() {
    let outcome = check("example.com TXT v=spf1 ip4:198.51.100.1 ~ip4:192.0.2.0/24 -all");
    assert_eq!(outcome.result, Softfail);
    let matched = outcome.matched().unwrap();
    assert_eq!((matched.text(), matched.domain.to_string().as_str()), ("~ip4:192.0.2.0/24", "example.com"));
}

/// §4.7: without a match and without a redirect the result is neutral.
#[test]
fn no_match_is_neutral() {
    let outcome = check("example.com TXT v=spf1 ip4:198.51.100.1");
    assert_eq!(outcome.matched(), Option::None);
    assert_eq!((outcome.result, outcome.cause.kind), (Neutral, CauseKind::NoMatch));
    assert_eq!(result("example.com TXT v=spf1"), Neutral);
}

/// §5.1: what stands after `all` is not evaluated.
#[test]
fn terms_after_all_are_not_evaluated() {
    let world = World::new("example.com TXT v=spf1 -all a:never.example.com redirect=never.example.com");
    assert_eq!(world.check_ip("192.0.2.1"), Fail);
    assert_eq!(world.asked(), ["example.com TXT"]);
}

/// §5: a failed lookup of `a`, `mx`, `exists` and `include` is `temperror` at once, whatever its kind.
#[test]
fn a_failed_lookup_of_a_term_is_temperror() {
    for failure in FAILURES {
        for (term, rtype) in [("a", "A"), ("mx", "MX"), ("exists", "A"), ("include", "TXT")] {
            let zone = format!("example.com TXT v=spf1 {term}:t.example.com +all\nt.example.com {rtype} {failure}");
            assert_eq!(result(zone), Temperror, "{term} {failure}");
        }
        let zone = format!("example.com TXT v=spf1 mx +all\nexample.com MX m.example.com\nm.example.com A {failure}");
        assert_eq!(result(zone), Temperror, "address of mx {failure}");
        let zone = format!("example.com TXT v=spf1 redirect=t.example.com\nt.example.com TXT {failure}");
        assert_eq!(result(zone), Temperror, "redirect {failure}");
    }
}

/// The cause names the term, the question and the failure.
#[test]
fn a_temperror_says_what_failed() {
    let outcome = check("example.com TXT v=spf1 +a:t.example.com -all\nt.example.com A !SERVFAIL");
    assert_eq!(outcome.cause.to_string(), "example.com: +a:t.example.com: lookup of t.example.com A failed: SERVFAIL");
    assert!(matches!(outcome.cause.kind, CauseKind::Dns { failure: Failure::Servfail, .. }));
}

/// §5.5: a failed PTR lookup is no match, and a failed address lookup skips the name.
#[test]
fn failed_lookups_of_ptr_do_not_match() {
    for failure in FAILURES.iter().filter(|&&failure| failure != "!DEADLINE") {
        let zone = format!("example.com TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa PTR {failure}");
        assert_eq!(result(zone), Fail, "{failure}");
        let zone = format!(
            "example.com TXT v=spf1 ptr -all
             1.2.0.192.in-addr.arpa PTR bad.example.com
             1.2.0.192.in-addr.arpa PTR good.example.com
             bad.example.com A {failure}
             good.example.com A 192.0.2.1"
        );
        assert_eq!(result(zone), Pass, "{failure}");
    }
}

/// §4.6.4: the end of the overall time is `temperror` even for `ptr`.
#[test]
fn the_deadline_ends_ptr_too() {
    assert_eq!(result("example.com TXT v=spf1 ptr +all\n1.2.0.192.in-addr.arpa PTR !DEADLINE"), Temperror);
}

/// §5.5: the names must be validated, and lie within the target by whole labels.
#[test]
fn ptr_compares_whole_labels_of_validated_names() {
    let zone =
        |name: &str| format!("example.com TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa PTR {name}\n{name} A 192.0.2.1");
    assert_eq!(result(zone("example.com")), Pass);
    assert_eq!(result(zone("Host.Mail.EXAMPLE.com")), Pass);
    assert_eq!(result(zone("badexample.com")), Fail);
    assert_eq!(result(zone("example.com.example.net")), Fail);
    let unvalidated = "example.com TXT v=spf1 ptr -all
        1.2.0.192.in-addr.arpa PTR mail.example.com
        mail.example.com A 192.0.2.2";
    assert_eq!(result(unvalidated), Fail);
}

/// §5.5: an IPv6 client's names are validated by their AAAA records.
#[test]
fn ptr_validates_ipv6_clients_by_aaaa() {
    let world = World::new(
        "example.com TXT v=spf1 ptr:example.com -all
         1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail.example.com
         mail.example.com AAAA 2001:db8::1",
    );
    assert_eq!(world.check_ip("2001:db8::1"), Pass);
    assert_eq!(world.asked().last().map(String::as_str), Some("mail.example.com AAAA"));
}

/// §5, §5.3: an IPv6 client is compared with AAAA records, an IPv4 client with A records.
#[test]
fn address_records_are_those_of_the_clients_family() {
    let zone = "example.com TXT v=spf1 a mx -all
        example.com MX mail.example.com
        example.com A 198.51.100.1
        example.com AAAA 2001:db8::7
        mail.example.com A 192.0.2.1
        mail.example.com AAAA 2001:db8::1";
    let world = World::new(zone);
    assert_eq!(world.check_ip("2001:db8::1"), Pass);
    assert_eq!(world.asked(), ["example.com TXT", "example.com AAAA", "example.com MX", "mail.example.com AAAA"]);
    let world = World::new(zone);
    assert_eq!(world.check_ip("192.0.2.1"), Pass);
    assert_eq!(world.asked(), ["example.com TXT", "example.com A", "example.com MX", "mail.example.com A"]);
}

/// §5.3, §5.4: both prefix lengths of a dual CIDR, each for its family; `/0` matches if there is any record.
#[test]
fn dual_cidr_lengths_hold_for_their_family() {
    for mechanism in ["a", "mx"] {
        let world = World::new(format!(
            "example.com TXT v=spf1 {mechanism}:t.example.com/24//64 -all
             t.example.com MX t.example.com
             t.example.com A 192.0.2.200
             t.example.com AAAA 2001:db8::ffff"
        ));
        assert_eq!(world.check_ip("192.0.2.1"), Pass, "{mechanism}");
        assert_eq!(world.check_ip("192.0.3.1"), Fail, "{mechanism}");
        assert_eq!(world.check_ip("2001:db8::1"), Pass, "{mechanism}");
        assert_eq!(world.check_ip("2001:db8:0:1::1"), Fail, "{mechanism}");
        let world = World::new(format!(
            "example.com TXT v=spf1 {mechanism}/0//0 -all\nexample.com MX example.com\nexample.com A 198.51.100.1"
        ));
        assert_eq!(world.check_ip("192.0.2.1"), Pass, "{mechanism}");
        assert_eq!(world.check_ip("2001:db8::1"), Fail, "{mechanism}: no AAAA record, so nothing to compare");
    }
}

/// §5.6: `/0` matches every client of the family, and none of the other.
#[test]
fn networks_match_their_own_family_only() {
    let world = World::new("example.com TXT v=spf1 ip4:198.51.100.1/0 -all");
    assert_eq!((world.check_ip("192.0.2.1"), world.check_ip("2001:db8::1")), (Pass, Fail));
    let world = World::new("example.com TXT v=spf1 ip6:2001:db8::/0 -all");
    assert_eq!((world.check_ip("192.0.2.1"), world.check_ip("2001:db8::1")), (Fail, Pass));
    let world = World::new("example.com TXT v=spf1 ip6:2001:db8:0:1::ffff/64 -all");
    assert_eq!((world.check_ip("2001:db8:0:1::"), world.check_ip("2001:db8::")), (Pass, Fail));
    let world = World::new("example.com TXT v=spf1 ip4:192.0.2.129/25 -all");
    assert_eq!((world.check_ip("192.0.2.128"), world.check_ip("192.0.2.127")), (Pass, Fail));
}

/// §5.4: a domain without MX records does not match by its address.
#[test]
fn mx_does_not_fall_back_to_a() {
    let world = World::new("example.com TXT v=spf1 mx -all\nexample.com A 192.0.2.1");
    assert_eq!(world.check_ip("192.0.2.1"), Fail);
    assert_eq!(world.asked(), ["example.com TXT", "example.com MX"]);
}

/// RFC 7505: the root as exchange is no host to ask about.
#[test]
fn a_null_mx_matches_nothing() {
    let world = World::new("example.com TXT v=spf1 mx/0 -all\nexample.com MX .");
    assert_eq!(world.check_ip("192.0.2.1"), Fail);
    assert_eq!(world.asked(), ["example.com TXT", "example.com MX"]);
}

/// §5.7: `exists` asks for A, for IPv6 clients too, and does not compare addresses.
#[test]
fn exists_asks_for_a_whatever_the_client() {
    let world = World::new("example.com TXT v=spf1 exists:t.example.com -all\nt.example.com A 127.0.0.2");
    assert_eq!(world.check_ip("2001:db8::1"), Pass);
    let world = World::new("example.com TXT v=spf1 exists:t.example.com -all\nt.example.com AAAA 2001:db8::1");
    assert_eq!(world.check_ip("2001:db8::1"), Fail);
}

/// §5.2: only a pass of the included domain is a match; none and errors end the check.
#[test]
fn include_maps_the_results_of_the_target() {
    for (target, expected) in [
        ("v=spf1 +all", Softfail),
        ("v=spf1 -all", Neutral),
        ("v=spf1 ~all", Neutral),
        ("v=spf1 ?all", Neutral),
        ("v=spf1", Neutral),
        ("v=spf1 moo", Permerror),
        ("no record", Permerror),
        ("!SERVFAIL", Temperror),
    ] {
        let zone = format!("example.com TXT v=spf1 ~include:t.example.com ?all\nt.example.com TXT {target}");
        assert_eq!(result(zone), expected, "{target}");
    }
    assert_eq!(result("example.com TXT v=spf1 include:nowhere.example.com ?all"), Permerror);
}

/// §5.2: the qualifier inside an included record does not reach the outer one.
#[test]
fn include_counts_with_its_own_qualifier() {
    let outcome = check("example.com TXT v=spf1 -include:t.example.com +all\nt.example.com TXT v=spf1 +all");
    assert_eq!(outcome.result, Fail);
    let matched = outcome.matched().unwrap();
    assert_eq!((matched.text(), matched.domain.to_string().as_str()), ("-include:t.example.com", "example.com"));
}

/// §5.2: the error of an included record is told with its own domain and term.
#[test]
fn an_error_inside_an_include_tells_its_place() {
    let outcome = check(
        "example.com TXT v=spf1 include:t.example.com -all
         t.example.com TXT v=spf1 a:u.example.com -all
         u.example.com A !REFUSED",
    );
    assert_eq!(outcome.result, Temperror);
    assert_eq!(outcome.cause.to_string(), "t.example.com: a:u.example.com: lookup of u.example.com A failed: REFUSED");
}

/// §4.3, §5.2: an include whose target is no domain of several labels is an error, as one without a record.
#[test]
fn include_of_a_malformed_domain_is_permerror() {
    let outcome = check("example.com TXT v=spf1 include:%{l} -all");
    assert_eq!((outcome.result, outcome.cause.kind), (Permerror, CauseKind::IncludeWithoutRecord));
    let long = format!("example.com TXT v=spf1 include:{}.example.com -all", "a".repeat(64));
    assert_eq!(result(long), Permerror);
    assert_eq!(result("example.com TXT v=spf1 include:a..example.com -all"), Permerror);
}

/// §4.8: other mechanisms do not match if their target is no name; nothing is asked.
#[test]
fn a_malformed_target_does_not_match() {
    for target in ["a..example.com", &format!("{}.example.com", "a".repeat(64)), ".example.com"] {
        for mechanism in ["a", "mx", "ptr", "exists"] {
            let world = World::new(format!("example.com TXT v=spf1 {mechanism}:{target} -all"));
            assert_eq!(world.check_ip("192.0.2.1"), Fail, "{mechanism}:{target}");
            assert_eq!(world.asked(), ["example.com TXT"], "{mechanism}:{target}");
        }
    }
}

/// §5: a domain that does not exist, and one without records, are no match and no error.
#[test]
fn void_answers_do_not_match() {
    let zone = "example.com TXT v=spf1 a:no.example.com exists:txt.example.com -all\ntxt.example.com TXT x";
    assert_eq!(result(zone), Fail);
    assert_eq!(result("example.org TXT v=spf1 -all"), None);
}
