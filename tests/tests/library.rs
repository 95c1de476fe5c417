//! fake-mta and fake-dns as libraries, in a plain test: a milter on somebody's crate, its DNS, and an MTA around it.

use std::sync::Arc;

use fake_dns::FakeDns;
use fake_mta::{Client, FilterSettings, Journal, Mta, Personality, Settings, Sockets, run::MilterAddr};
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
    let milter = tokio::spawn(milter::run([listener], || NoLists, ServerOptions::default(), std::future::pending()));

    let dns = FakeDns::builder().zone_text("x.zone", "example.org. TXT \"v=spf1 -all\"")?.start().await?;
    let settings = Arc::new(Settings::new("mx.example.com", FilterSettings::new("lists", &addr)));
    let client = Client::verified("192.0.2.1".parse()?, 40_000, "mail.example.org");
    let milters = Arc::new(Sockets::new(vec![addr.parse::<MilterAddr>()?]));
    let mut mta = Mta::new(Personality::Postfix, settings, client, milters, Journal::new());
    mta.connect().await;
    let replies = mta.feed(b"EHLO a.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<lists@example.org>\r\n").await;
    assert_eq!(replies[2].code(), Some(&b"550"[..]));
    assert!(dns.log().is_empty(), "this milter asks nobody");
    milter.abort();
    Ok(())
}
