//! Rules, good and mistaken.

use proptest::prelude::*;

use super::*;

fn rule(text: &str) -> FaultRule {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> String {
    let error = text.parse::<FaultRule>().unwrap_err();
    format!(
        "{text}\n{}{} {error}\n",
        " ".repeat(error.span.start),
        "^".repeat((error.span.end - error.span.start).max(1))
    )
}

#[test]
fn rules_print_as_they_are_written() {
    for text in [
        "example.com TXT drop",
        "* ANY delay 200ms first 2",
        "*.example.com A,AAAA tcp rcode SERVFAIL every 3",
        "example.com !TXT,SPF udp truncate until step 4",
        "x ANY wrong-id",
        "x ANY wrong-question",
        "x ANY wrong-owner",
        "x ANY query-bit",
        "x ANY cut",
        "x ANY cut 20 first 1",
        "x ANY raw 00ff",
        "x ANY raw id+8180",
        "x ANY duplicate 3",
        "x ANY tcp-reset",
        "x ANY tcp-half",
        "x ANY tcp-drip 5ms",
        "x ANY nxdomain",
        "x ANY nodata",
        "x ANY rcode RCODE12",
        r"odd\032name TYPE77 drop",
        r"\*.example.com TXT drop",
    ] {
        assert_eq!(rule(text).to_string(), text);
    }
}

#[test]
fn short_forms_mean_the_long_ones() {
    for (short, long) in [
        ("Example.COM. any TIMEOUT", "example.com ANY drop"),
        ("x txt both servfail all", "x TXT rcode SERVFAIL"),
        ("x ANY delay 2s", "x ANY delay 2000ms"),
        ("x ANY duplicate", "x ANY duplicate 2"),
        ("x ANY tcp-drip", "x ANY tcp-drip 10ms"),
        ("x ANY rcode 5", "x ANY rcode REFUSED"),
        ("x A,ANY empty", "x ANY nodata"),
    ] {
        assert_eq!(rule(short), rule(long));
    }
}

#[test]
fn mistakes_are_shown_with_their_place() {
    let texts = [
        "",
        "example.com",
        "example.com TXTT drop",
        "example.com drop",
        "example.com TXT",
        "example.com TXT dorp",
        "example.com TXT explode",
        "example..com TXT drop",
        "* ANY delay",
        "* ANY delay 200",
        "* ANY rcode SERVFIAL",
        "* ANY raw 123",
        "* ANY duplicate 1000",
        "* ANY drop frist 2",
        "* ANY drop first two",
        "* ANY drop every 0",
        "* ANY drop until 3",
        "* ANY drop first 2 3",
        "* !ANY drop",
    ];
    insta::assert_snapshot!(texts.map(refusal).concat());
}

#[test]
fn patterns_fit_what_they_say() {
    let fits =
        |rule_text: &str, name: &str, rtype, transport| rule(rule_text).fits(&name.parse().unwrap(), rtype, transport);
    use Transport::{Tcp, Udp};
    assert!(fits("*.example.com TXT drop", "a.b.Example.COM", RecordType::TXT, Udp));
    assert!(!fits("*.example.com TXT drop", "example.com", RecordType::TXT, Udp));
    assert!(!fits("*.example.com TXT drop", "badexample.com", RecordType::TXT, Udp));
    assert!(!fits("x !TXT,SPF drop", "x", RecordType::SPF, Udp));
    assert!(fits("x !TXT,SPF drop", "x", RecordType::A, Udp));
    assert!(!fits("x ANY truncate", "x", RecordType::A, Tcp));
    assert!(fits("x ANY tcp truncate", "x", RecordType::A, Tcp));
    assert!(!fits("x ANY tcp-half", "x", RecordType::A, Udp));
}

#[test]
fn when_counts_from_one() {
    let due = |when: When, step| (1..=6).filter(|number| when.is_due(*number, step)).collect::<Vec<_>>();
    assert_eq!(due(When::First(2), 0), [1, 2]);
    assert_eq!(due(When::Every(3), 0), [3, 6]);
    assert_eq!(due(When::Every(0), 0), [] as [u64; 0]);
    assert_eq!(due(When::UntilStep(2), 1).len(), 6);
    assert_eq!(due(When::UntilStep(2), 2).len(), 0);
}

proptest! {
    #[test]
    fn any_text_is_a_rule_that_prints_back_or_is_refused(words in prop::collection::vec(prop::sample::select(WORDS), 0..8), tail in ".{0,12}") {
        let text = format!("{} {tail}", words.join(" "));
        match text.parse::<FaultRule>() {
            Ok(rule) => prop_assert_eq!(rule.to_string().parse(), Ok(rule)),
            Err(error) => {
                prop_assert!(error.span.end <= text.len());
                prop_assert!(!error.to_string().chars().any(char::is_control));
            }
        }
    }
}

const WORDS: &[&str] = &[
    "*", "*.a.test", "a.test", "ANY", "TXT", "!A,MX", "udp", "tcp", "drop", "delay", "5ms", "rcode", "3", "raw",
    "id+00", "cut", "first", "every", "until", "step", "ü", "\u{1b}",
];
