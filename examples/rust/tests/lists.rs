//! The milter as both MTAs meet it, in a plain test. Nothing is installed, and no process is started.

use fake_mta::{Personality, Session};
use rust_milter_example::{Lists, serve};
use tokio::net::UnixListener;

#[tokio::test]
async fn a_closed_list_is_refused_by_its_name() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("m.sock");
    tokio::spawn(serve(UnixListener::bind(&path)?, Lists { closed: vec!["<lists@example.org>".to_owned()] }));
    let milter = format!("unix:{}", path.display());

    let mut session = Session::open(Personality::Sendmail, &[&milter]).await?;
    session.say("EHLO a.example").await;
    session.say("MAIL FROM:<a@example.net>").await;
    let refusal = session.say("RCPT TO:<lists@example.org>").await;
    assert_eq!(refusal, "550 5.7.1 <lists@example.org>... this list is closed");
    session.say("RCPT TO:<bob@example.org>").await;
    session.message("Subject: hello\n\nHello.\n").await;
    assert!(String::from_utf8_lossy(&session.delivered()[0].message).contains("\nX-Lists: looked at\n"));
    Ok(())
}
