//! fake-mta and fake-dns as libraries, in a plain test: a milter on somebody's crate, its DNS, and an MTA around it.

use fake_dns::FakeDns;
use fake_mta::{Personality, Session};
use milter::{Action, Context, Filter, Listener, ServerOptions, SocketOptions};

/// The milter under test.
struct NoLists;

impl Filter for NoLists {
    async fn envrcpt(&mut self, _: &Context, recipient: &[u8], _: &[Vec<u8>]) -> Action {
        if recipient == b"<lists@example.org>" { Action::Reject } else { Action::Continue }
    }
}

#[tokio::test]
async fn a_milter_is_tested_in_a_few_lines() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let addr = format!("unix:{}", dir.path().join("m.sock").display());
    let listener = Listener::bind(&addr.parse()?, SocketOptions::default()).await?;
    tokio::spawn(milter::run([listener], || NoLists, ServerOptions::default(), std::future::pending()));

    let mut session = Session::open(Personality::Postfix, &[&addr]).await?;
    session.say("EHLO a.example").await;
    assert_eq!(session.say("MAIL FROM:<a@example.org>").await, "250 2.1.0 Ok");
    assert_eq!(session.say("RCPT TO:<lists@example.org>").await, "550 5.7.1 Command rejected");
    assert_eq!(session.say("RCPT TO:<bob@example.org>").await, "250 2.1.5 Ok");
    assert!(session.message("Subject: hello\n\n.\n").await.starts_with("250 2.0.0 Ok: queued as "));
    assert!(session.delivered()[0].message.ends_with(b"Subject: hello\n\n.\n"), "{}", session.transcript());
    Ok(())
}

#[tokio::test]
async fn the_dns_beside_it_answers_and_keeps_a_log() -> Result<(), Box<dyn std::error::Error>> {
    let zone = "example.org. TXT \"v=spf1 -all\"";
    let dns = FakeDns::builder().zone_text("x.zone", zone)?.start().await?;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
    socket.send_to(b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x10\0\x01", dns.addr()).await?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).await?;
    assert!(answer[..length].ends_with(b"\x0bv=spf1 -all"));
    assert_eq!(dns.log()[0].question(), "example.org TXT");
    Ok(())
}
