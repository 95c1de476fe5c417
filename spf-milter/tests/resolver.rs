//! [`DnsResolver`] against a DNS server that misbehaves: which outcome SPF gets for each fault. It is also what to look
//! at when hickory-resolver changes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fake_dns::FakeDns;
use spf::{Lookup, Name, Question, RecordType};
use spf_milter::{DnsOptions, DnsResolver};
use tokio::net::UdpSocket;
use tokio::sync::Notify;

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

fn options(timeout: Duration) -> DnsOptions {
    let mut options = DnsOptions::default();
    options.timeout = timeout;
    options
}

/// What a question comes to while a fault is in force.
async fn ask(fault: Option<&str>, name: &[u8], rtype: RecordType) -> String {
    let faults = fault.map(|rule| rule.parse().expect("the rule is right"));
    let dns = FakeDns::builder().zone_text("test.zone", ZONE).expect("the zone is right").faults(faults);
    let dns = dns.start().await.expect("a loopback port is free");
    let is_silent = fault.is_some_and(|rule| SILENT.iter().any(|action| rule.ends_with(action)));
    let timeout = if is_silent { SHORT } else { TIMEOUT };
    let resolver = DnsResolver::new(&[dns.addr()], &options(timeout)).expect("the set-up is right");
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
    let resolver = DnsResolver::new(&[dns.addr()], &options(TIMEOUT)).expect("the set-up is right");
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
    let servers = [silent.addr(), speaking.addr()];
    let resolver = DnsResolver::new(&servers, &options(TIMEOUT)).expect("the set-up is right");
    for (name, answer) in [("a.example", "192.0.2.1, 192.0.2.2"), ("b.example", "no such name")] {
        let question = Question::new(Name::parse(name).expect("the name is right"), RecordType::A);
        assert_eq!(resolver.within(3 * TIMEOUT).lookup(question).await.kind.to_string(), answer);
    }
    // The second question went to the server that speaks.
    let asked: Vec<_> = silent.log().iter().map(fake_dns::LogEntry::question).collect();
    assert!(!asked.is_empty() && asked.iter().all(|question| question == "a.example A"), "{asked:?}");
}

#[tokio::test]
async fn when_the_budget_is_spent_every_question_is_answered_at_once() {
    let dns = FakeDns::builder().start().await.expect("a loopback port is free");
    let resolver = DnsResolver::new(&[dns.addr()], &options(TIMEOUT)).expect("the set-up is right");
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
    let resolver = DnsResolver::new(&[dns.addr()], &options(TIMEOUT)).expect("the set-up is right");
    for name in ["kept.example", "kept.example", "fresh.example", "fresh.example"] {
        let question = Question::new(Name::parse(name).expect("the name is right"), RecordType::A);
        resolver.within(BUDGET).lookup(question).await;
    }
    let asked: Vec<_> = dns.log().iter().map(fake_dns::LogEntry::question).collect();
    assert_eq!(asked.iter().filter(|question| question.starts_with("kept")).count(), 1, "{asked:?}");
    assert_eq!(asked.iter().filter(|question| question.starts_with("fresh")).count(), 2, "{asked:?}");
}

/// Two lookups of the same event: what they cost is added up, and what the second cost is nothing.
#[tokio::test]
async fn what_the_dns_costs_is_metered() {
    let zone = "kept.example. 300 A 192.0.2.1\n";
    let dns = FakeDns::builder().zone_text("test.zone", zone).expect("the zone is right");
    let dns = dns.start().await.expect("a loopback port is free");
    let resolver = DnsResolver::new(&[dns.addr()], &options(TIMEOUT)).expect("the set-up is right");
    let event = resolver.within(BUDGET);
    for lookup in [&event, &event.at_most(BUDGET / 2)] {
        let question = Question::new(Name::parse("kept.example").expect("the name is right"), RecordType::A);
        lookup.lookup(question).await;
    }
    let (cost, metrics) = (event.cost(), resolver.metrics());
    assert_eq!((cost.questions, cost.cached, cost.outage), (2, 1, false));
    assert!(cost.time > Duration::ZERO);
    assert_eq!((metrics.lookups(), metrics.queries()), (2, 1));
}

#[tokio::test]
async fn the_same_question_of_several_messages_at_once_is_asked_once() {
    let gate = Gate::start().await;
    let resolver = DnsResolver::new(&[gate.addr], &options(TIMEOUT)).expect("the set-up is right");
    let ask = || async {
        let question = Question::new(Name::parse("a.example").expect("the name is right"), RecordType::A);
        resolver.within(BUDGET).lookup(question).await.kind.to_string()
    };
    // It opens when all three have asked: they are polled in turn, and nothing comes in between.
    let open = async { gate.open.notify_one() };
    let (first, second, third, ()) = tokio::join!(ask(), ask(), ask(), open);
    assert_eq!([first, second, third], ["192.0.2.1, 192.0.2.2"; 3]);
    assert_eq!(resolver.metrics().queries(), 1);
}

/// One whose time is over does not take the answer from the others, nor from those who come later.
#[tokio::test]
async fn a_question_goes_on_when_the_first_who_asked_has_run_out_of_time() {
    let gate = Gate::start().await;
    let resolver = DnsResolver::new(&[gate.addr], &options(TIMEOUT)).expect("the set-up is right");
    let ask = |budget| {
        let question = Question::new(Name::parse("a.example").expect("the name is right"), RecordType::A);
        let lookup = resolver.within(budget);
        async move { lookup.lookup(question).await.kind.to_string() }
    };
    assert_eq!(ask(SHORT).await, "the time for the whole check is over");
    gate.open.notify_one();
    assert_eq!(ask(BUDGET).await, "192.0.2.1, 192.0.2.2");
    assert_eq!(resolver.metrics().queries(), 1);
}

/// A DNS server whose answers come when they are let through.
struct Gate {
    addr: SocketAddr,
    open: Arc<Notify>,
}

impl Gate {
    async fn start() -> Self {
        let dns = FakeDns::builder().zone_text("test.zone", ZONE).expect("the zone is right");
        let dns = dns.start().await.expect("a loopback port is free");
        let (inside, outside) = (loopback().await, loopback().await);
        let gate = Self { addr: outside.local_addr().expect("it is bound"), open: Arc::new(Notify::new()) };
        let open = Arc::clone(&gate.open);
        tokio::spawn(async move {
            let mut packet = [0; 1500];
            let (length, asker) = outside.recv_from(&mut packet).await.expect("a question");
            inside.send_to(&packet[..length], dns.addr()).await.expect("the DNS server is there");
            let length = inside.recv(&mut packet).await.expect("an answer");
            open.notified().await;
            outside.send_to(&packet[..length], asker).await.expect("who asked is there");
        });
        gate
    }
}

async fn loopback() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.expect("a loopback port is free")
}

/// Nobody waits for a server that is known to be dead: the budget is not spent, and nothing is put to it but probes.
#[tokio::test]
async fn a_dead_server_is_left_alone_until_it_answers() {
    let dns = FakeDns::builder().fault("* ANY drop".parse().expect("the rule is right"));
    let dns = dns.start().await.expect("a loopback port is free");
    let mut options = options(SHORT);
    options.failures_max = 1;
    options.probe_interval = Duration::from_secs(3_600);
    let resolver = DnsResolver::new(&[dns.addr()], &options).expect("the set-up is right");
    let ask = |name: &str| {
        let question = Question::new(Name::parse(name).expect("the name is right"), RecordType::A);
        let lookup = resolver.within(BUDGET);
        async move { (lookup.lookup(question).await.kind.to_string(), lookup.cost().outage) }
    };
    // It is found to be dead on the way; the second who asks is told so at once.
    assert_eq!(ask("first.example").await, ("time-out".to_owned(), true));
    assert_eq!(ask("second.example").await, ("no name server answers".to_owned(), true));
    assert_eq!(resolver.metrics().queries(), 1);
    // The probe asks for the servers of the root.
    assert!(dns.log().iter().any(|entry| entry.question() == ". NS"));
}

#[tokio::test]
async fn letters_are_written_in_random_case_on_request() {
    let dns = FakeDns::builder().start().await.expect("a loopback port is free");
    let mut options = options(TIMEOUT);
    options.case_randomization = true;
    let resolver = DnsResolver::new(&[dns.addr()], &options).expect("the set-up is right");
    let name = "long-enough-that-no-coin-falls-so-often-on-one-side.example";
    let question = Question::new(Name::parse(name).expect("the name is right"), RecordType::A);
    resolver.within(BUDGET).lookup(question).await;
    let asked: Vec<_> = dns.log().iter().map(|entry| entry.name.to_string()).collect();
    assert!(asked.iter().all(|asked| asked.trim_end_matches('.').eq_ignore_ascii_case(name)), "{asked:?}");
    assert!(asked.iter().any(|asked| asked.trim_end_matches('.') != name), "{asked:?}");
}
