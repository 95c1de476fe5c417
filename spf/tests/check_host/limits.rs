//! Processing limits: §4.6.4, §11.1.

use spf::SpfResult::{Fail, Neutral, Pass, Permerror, Temperror};
use spf::{CauseKind, DEPTH_MAX, Limits};

use crate::world::{CLIENT, World, check, request};

/// Ten hosts that exist and do not match, so that terms about them are not void.
fn hosts() -> String {
    (0..10).map(|host| format!("\nh{host}.example.com A 198.51.100.1\nh{host}.example.com MX h0.example.com")).collect()
}

/// §4.6.4: ten terms that cause lookups are allowed, the eleventh ends the check before it asks.
#[test]
fn the_eleventh_term_is_permerror() {
    let ten = "a:h0.example.com mx:h1.example.com exists:nx.example.com ptr a:h4.example.com a:h5.example.com \
               a:h6.example.com a:h7.example.com a:h8.example.com";
    let world = World::new(format!("example.com TXT v=spf1 {ten} a:h9.example.com -all{}", hosts()));
    let outcome = world.check_mail_from("user@example.com");
    assert_eq!((outcome.result, outcome.term_lookups), (Fail, 10));

    let world = World::new(format!("example.com TXT v=spf1 {ten} a:h9.example.com a:h0.example.com -all{}", hosts()));
    let outcome = world.check_mail_from("user@example.com");
    assert_eq!((outcome.result, &outcome.cause.kind), (Permerror, &CauseKind::TermLimit(10)));
    assert_eq!(world.asked().iter().filter(|question| *question == "h0.example.com A").count(), 2, "by a and by mx");
}

/// §4.6.4: terms of included and redirected records count together with the outer ones.
#[test]
fn terms_are_counted_across_include_and_redirect() {
    let zone = |inner: usize| {
        let terms = "a:h0.example.com ".repeat(inner);
        format!(
            "example.com TXT v=spf1 include:i.example.com redirect=r.example.com
             i.example.com TXT v=spf1 {terms} -all
             r.example.com TXT v=spf1 a:h1.example.com -all{}",
            hosts()
        )
    };
    let outcome = check(zone(7));
    assert_eq!((outcome.result, outcome.term_lookups), (Fail, 10));
    assert_eq!(check(zone(8)).cause.kind, CauseKind::TermLimit(10));
}

/// §4.6.4: `all`, `ip4`, `ip6`, `exp` and unknown modifiers cause no lookups.
#[test]
fn other_terms_are_not_counted() {
    let free = "ip4:198.51.100.1 ip6:2001:db8::1 x=y ".repeat(20);
    let outcome = check(format!("example.com TXT v=spf1 {free} exp=e.example.com -all\ne.example.com TXT text"));
    assert_eq!((outcome.result, outcome.term_lookups), (Fail, 0));
    assert_eq!(outcome.explanation.unwrap().text, "text");
}

/// §4.6.4: a record that includes itself ends at the limit.
#[test]
fn loops_end_at_the_limit() {
    for term in ["include:example.com", "redirect=example.com"] {
        let outcome = check(format!("example.com TXT v=spf1 {term}"));
        assert_eq!((outcome.result, outcome.cause.kind), (Permerror, CauseKind::TermLimit(10)), "{term}");
    }
}

/// The limit of terms is the caller's to raise; the nesting is bounded all the same.
#[test]
fn the_limit_of_terms_can_be_raised_but_not_the_depth() {
    let limits = Limits { terms: 12, ..Limits::default() };
    let zone = format!("example.com TXT v=spf1 {} -all{}", "a:h0.example.com ".repeat(12), hosts());
    assert_eq!(World::new(zone).check(&request(CLIENT, "user@example.com").with_limits(limits)).result, Fail);

    let limits = Limits { terms: 1_000_000, ..Limits::default() };
    let outcome = World::new("example.com TXT v=spf1 include:example.com")
        .check(&request(CLIENT, "user@example.com").with_limits(limits));
    assert_eq!((outcome.result, outcome.cause.kind), (Permerror, CauseKind::DepthLimit(DEPTH_MAX)));
    assert_eq!(outcome.term_lookups, DEPTH_MAX + 1);
}

/// §4.6.4: two void lookups are allowed, by NXDOMAIN or by an empty answer; the third term is an error.
#[test]
fn the_third_void_term_is_permerror() {
    let outcome = check("example.com TXT v=spf1 a:nx.example.com mx:txt.example.com -all\ntxt.example.com TXT x");
    assert_eq!((outcome.result, outcome.void_terms), (Fail, 2));
    let voids: Vec<String> = outcome.void_lookups.iter().map(ToString::to_string).collect();
    assert_eq!(voids, ["nx.example.com A", "txt.example.com MX"]);

    let outcome = check("example.com TXT v=spf1 a:n1.example.com exists:n2.example.com mx:n3.example.com +all");
    assert_eq!((outcome.result, &outcome.cause.kind), (Permerror, &CauseKind::VoidLimit(2)));
    assert_eq!(
        outcome.cause.to_string(),
        "example.com: mx:n3.example.com: more than 2 terms whose DNS lookups found nothing"
    );
}

/// §4.6.4 limits the terms: the hosts of one `mx` without an address for an IPv6 client are one.
#[test]
fn a_term_with_several_void_lookups_counts_once() {
    let world = World::new(format!(
        "example.com TXT v=spf1 mx mx:h0.example.com -all
         example.com MX h0.example.com
         example.com MX h1.example.com
         example.com MX h2.example.com
         example.com MX h3.example.com{}",
        hosts()
    ));
    let outcome = world.check(&request("2001:db8::1", "user@example.com"));
    assert_eq!((outcome.result, outcome.void_terms, outcome.void_lookups.len()), (Fail, 2, 5));
}

/// §4.6.4: void lookups of `ptr` and `%{p}` are lookups of their term.
#[test]
fn reverse_lookups_can_be_void() {
    let zone = |record| format!("example.com TXT v=spf1 {record} -all\nunknown.example.com A 198.51.100.1");
    let outcome = check(zone("ptr a:%{p}.example.com"));
    assert_eq!((outcome.result, outcome.void_terms), (Fail, 2));
    assert_eq!(check(zone("ptr a:%{p}.example.com ptr")).cause.kind, CauseKind::VoidLimit(2));
}

/// The first record and the explanation belong to no term.
#[test]
fn lookups_of_no_term_are_not_void_terms() {
    let world = World::new("example.com TXT v=spf1 a:n1.example.com a:n2.example.com exp=n3.example.com -all");
    let outcome = world.check_mail_from("user@example.com");
    assert_eq!((outcome.result, outcome.void_terms), (Fail, 2));
    assert_eq!(world.asked().last().map(String::as_str), Some("n3.example.com TXT"));
    assert_eq!(check("").void_terms, 0);
}

/// §4.6.4: the limit of void lookups is the caller's to choose.
#[test]
fn the_limit_of_voids_can_be_chosen() {
    let zone = "example.com TXT v=spf1 a:n1.example.com a:n2.example.com a:n3.example.com -all";
    for (voids, expected) in [(0, Permerror), (2, Permerror), (3, Fail)] {
        let request = request(CLIENT, "user@example.com").with_limits(Limits { voids, ..Limits::default() });
        assert_eq!(World::new(zone).check(&request).result, expected, "{voids}");
    }
}

/// An include of nothing is told as such, and not as a void lookup too many.
#[test]
fn a_void_include_is_told_as_an_include_without_record() {
    let outcome = check("example.com TXT v=spf1 a:n1.example.com a:n2.example.com include:n3.example.com -all");
    assert_eq!((outcome.result, outcome.cause.kind), (Permerror, CauseKind::IncludeWithoutRecord));
    assert_eq!(outcome.void_terms, 3);
}

fn mx_zone(hosts: usize) -> String {
    let records =
        (0..hosts).map(|host| format!("\nexample.com MX m{host}.example.com\nm{host}.example.com A 192.0.2.{host}"));
    format!("example.com TXT v=spf1 mx -all{}", records.collect::<String>())
}

/// §4.6.4: ten mail exchangers are asked about; with eleven the mechanism is an error, even if one would match.
#[test]
fn the_eleventh_mail_exchanger_is_permerror() {
    assert_eq!(check(mx_zone(10)).result, Pass);
    let world = World::new(mx_zone(11));
    let outcome = world.check_mail_from("user@example.com");
    assert_eq!((outcome.result, outcome.cause.kind), (Permerror, CauseKind::MxLimit(10)));
    assert_eq!(world.asked(), ["example.com TXT", "example.com MX"]);
}

/// §4.6.4: the ten are for each `mx`, not for all of them.
#[test]
fn mail_exchangers_are_counted_for_each_mechanism() {
    let zone = mx_zone(10).replace("mx -all", "mx:h0.example.com mx -all") + &hosts();
    assert_eq!(check(zone).result, Pass);
}

fn ptr_zone(record: &str, names: usize) -> String {
    let others: String = (1..names).map(|name| format!("1.2.0.192.in-addr.arpa PTR n{name}.example.com\n")).collect();
    format!(
        "example.com TXT v=spf1 {record} -all
         {others}
         1.2.0.192.in-addr.arpa PTR good.example.com
         good.example.com A 192.0.2.1"
    )
}

/// §4.6.4, §5.5: of eleven names the last is ignored, without an error; so for `%{p}`.
#[test]
fn the_eleventh_name_of_the_client_is_ignored() {
    let records = ["ptr", "exists:%{p}.ok.example.com"];
    let exists = "\ngood.example.com.ok.example.com A 127.0.0.2\nunknown.ok.example.com TXT x";
    for record in records {
        assert_eq!(check(ptr_zone(record, 10) + exists).result, Pass, "{record}");
        assert_eq!(check(ptr_zone(record, 11) + exists).result, Fail, "{record}");
    }
}

/// The other two limits are the caller's too.
#[test]
fn the_limits_of_names_can_be_chosen() {
    let limits = Limits { mx_names: 1, ptr_names: 1, ..Limits::default() };
    let request = request(CLIENT, "user@example.com").with_limits(limits);
    assert_eq!(World::new(mx_zone(2)).check(&request).result, Permerror);
    assert_eq!(World::new(mx_zone(1)).check(&request).result, Fail);
    assert_eq!(World::new(ptr_zone("ptr", 2)).check(&request).result, Fail);
}

/// §4.6.4: there is no limit to the A records of a name.
#[test]
fn addresses_of_one_name_are_not_limited() {
    let zone: String = (2..250).map(|host| format!("example.com A 192.0.2.{host}\n")).collect();
    let zone = zone + "example.com A 192.0.2.1\nexample.com TXT v=spf1 a -all";
    assert_eq!(check(zone).result, Pass);
}

/// §4.6.4: when the caller's time is over, the result is `temperror`, and what was found so far is kept.
#[test]
fn the_deadline_is_temperror_and_keeps_what_is_known() {
    let outcome = check(
        "example.com TXT v=spf1 a:h.example.com include:i.example.com -all
         h.example.com A 198.51.100.1
         i.example.com TXT v=spf1 a:slow.example.com
         slow.example.com A !DEADLINE",
    );
    assert_eq!((outcome.result, outcome.term_lookups), (Temperror, 3));
    assert_eq!(
        outcome.cause.to_string(),
        "i.example.com: a:slow.example.com: lookup of slow.example.com A failed: the time for the whole check is over"
    );
    let trace = outcome.trace.unwrap();
    assert_eq!(trace.check.terms.len(), 2);
    assert_eq!(trace.check.terms[1].check.as_ref().unwrap().terms[0].queries.len(), 1);
}

/// A hostile record cannot buy more questions than the limits allow: ten terms, each with a reverse lookup, ten
/// names, an MX lookup and ten hosts.
#[test]
fn the_worst_record_asks_a_bounded_number_of_questions() {
    let mut zone = "example.com TXT v=spf1 ".to_owned() + &"mx:%{p}.example.com ".repeat(11) + "-all";
    for name in 0..20 {
        zone += &format!("\n1.2.0.192.in-addr.arpa PTR n{name}.example.net\nn{name}.example.net A 198.51.100.1");
    }
    for host in 0..10 {
        zone += &format!("\nunknown.example.com MX h{host}.example.com");
    }
    let world = World::new(zone + &hosts());
    assert_eq!(world.check_mail_from("user@example.com").result, Permerror);
    assert_eq!(world.asked().len(), 1 + 10 * (1 + 10 + 1 + 10));
    assert_eq!(World::new("example.com TXT v=spf1").check_ip(CLIENT), Neutral);
}
