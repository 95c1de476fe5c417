//! A real resolver against the server.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::time::Duration;

use common::{builder, serve};
use fake_dns::FakeDns;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RecordType};

fn resolver(dns: &FakeDns) -> TokioResolver {
    let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
    udp.port = dns.addr().port();
    tcp.port = dns.addr().port();
    let server = NameServerConfig::new(dns.addr().ip(), true, vec![udp, tcp]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = Duration::from_secs(20);
    options.attempts = 0;
    options.case_randomization = true;
    builder.build().unwrap()
}

async fn texts(resolver: &TokioResolver, name: &str) -> Result<Vec<String>, String> {
    match resolver.lookup(Name::from_ascii(name).unwrap(), RecordType::TXT).await {
        Ok(lookup) => Ok(lookup.answers().iter().map(|record| record.data.to_string()).collect()),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => Err(format!("none: {:?}", none.response_code)),
        Err(NetError::Dns(DnsError::ResponseCode(code))) => Err(format!("code: {code:?}")),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn a_resolver_gets_answers_and_their_absence() {
    let zone = "example.com TXT \"v=spf1 \" \"-all\"\nhas.example.com A 192.0.2.1\n*.example.com TXT wild\nalias.test CNAME example.com\n";
    let dns = serve(zone, &[]).await;
    let resolver = resolver(&dns);
    assert_eq!(texts(&resolver, "example.com.").await.unwrap(), ["v=spf1 -all"]);
    assert_eq!(texts(&resolver, "y.example.com.").await.unwrap(), ["wild"]);
    assert_eq!(texts(&resolver, "alias.test.").await.unwrap().len(), 2);
    assert_eq!(texts(&resolver, "has.example.com.").await.unwrap_err(), format!("none: {:?}", ResponseCode::NoError));
    assert_eq!(
        texts(&resolver, "x.has.example.com.").await.unwrap_err(),
        format!("none: {:?}", ResponseCode::NXDomain)
    );
    let questions: Vec<_> = dns.log().iter().map(fake_dns::LogEntry::question).collect();
    let asked =
        ["example.com TXT", "y.example.com TXT", "alias.test TXT", "has.example.com TXT", "x.has.example.com TXT"];
    assert_eq!(questions, asked);
}

#[tokio::test]
async fn a_resolver_sees_faults() {
    let dns = serve("example.com TXT x\n", &["example.com TXT servfail", "r.test TXT refused"]).await;
    let resolver = resolver(&dns);
    assert_eq!(texts(&resolver, "example.com.").await.unwrap_err(), "code: ServFail");
    assert_eq!(texts(&resolver, "r.test.").await.unwrap_err(), "code: Refused");
}

#[tokio::test]
async fn a_resolver_comes_again_over_tcp() {
    let text = "x".repeat(250);
    let long: String = (0..8).map(|index| format!("long.test TXT {index}{text}\n")).collect();
    for (zone, faults) in [(long.as_str(), &[][..]), ("long.test TXT x\n", &["* TXT truncate"][..])] {
        let dns = builder(zone, faults).start().await.unwrap();
        assert_eq!(texts(&resolver(&dns), "long.test.").await.unwrap().len(), zone.lines().count());
        let transports: Vec<_> = dns.log().iter().map(|entry| entry.transport.to_string()).collect();
        assert_eq!(transports, ["udp", "tcp"]);
    }
}

#[tokio::test]
async fn a_resolver_waits_for_the_right_answer() {
    let dns = serve("example.com TXT x\n", &["example.com TXT duplicate 2"]).await;
    assert_eq!(texts(&resolver(&dns), "example.com.").await.unwrap(), ["x"]);
    let dns = serve("example.com TXT x\n", &["example.com TXT drop first 1"]).await;
    // The resolver sends the same question again by itself.
    assert_eq!(texts(&resolver(&dns), "example.com.").await.unwrap(), ["x"]);
}

#[tokio::test]
async fn odd_labels_reach_the_log() {
    let dns = serve("", &[]).await;
    let mut name = Name::from_labels([b"a b\xff%".as_slice(), b"test"]).unwrap();
    name.set_fqdn(true);
    let answer = resolver(&dns).lookup(name, RecordType::A).await;
    assert!(matches!(answer, Err(NetError::Dns(DnsError::NoRecordsFound(_)))));
    assert_eq!(dns.log()[0].question(), r"a\032b\255%.test A");
}
