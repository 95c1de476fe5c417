//! The log, and the beginning and end of a server.

mod common;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{A, TXT, ask, ask_tcp, builder, frame, question, read_frame, serve};
use fake_dns::FaultRule;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use zone::RecordType;

const ZONE: &str = "_spf.example.com TXT text\nexample.com A 192.0.2.1\n";

#[tokio::test]
async fn the_log_tells_questions_in_order_without_retransmissions() {
    let dns = serve(ZONE, &[]).await;
    ask(dns.addr(), &question(1, "_SPF.example.com", TXT)).await;
    let mark = dns.mark();
    ask(dns.addr(), &question(1, "_spf.EXAMPLE.com", TXT)).await;
    ask(dns.addr(), &question(1, "_spf.exmaple.com", TXT)).await;
    ask_tcp(dns.addr(), &question(1, "_spf.example.com", TXT)).await;
    let lines = |entries: Vec<fake_dns::LogEntry>| entries.iter().map(|entry| format!("{entry}\n")).collect::<String>();
    insta::assert_snapshot!(lines(dns.log_with_repeats()), @r#"
    0 udp _spf.example.com TXT -> NOERROR TXT "text"
    1 udp _spf.example.com TXT -> NOERROR TXT "text" [repeat]
    2 udp _spf.exmaple.com TXT -> NXDOMAIN
    3 tcp _spf.example.com TXT -> NOERROR TXT "text"
    "#);
    let questions = |entries: Vec<fake_dns::LogEntry>| entries.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    assert_eq!(questions(dns.log()), [0, 2, 3]);
    assert_eq!(questions(dns.log_since(mark)), [2, 3]);
    assert_eq!(dns.log()[0].name.to_string(), "_SPF.example.com.");
}

#[tokio::test]
async fn a_name_that_is_not_there_has_a_hint() {
    let dns = serve(ZONE, &[]).await;
    ask(dns.addr(), &question(1, "_spf.exmaple.com", TXT)).await;
    let entry = &dns.log()[0];
    let hint = dns.near_miss(&entry.name, entry.rtype).unwrap().to_string();
    assert_eq!(hint, "no record for _spf.exmaple.com TXT; closest in the zone: _spf.example.com TXT");
    assert_eq!(dns.near_miss(&"example.com".parse().unwrap(), RecordType::A), None);
}

#[tokio::test]
async fn an_observer_sees_each_entry() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let observed = builder(ZONE, &[]).observe(move |entry| sink.lock().unwrap().push(entry.question()));
    let dns = observed.start().await.unwrap();
    for _ in 0..2 {
        ask(dns.addr(), &question(1, "example.com", A)).await;
    }
    assert_eq!(*seen.lock().unwrap(), ["example.com A", "example.com A"]);
}

#[tokio::test]
async fn the_log_is_bounded() {
    let dns = builder(ZONE, &[]).log_capacity(2).start().await.unwrap();
    for id in 0..5 {
        ask(dns.addr(), &question(id, "example.com", A)).await;
    }
    assert_eq!(dns.log().iter().map(|entry| entry.id).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(dns.mark(), 5);
}

#[tokio::test]
async fn a_whole_name_can_be_silent_by_program() {
    let silent = FaultRule::timeout("example.com".parse().unwrap());
    let dns = builder(ZONE, &[]).fault(silent).start().await.unwrap();
    let socket = common::udp(dns.addr()).await;
    for (id, name) in [(1, "example.com"), (2, "_spf.example.com")] {
        socket.send(&question(id, name, TXT)).await.unwrap();
    }
    assert_eq!(common::head(&common::receive(&socket).await).id, 2);
}

async fn both_ports_are_free(addr: SocketAddr) -> bool {
    UdpSocket::bind(addr).await.is_ok() && TcpListener::bind(addr).await.is_ok()
}

#[tokio::test]
async fn shutdown_closes_everything() {
    let dns = serve(ZONE, &["example.com A delay 3600s"]).await;
    let addr = dns.addr();
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(&frame(&question(1, "_spf.example.com", TXT))).await.unwrap();
    read_frame(&mut stream).await;
    stream.write_all(&frame(&question(2, "example.com", A))).await.unwrap();
    dns.shutdown().await;
    // The end of the stream or a reset: the peer is told either way.
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty() && !matches!(ended, Ok(length) if length > 0));
    assert!(both_ports_are_free(addr).await);
    let metrics = tokio::runtime::Handle::current().metrics();
    assert_eq!(metrics.num_alive_tasks(), 0);
}

#[tokio::test]
async fn dropping_stops_as_well() {
    let dns = serve(ZONE, &[]).await;
    let mut stream = TcpStream::connect(dns.addr()).await.unwrap();
    stream.write_all(&frame(&question(1, "example.com", A))).await.unwrap();
    read_frame(&mut stream).await;
    drop(dns);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let dns = builder(ZONE, &[]).tcp_idle_timeout(Duration::from_millis(5)).start().await.unwrap();
    let mut stream = TcpStream::connect(dns.addr()).await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn ipv6_is_served_too() {
    let Ok(dns) = builder(ZONE, &[]).listen("[::1]:0".parse().unwrap()).start().await else {
        // A machine without IPv6 has nothing to test here.
        return;
    };
    let socket = UdpSocket::bind("[::1]:0").await.unwrap();
    socket.send_to(&question(1, "example.com", A), dns.addr()).await.unwrap();
    let mut buffer = [0; 512];
    let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
    assert_eq!((from, common::head(&buffer[..length]).counts[1]), (dns.addr(), 1));
}

#[tokio::test]
async fn a_bad_zone_names_its_place() {
    let error = fake_dns::FakeDns::builder().zone_text("bad.zone", "a.test TXTT x\n").err().unwrap();
    assert_eq!(error.to_string(), "bad.zone:1:8: unknown record type `TXTT` (did you mean `TXT`?)");
}

#[tokio::test]
async fn one_server_follows_another_on_the_same_sockets() {
    let dns = serve(ZONE, &["example.com A delay 3600s"]).await;
    let addr = dns.addr();
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(&frame(&question(1, "example.com", A))).await.unwrap();
    stream.write_all(&frame(&question(2, "_spf.example.com", TXT))).await.unwrap();
    read_frame(&mut stream).await;
    let sockets = dns.into_sockets().await.expect("no task panics");
    assert!(UdpSocket::bind(addr).await.is_err(), "the address is never free in between");
    let next = fake_dns::FakeDns::builder().zone_text("next", "example.com. A 192.0.2.77\n").expect("a good zone");
    let next = next.start_on(sockets).expect("nothing is to be bound");
    assert_eq!((next.addr(), next.log().len()), (addr, 0));
    assert!(read_to_its_end(stream).await.is_empty(), "the connections of the one before are closed");
    assert!(ask(addr, &question(3, "example.com", A)).await.ends_with(&[192, 0, 2, 77]));
    assert_eq!(next.log().len(), 1);
}

async fn read_to_its_end(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut rest).await;
    rest
}
