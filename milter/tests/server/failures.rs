//! What an MTA or a filter can do wrong.

use std::{sync::Arc, time::Duration};

use milter::{Action, Protocol, ServerOptions};
use milter_proto::{Command, Negotiate};
use tokio::io::AsyncWriteExt;

use super::{
    peer::{Server, connect, encoded, eom, mail, rcpt},
    scripted::{Do, Script, Scripted},
};

#[tokio::test]
async fn a_panic_is_a_tempfail_until_the_session_ends() {
    let script = Script::at("envrcpt", Do::Panic);
    let server = Server::start(script.clone(), ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(connect()).await, "continue");
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    assert_eq!(mta.ask(rcpt("<a>")).await, "tempfail");
    assert_eq!(mta.ask(eom()).await, "tempfail");
    assert_eq!(mta.ask(mail("<>")).await, "tempfail");
    mta.write_commands(&[Command::QuitNc]).await;
    assert_eq!(mta.ask(connect()).await, "continue");
    let mut other = server.negotiated().await;
    assert_eq!(other.ask(connect()).await, "continue");
    let summary = server.stop_now(vec![mta, other]).await;
    assert_eq!((summary.panics, summary.failures), (1, 0));
    let expected = ["1 connect client.example.net", "1 envfrom <>", "1 envrcpt <a>", "2 connect client.example.net"];
    assert_eq!(script.log()[..4], expected);
}

#[tokio::test]
async fn a_panic_that_cannot_be_answered_is_a_tempfail_later() {
    let script = Script { protocol: Protocol::NR_HEADER, ..Script::at("header", Do::Panic) };
    let server = Server::start(script, ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    mta.write_commands(&[Command::Header { name: b"A".to_vec(), value: Vec::new() }]).await;
    assert_eq!(mta.ask(eom()).await, "tempfail");
    server.stop_now(vec![mta]).await;
}

#[tokio::test]
async fn panics_in_abort_and_close_do_no_harm() {
    for stage in ["abort", "close"] {
        let server = Server::start(Script::at(stage, Do::Panic), ServerOptions::default()).await;
        let mut mta = server.negotiated().await;
        assert_eq!(mta.ask(mail("<>")).await, "continue");
        mta.write_commands(&[Command::Quit]).await;
        mta.expect_end().await;
        let summary = server.stop().await;
        assert_eq!((summary.panics, summary.failures), (1, 0));
    }
}

#[tokio::test]
async fn a_method_that_takes_too_long_is_a_tempfail() {
    let options = ServerOptions { event_timeout: Duration::from_millis(20), ..ServerOptions::default() };
    let server = Server::start(Script::at("envfrom", Do::Hang).and("close", Do::Hang), options).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(connect()).await, "continue");
    assert_eq!(mta.ask(mail("<>")).await, "tempfail");
    assert_eq!(mta.ask(Command::Helo(b"h".to_vec())).await, "continue");
    mta.write_commands(&[Command::Quit]).await;
    mta.expect_end().await;
    let summary = server.stop().await;
    assert_eq!((summary.timeouts, summary.failures), (2, 0));
}

#[tokio::test]
async fn a_factory_that_panics_costs_one_connection() {
    let (mta, filter) = tokio::io::duplex(64);
    let factory = || -> Scripted { panic!("as told") };
    let ended = milter::serve(filter, factory, ServerOptions::default()).await;
    assert_eq!(ended.unwrap_err().to_string(), "the filter could not be made");
    drop(mta);
}

/// The bytes after the negotiation, and whether that is the MTA's fault.
async fn play(bytes: &[u8]) -> (Vec<String>, u64) {
    let script = Script::default();
    let server = Server::start(script.clone(), ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    mta.write(bytes).await;
    mta.finish_writing().await;
    mta.expect_end().await;
    (script.log(), server.stop().await.failures)
}

#[tokio::test]
async fn a_broken_stream_ends_the_message_and_the_session() {
    let gone = ["1 envfrom <>", "1 abort", "1 close"].map(str::to_owned).to_vec();
    for (bytes, failures) in [
        (&b""[..], 0),
        (b"\0\0\0\x0aR<a", 1),
        (b"\0\0\0", 1),
        (b"\0\0\0\0", 1),
        (b"\0\x10\0\0B", 1),
        (b"\xff\xff\xff\xffB", 1),
        (b"\0\0\0\x01Z", 1),
        (b"\0\0\0\x03Rab", 1),
        (b"\0\0\0\x01R", 1),
    ] {
        assert_eq!(play(bytes).await, (gone.clone(), failures), "{}", bytes.escape_ascii());
    }
}

#[tokio::test]
async fn nothing_but_an_offer_may_come_first() {
    for bytes in [encoded(&[connect()]), b"GET / HTTP/1.0\r\n\r\n".to_vec(), b"\0\0\0\x05O\0\0\0\x06".to_vec()] {
        let script = Script::default();
        let server = Server::start(script.clone(), ServerOptions::default()).await;
        let mut mta = server.connect().await;
        mta.write(&bytes).await;
        mta.expect_end().await;
        assert_eq!((script.log(), server.stop().await.failures), (Vec::new(), 1));
    }
}

#[tokio::test]
async fn a_connection_without_a_word_is_no_failure() {
    let server = Server::start(Script::default(), ServerOptions::default()).await;
    let mut mta = server.connect().await;
    mta.finish_writing().await;
    mta.expect_end().await;
    assert_eq!(server.stop().await.failures, 0);
}

#[tokio::test]
async fn a_silent_mta_is_hung_up_on() {
    let options = ServerOptions { idle_timeout: Duration::from_millis(20), ..ServerOptions::default() };
    let script = Script::default();
    let server = Server::start(script.clone(), options).await;
    let mut mta = server.connect().await;
    mta.expect_end().await;
    assert_eq!(server.stop().await.failures, 1);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused_where_it_is_made() {
    let options = ServerOptions { edit_bytes_max: 1000, ..ServerOptions::default() };
    let server = Server::start(Script::at("eom", Do::Edit), options).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    let answers = mta.ask(eom()).await;
    assert!(answers.ends_with("delrcpt <rcpt@example.net>, tempfail"), "{answers}");
    server.stop_now(vec![mta]).await;
}

#[tokio::test]
async fn a_filter_that_wants_more_than_is_offered_hangs_up() {
    let server = Server::start(Script::at("connect", Do::Answer(Action::Accept)), ServerOptions::default()).await;
    let mut mta = server.connect().await;
    mta.write(b"\0\0\0\x0dO\0\0\0\x02\0\0\0\x3f\0\0\0\x7f").await;
    mta.expect_end().await;
    assert_eq!(server.stop().await.failures, 1);
}

#[tokio::test]
async fn progress_that_is_half_written_ends_the_connection() {
    let options = ServerOptions { event_timeout: Duration::from_millis(20), ..ServerOptions::default() };
    let script = Script::at("eom", Do::ProgressThenWait(Arc::default()));
    let (mut mta, filter) = tokio::io::duplex(ANSWERS_SIZE);
    let serving = tokio::spawn(milter::serve(filter, move || Scripted::new(script.clone()), options));
    for command in [Command::Negotiate(Negotiate::offer(6)), mail("<>"), eom()] {
        mta.write_all(&encoded(&[command])).await.expect("the filter reads");
    }
    let ended = serving.await.expect("it does not panic");
    assert_eq!(ended.unwrap_err().to_string(), "a packet could be written only in part");
}

/// Room for the answers to the offer and the sender, and for a part of one more packet.
const ANSWERS_SIZE: usize = 17 + 5 + 3;
