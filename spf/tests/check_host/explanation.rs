//! Explanations: §6.2, §7.

use spf::{EXPLANATION_BYTES_MAX, Explanation, MacroString, Outcome, SpfResult};

use crate::world::{CLIENT, World, check, request};

fn explanation_of(text: &str) -> Option<String> {
    explained(&format!("example.com TXT v=spf1 -all exp=e.example.com\ne.example.com TXT {text}"))
}

fn explained(zone: &str) -> Option<String> {
    check(zone).explanation.map(|explanation| explanation.text)
}

fn with_default(zone: &str) -> Outcome {
    let default = MacroString::configuration("default for %{s} from %{c}", &[]).expect("a macro-string");
    World::new(zone).check(&request(CLIENT, "user@example.com").with_default_explanation(&default))
}

/// §6.2, §7.2: every macro letter may stand in an explanation.
#[test]
fn all_macros_expand_in_an_explanation() {
    let text =
        explanation_of("s=%{s} l=%{l} o=%{o} d=%{d} i=%{i} p=%{p} v=%{v} h=%{h} c=%{c} r=%{r} t=%{t} %%%_%- %{S}.");
    assert_eq!(
        text.as_deref(),
        Some(
            "s=user@example.com l=user o=example.com d=example.com i=192.0.2.1 p=unknown v=in-addr \
             h=mail.example.org c=192.0.2.1 r=mx.example.net t=1600000000 % %20 user%40example.com."
        )
    );
}

/// §6.2: the domain whose text it is stands beside it.
#[test]
fn an_explanation_names_its_domain() {
    let outcome = check("example.com TXT v=spf1 -all exp=e.%{d}\ne.example.com TXT See us.");
    let expected = Explanation { text: "See us.".to_owned(), from: Some("example.com".parse().unwrap()) };
    assert_eq!(outcome.explanation, Some(expected));
}

/// §6.2: only a `fail` is explained, and only then is the text asked for.
#[test]
fn only_a_fail_is_explained() {
    for qualifier in ["+", "~", "?"] {
        let world = World::new(format!("example.com TXT v=spf1 {qualifier}all exp=e.example.com"));
        assert_eq!(world.check_mail_from("user@example.com").explanation, None);
        assert_eq!(world.asked(), ["example.com TXT"], "{qualifier}");
    }
}

/// §6.2: several texts, no text, a failure, a syntax error or odd bytes are as good as no `exp`.
#[test]
fn an_unusable_explanation_is_none() {
    for lines in [
        "e.example.com TXT one\ne.example.com TXT two",
        "e.example.com A 192.0.2.1",
        "",
        "e.example.com TXT !SERVFAIL",
        "e.example.com TXT !TIMEOUT",
        "e.example.com TXT !DEADLINE",
        "e.example.com TXT %{x}",
        "e.example.com TXT 100%",
        "e.example.com TXT %{rcpt}",
        "e.example.com TXT caf\u{e9}",
        "e.example.com TXT a\tb",
        "e.example.com TXT ",
    ] {
        let outcome = with_default(&format!("example.com TXT v=spf1 -all exp=e.example.com\n{lines}"));
        assert_eq!(outcome.result, SpfResult::Fail, "{lines}");
        let expected = Explanation { text: "default for user@example.com from 192.0.2.1".to_owned(), from: None };
        assert_eq!(outcome.explanation, Some(expected), "{lines}");
    }
}

/// §6.2: a target that is no name after expansion is no explanation either.
#[test]
fn an_exp_target_that_is_no_name_is_none() {
    assert_eq!(explained("example.com TXT v=spf1 -all exp=a..example.com"), None);
    assert_eq!(explained(&format!("example.com TXT v=spf1 -all exp={}.example.com", "a".repeat(64))), None);
}

/// Without a default there is none, and a `fail` stays a `fail`.
#[test]
fn a_fail_may_be_without_explanation() {
    let outcome = check("example.com TXT v=spf1 -all");
    assert_eq!((outcome.result, outcome.explanation), (SpfResult::Fail, None));
}

/// §6.2: an SMTP reply is ASCII, and has no room for control characters that macros bring in.
#[test]
fn macros_cannot_bring_odd_bytes_into_an_explanation() {
    let zone = "example.com TXT v=spf1 -all exp=e.example.com\ne.example.com TXT %{l} at %{h}";
    let explanation = |helo: &[u8], mail_from: &[u8]| {
        World::new(zone).check(&request(CLIENT, mail_from).with_helo(helo)).explanation.map(|found| found.text)
    };
    assert_eq!(explanation(b"mail.example.org", b"a b@example.com").as_deref(), Some("a b at mail.example.org"));
    assert_eq!(explanation(b"mail\r\n250 ok", b"user@example.com"), None);
    assert_eq!(explanation(b"mail.example.org", "jörg@example.com".as_bytes()), None);
    assert_eq!(explanation(b"mail.example.org", b"a\x00b@example.com"), None);
}

/// RFC 8616 section 4: a target with a local part that is not ASCII is not asked for; the text may escape it.
#[test]
fn a_non_ascii_local_part_has_no_exp_target() {
    let world = World::new("example.com TXT v=spf1 -all exp=%{l}.example.com");
    assert_eq!(world.check_mail_from("jörg@example.com").explanation, None);
    assert_eq!(world.asked(), ["example.com TXT"]);
    let world = World::new("example.com TXT v=spf1 -all exp=e.example.com\ne.example.com TXT sender=%{S}");
    let text = world.check_mail_from("jörg@example.com").explanation.unwrap().text;
    assert_eq!(text, "sender=j%C3%B6rg%40example.com");
}

/// An explanation longer than an SMTP line is dropped, also if macros make it so.
#[test]
fn an_over_long_explanation_is_dropped() {
    let longest = "x".repeat(EXPLANATION_BYTES_MAX);
    assert_eq!(explanation_of(&longest).as_deref(), Some(longest.as_str()));
    assert_eq!(explanation_of(&format!("{longest}x")), None);
    assert_eq!(explanation_of(&"%{s}".repeat(100)), None);
}

/// §6.2: an included record's `exp` is ignored, the outer one is used.
#[test]
fn the_exp_of_an_included_record_is_ignored() {
    let zone = |exp: &str| {
        format!(
            "example.com TXT v=spf1 -include:i.example.com {exp}
             i.example.com TXT v=spf1 +all exp=inner.example.com
             inner.example.com TXT inner
             outer.example.com TXT outer"
        )
    };
    assert_eq!(explained(&zone("exp=outer.example.com")).as_deref(), Some("outer"));
    assert_eq!(explained(&zone("")), None);
}

/// §6.2: after a `redirect` only the target's `exp` counts, with the target as `%{d}`.
#[test]
fn the_exp_of_the_redirect_target_is_used() {
    let zone = |exp: &str| {
        format!(
            "example.com TXT v=spf1 exp=outer.example.com redirect=t.example.org
             t.example.org TXT v=spf1 -all {exp}
             inner.example.com TXT %{{d}} %{{o}}
             outer.example.com TXT outer"
        )
    };
    assert_eq!(explained(&zone("exp=inner.example.com")).as_deref(), Some("t.example.org example.com"));
    assert_eq!(explained(&zone("")), None);
}

/// §3.3: the strings of the text join without a space.
#[test]
fn the_strings_of_an_explanation_join() {
    let mut table = spf::Table::new().txt("example.com", "v=spf1 -all exp=e.example.com").unwrap();
    table.add("e.example.com".parse().unwrap(), spf::Rdata::txt(["one ", "te", "xt"]));
    let outcome = crate::support::block_on(spf::check_host(&request(CLIENT, "user@example.com"), &table));
    assert_eq!(outcome.explanation.unwrap().text, "one text");
}
