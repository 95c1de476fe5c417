//! The milter as both MTAs meet it, in a plain test. Nothing is installed, and no process is started.

use std::sync::Arc;

use fake_mta::{Client, FilterSettings, Journal, Mta, Personality, Settings, Sockets, run::MilterAddr};
use rust_milter_example::{Lists, serve};
use tokio::net::UnixListener;

#[tokio::test]
async fn a_closed_list_is_refused_by_its_name() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("m.sock");
    tokio::spawn(serve(UnixListener::bind(&path)?, Lists { closed: vec!["<lists@example.org>".to_owned()] }));

    for (mta, refusal) in [
        (Personality::Sendmail, "550 5.7.1 <lists@example.org>... this list is closed"),
        (Personality::Postfix, "550 5.7.1 this list is closed"),
    ] {
        let addr = format!("unix:{}", path.display());
        let settings = Arc::new(Settings::new("mx.example.com", FilterSettings::new("lists", &addr)));
        let client = Client::verified("192.0.2.1".parse()?, 40_000, "mail.example.net");
        let milters = Arc::new(Sockets::new(vec![addr.parse::<MilterAddr>()?]));
        let mut mta = Mta::new(mta, settings, client, milters, Journal::new());
        mta.connect().await;
        mta.feed(b"EHLO a.example\r\n").await;
        let replies = mta.feed(b"MAIL FROM:<a@example.net>\r\nRCPT TO:<lists@example.org>\r\n").await;
        assert_eq!(String::from_utf8_lossy(&replies[1].lines[0]), refusal);
    }
    Ok(())
}
