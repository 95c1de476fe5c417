//! [`DnsResolver`] against a DNS server that misbehaves: which outcome SPF gets for each fault. It is also what to look
//! at when hickory-resolver changes.

use std::time::Duration;

use fake_dns::FakeDns;
use spf::{Lookup, Name, Question, RecordType};
use spf_milter::DnsResolver;

const ZONE: &str = r#"
a.example.       A 192.0.2.1
a.example.       A 192.0.2.2
a.example.       TXT "one " "two"
a.example.       MX 10 a.example.
alias.example.   CNAME far.example.
far.example.     CNAME a.example.
dangling.example. CNAME nowhere.example.
loop.example.    CNAME pool.example.
pool.example.    CNAME loop.example.
odd\032\255\@.UPPER.example. A 192.0.2.3
1.2.0.192.in-addr.arpa. PTR a.example.
2.0.0.127.in-addr.arpa. PTR a.example.
"#;

/// For answers that come.
const TIMEOUT: Duration = Duration::from_secs(10);

/// For answers that never come.
const SHORT: Duration = Duration::from_millis(100);

/// Actions after which nothing that counts as an answer comes.
const SILENT: [&str; 3] = ["drop", "wrong-id", "wrong-question"];

const BUDGET: Duration = Duration::from_secs(20);

/// What a question comes to while a fault is in force.
async fn ask(fault: Option<&str>, name: &[u8], rtype: RecordType) -> String {
    let faults = fault.map(|rule| rule.parse().expect("the rule is right"));
    let dns = FakeDns::builder().zone_text("test.zone", ZONE).expect("the zone is right").faults(faults);
    let dns = dns.start().await.expect("a loopback port is free");
    let is_silent = fault.is_some_and(|rule| SILENT.iter().any(|action| rule.ends_with(action)));
    let timeout = if is_silent { SHORT } else { TIMEOUT };
    let resolver = DnsResolver::new(&[dns.addr()], timeout).expect("the set-up is right");
    let question = Question::new(Name::parse(name).expect("the name is right"), rtype);
    let answer = resolver.within(BUDGET).lookup(question.clone()).await;
    format!("{:24} {question} -> {}", fault.unwrap_or("-"), answer.kind)
}

#[tokio::test]
async fn what_each_answer_comes_to() {
    let mut lines = Vec::new();
    for (name, rtype) in [
        (&b"a.example"[..], RecordType::A),
        (b"a.example", RecordType::Txt),
        (b"a.example", RecordType::Mx),
        (b"a.example", RecordType::Aaaa),
        (b"missing.example", RecordType::A),
        (b"alias.example", RecordType::A),
        (b"alias.example", RecordType::Aaaa),
        (b"dangling.example", RecordType::A),
        (b"loop.example", RecordType::A),
        (b"odd \xff@.UPPER.example", RecordType::A),
        (b"1.2.0.192.in-addr.arpa", RecordType::Ptr),
        // Answered by hickory itself, without a question to anybody.
        (b"2.0.0.127.in-addr.arpa", RecordType::Ptr),
        (b"x.invalid", RecordType::A),
    ] {
        lines.push(ask(None, name, rtype).await);
    }
    for action in [
        "servfail",
        "refused",
        "formerr",
        "notimp",
        "rcode 11",
        "drop",
        "truncate",
        "udp cut",
        "wrong-id",
        "wrong-question",
        "wrong-owner",
        "query-bit",
        "duplicate",
        "nxdomain",
        "nodata",
        "servfail first 1",
        "drop first 1",
    ] {
        lines.push(ask(Some(&format!("a.example A {action}")), b"a.example", RecordType::A).await);
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn a_name_is_asked_about_byte_for_byte() {
    let dns = FakeDns::builder().start().await.expect("a loopback port is free");
    let resolver = DnsResolver::new(&[dns.addr()], TIMEOUT).expect("the set-up is right");
    let name = Name::parse(b"a%b x/y.MiXed.-x.example").expect("the name is right");
    resolver.within(BUDGET).lookup(Question::new(name, RecordType::A)).await;
    let asked: Vec<_> = dns.log().iter().map(fake_dns::LogEntry::question).collect();
    insta::assert_snapshot!(asked.join("\n"));
}

#[tokio::test]
async fn the_second_server_is_asked_when_the_first_is_silent() {
    let silent = FakeDns::builder().fault("* ANY drop".parse().expect("the rule is right"));
    let silent = silent.start().await.expect("a loopback port is free");
    let speaking = FakeDns::builder().zone_text("test.zone", ZONE).expect("the zone is right");
    let speaking = speaking.start().await.expect("a loopback port is free");
    let timeout = Duration::from_secs(1);
    let resolver = DnsResolver::new(&[silent.addr(), speaking.addr()], timeout).expect("the set-up is right");
    for (name, answer) in [("a.example", "192.0.2.1, 192.0.2.2"), ("b.example", "no such name")] {
        let question = Question::new(Name::parse(name).expect("the name is right"), RecordType::A);
        assert_eq!(resolver.within(BUDGET).lookup(question).await.kind.to_string(), answer);
    }
    // The second question went to the server that speaks.
    let asked: Vec<_> = silent.log().iter().map(fake_dns::LogEntry::question).collect();
    assert!(!asked.is_empty() && asked.iter().all(|question| question == "a.example A"), "{asked:?}");
}

#[tokio::test]
async fn when_the_budget_is_spent_every_question_is_answered_at_once() {
    let dns = FakeDns::builder().start().await.expect("a loopback port is free");
    let resolver = DnsResolver::new(&[dns.addr()], TIMEOUT).expect("the set-up is right");
    let spent = resolver.within(Duration::ZERO);
    for name in ["a.example", "b.example"] {
        let question = Question::new(Name::parse(name).expect("the name is right"), RecordType::A);
        assert_eq!(spent.lookup(question).await.kind.to_string(), "the time for the whole check is over");
    }
}

#[tokio::test]
async fn answers_are_kept_as_long_as_they_live() {
    let zone = "kept.example. 300 A 192.0.2.1\nfresh.example. 0 A 192.0.2.1\n";
    let dns = FakeDns::builder().zone_text("test.zone", zone).expect("the zone is right");
    let dns = dns.start().await.expect("a loopback port is free");
    let resolver = DnsResolver::new(&[dns.addr()], TIMEOUT).expect("the set-up is right");
    for name in ["kept.example", "kept.example", "fresh.example", "fresh.example"] {
        let question = Question::new(Name::parse(name).expect("the name is right"), RecordType::A);
        resolver.within(BUDGET).lookup(question).await;
    }
    let asked: Vec<_> = dns.log().iter().map(fake_dns::LogEntry::question).collect();
    assert_eq!(asked.iter().filter(|question| question.starts_with("kept")).count(), 1, "{asked:?}");
    assert_eq!(asked.iter().filter(|question| question.starts_with("fresh")).count(), 2, "{asked:?}");
}
