//! Faults over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::io::ErrorKind;

use common::{A, TXT, ask, ask_tcp, builder, frame, head, holds, question, read_frame, receive, serve, udp, with_edns};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

const ZONE: &str = "example.com TXT text\nexample.com A 192.0.2.1\nother.test TXT other\n";

/// The id of the first answer that comes when these are asked one after the other on one socket.
async fn first_answered(dns: &fake_dns::FakeDns, questions: &[Vec<u8>]) -> u16 {
    let socket = udp(dns.addr()).await;
    for question in questions {
        socket.send(question).await.unwrap();
    }
    head(&receive(&socket).await).id
}

#[tokio::test]
async fn a_dropped_question_is_not_answered() {
    let dns = serve(ZONE, &["example.com TXT drop first 2"]).await;
    let questions: Vec<_> = (1..=3).map(|id| question(id, "EXAMPLE.com", TXT)).collect();
    assert_eq!(first_answered(&dns, &questions).await, 3);
    let lines: Vec<_> = dns.log().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "0 udp example.com TXT -> no answer [fault: drop]",
            "1 udp example.com TXT -> no answer [fault: drop]",
            "2 udp example.com TXT -> NOERROR TXT \"text\"",
        ]
    );
}

#[tokio::test]
async fn a_delayed_answer_is_overtaken_and_comes() {
    let dns = serve(ZONE, &["example.com TXT delay 3600s", "other.test TXT delay 1ms"]).await;
    let questions = [question(1, "example.com", TXT), question(2, "other.test", TXT)];
    assert_eq!(first_answered(&dns, &questions).await, 2);

    let mut stream = TcpStream::connect(dns.addr()).await.unwrap();
    for question in &questions {
        stream.write_all(&frame(question)).await.unwrap();
    }
    assert_eq!(head(&read_frame(&mut stream).await).id, 2);
    let addr = dns.addr();
    // An hour's delay does not hold the end up, and the port is free afterwards.
    dns.shutdown().await;
    UdpSocket::bind(addr).await.unwrap();
}

#[tokio::test]
async fn response_codes_come_without_records() {
    let faults = ["example.com TXT rcode SERVFAIL every 2", "example.com A refused", "other.test ANY rcode 23"];
    let dns = serve(ZONE, &faults).await;
    let outcome = async |message: Vec<u8>| {
        let head = head(&ask(dns.addr(), &message).await);
        (head.rcode, head.counts)
    };
    assert_eq!(outcome(question(1, "example.com", TXT)).await, (0, [1, 1, 0, 0]));
    assert_eq!(outcome(question(2, "example.com", TXT)).await, (2, [1, 0, 0, 0]));
    assert_eq!(outcome(question(3, "example.com", A)).await, (5, [1, 0, 0, 0]));
    // 23 is 1 * 16 + 7: without EDNS only the 7 can be said.
    assert_eq!(outcome(question(4, "other.test", TXT)).await, (7, [1, 0, 0, 0]));
    let answer = ask(dns.addr(), &with_edns(question(5, "other.test", TXT), 1232, 0)).await;
    assert_eq!((head(&answer).rcode, answer[answer.len() - 6]), (7, 1));
}

#[tokio::test]
async fn names_and_data_can_be_denied() {
    let dns = serve(ZONE, &["example.com TXT nxdomain", "example.com A nodata"]).await;
    let denied = async |rtype| {
        let head = head(&ask(dns.addr(), &question(1, "example.com", rtype)).await);
        (head.rcode, head.counts)
    };
    assert_eq!(denied(TXT).await, (3, [1, 0, 1, 0]));
    assert_eq!(denied(A).await, (0, [1, 0, 1, 0]));
}

#[tokio::test]
async fn truncation_sends_the_asker_to_tcp() {
    let dns = serve(ZONE, &["example.com TXT truncate"]).await;
    let message = question(1, "example.com", TXT);
    let udp = head(&ask(dns.addr(), &message).await);
    assert_eq!((udp.tc, udp.counts), (true, [1, 0, 0, 0]));
    let tcp = head(&ask_tcp(dns.addr(), &message).await);
    assert_eq!((tcp.tc, tcp.counts), (false, [1, 1, 0, 0]));
    assert_eq!(dns.log()[0].to_string(), "0 udp example.com TXT -> NOERROR truncated [fault: truncate]");
}

#[tokio::test]
async fn a_rule_ends_with_its_step() {
    let dns = serve(ZONE, &["example.com TXT servfail until step 2"]).await;
    let mut rcodes = Vec::new();
    for step in 0..4 {
        dns.set_step(step);
        rcodes.push(head(&ask(dns.addr(), &question(1, "example.com", TXT)).await).rcode);
    }
    assert_eq!(rcodes, [2, 2, 0, 0]);
    dns.add_fault("example.com TXT refused".parse().unwrap());
    assert_eq!(head(&ask(dns.addr(), &question(1, "example.com", TXT)).await).rcode, 5);
}

#[tokio::test]
async fn answers_can_be_wrong_in_their_bytes() {
    let message = question(0x0101, "example.com", TXT);
    let answer = async |fault: &str| {
        let dns = serve(ZONE, &[&format!("example.com TXT {fault}")]).await;
        ask(dns.addr(), &message).await
    };
    let good = answer("delay 0ms").await;
    assert_eq!(head(&answer("wrong-id").await).id, 0xfe01);
    assert!(!head(&answer("query-bit").await).qr);
    assert!(holds(&answer("wrong-question").await, b"\x07xxample\x03com"));
    assert!(holds(&answer("wrong-owner").await, b"\x0bwrong-owner\x07invalid"));
    assert_eq!(answer("cut 20").await, good[..20]);
    assert_eq!(answer("raw 00ff").await, [0, 255]);
    assert_eq!(answer("raw id+8183").await, [1, 1, 0x81, 0x83]);
}

#[tokio::test]
async fn an_answer_can_come_more_than_once() {
    let dns = serve(ZONE, &["example.com TXT duplicate 3"]).await;
    let socket = udp(dns.addr()).await;
    socket.send(&question(9, "example.com", TXT)).await.unwrap();
    let answers = [receive(&socket).await, receive(&socket).await, receive(&socket).await];
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn streams_can_break() {
    let faults = ["a.test ANY tcp-reset", "b.test ANY tcp-half", "c.test ANY tcp-drip 1ms"];
    let dns = builder(ZONE, &faults).start().await.unwrap();
    let ask = async |name: &str| {
        let mut stream = TcpStream::connect(dns.addr()).await.unwrap();
        stream.write_all(&frame(&question(1, name, TXT))).await.unwrap();
        stream
    };
    let mut bytes = Vec::new();
    let error = ask("a.test").await.read_to_end(&mut bytes).await.unwrap_err();
    assert_eq!((error.kind(), bytes.len()), (ErrorKind::ConnectionReset, 0));

    ask("b.test").await.read_to_end(&mut bytes).await.unwrap();
    let announced = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    assert_eq!(bytes.len() - 2, announced / 2);

    assert_eq!(head(&read_frame(&mut ask("c.test").await).await).rcode, 3);
    // The same names are answered over UDP.
    assert_eq!(head(&common::ask(dns.addr(), &question(1, "a.test", TXT)).await).rcode, 3);
}

#[tokio::test]
async fn a_transport_can_be_faulty_alone() {
    let dns = serve(ZONE, &["example.com TXT udp servfail", "other.test TXT tcp servfail"]).await;
    let codes = async |name| {
        let message = question(1, name, TXT);
        (head(&ask(dns.addr(), &message).await).rcode, head(&ask_tcp(dns.addr(), &message).await).rcode)
    };
    assert_eq!(codes("example.com").await, (2, 0));
    assert_eq!(codes("other.test").await, (0, 2));
}
