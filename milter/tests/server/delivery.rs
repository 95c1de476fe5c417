//! Whole sessions: what the MTA gets, and what the filter sees.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use milter::{Action, Protocol, ReplyText, ServerOptions};
use milter_proto::{Command, Negotiate};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf},
    sync::Notify,
    task::JoinSet,
};

use super::{
    peer::{Server, connect, encoded, eom, mail, rcpt, whole_session},
    scripted::{Do, Script, Scripted},
};

/// What the filter sees of [`whole_session`].
const WHOLE_SESSION: [&str; 11] = [
    "1 connect client.example.net",
    "1 helo client.example.net",
    "1 envfrom <sender@example.org> queue1",
    "1 envrcpt <rcpt@example.net>",
    "1 data",
    "1 header Subject: hi",
    "1 eoh",
    "1 body hello\\r\\n",
    "1 eom",
    "1 unknown FROBNICATE",
    "1 close",
];

fn whole_log() -> Vec<String> {
    WHOLE_SESSION.map(str::to_owned).to_vec()
}

async fn play_whole_session(server: &Server) {
    let mut mta = server.negotiated().await;
    for command in whole_session() {
        mta.write_commands(std::slice::from_ref(&command)).await;
        if !matches!(command, Command::Macro { .. }) {
            assert_eq!(mta.answers().await, "continue", "{command}");
        }
    }
    mta.write_commands(&[Command::Quit]).await;
    mta.expect_end().await;
}

#[tokio::test]
async fn a_session_over_every_kind_of_socket() {
    let dir = tempfile::tempdir().expect("a folder");
    let unix = format!("unix:{}", dir.path().join("m.sock").display());
    for addr in ["inet:0@127.0.0.1", "inet:0@localhost", unix.as_str()] {
        let script = Script::default();
        let addr = addr.parse().expect("a good address");
        let server = Server::start_at(&addr, script.clone(), ServerOptions::default()).await;
        play_whole_session(&server).await;
        let summary = server.stop().await;
        assert_eq!((summary.connections, summary.messages, summary.failures), (1, 1, 0), "{addr}");
        assert_eq!(script.log(), whole_log(), "{addr}");
    }
}

#[tokio::test]
async fn edits_come_in_order_before_the_answer() {
    let server = Server::start(Script::at("eom", Do::Edit), ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    insta::assert_snapshot!(mta.ask(eom()).await.replace(", ", "\n"));
    server.stop_now(vec![mta]).await;
}

#[tokio::test]
async fn every_action_is_answered() {
    let text = ReplyText::new(550, Some("5.7.23"), "100% no").expect("a good text");
    for (action, answer) in [
        (Action::Accept, "accept"),
        (Action::Reject, "reject"),
        (Action::Tempfail, "tempfail"),
        (Action::Discard, "discard"),
        (Action::Skip, "continue"),
        (Action::Reply(text), "reply 550 5.7.23 100% no"),
    ] {
        let server = Server::start(Script::at("envfrom", Do::Answer(action)), ServerOptions::default()).await;
        let mut mta = server.negotiated().await;
        assert_eq!(mta.ask(mail("<>")).await, answer);
        server.stop_now(vec![mta]).await;
    }
}

#[tokio::test]
async fn actions_that_mean_nothing_at_a_stage_go_on() {
    let script = Script::at("connect", Do::Answer(Action::Discard)).and("body", Do::Answer(Action::Skip));
    let server = Server::start(script.clone(), ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(connect()).await, "continue");
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    assert_eq!(mta.ask(Command::Body(b"x".to_vec())).await, "continue", "skip was not negotiated");
    server.stop_now(vec![mta]).await;
    let server = Server::start(Script { protocol: Protocol::SKIP, ..script }, ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    assert_eq!(mta.ask(Command::Body(b"x".to_vec())).await, "skip");
    server.stop_now(vec![mta]).await;
}

#[tokio::test]
async fn packets_may_come_together_or_byte_by_byte() {
    let offer = Command::Negotiate(Negotiate::offer(6));
    let session: Vec<Command> = [vec![offer], whole_session(), vec![Command::Quit]].concat();
    for size in [1, 7, usize::MAX] {
        let script = Script::default();
        let server = Server::start(script.clone(), ServerOptions::default()).await;
        let mut mta = server.connect().await;
        let bytes = encoded(&session);
        for piece in bytes.chunks(size.min(bytes.len())) {
            mta.write(piece).await;
        }
        mta.read_reply().await;
        for _ in 0..10 {
            assert_eq!(mta.answers().await, "continue");
        }
        mta.expect_end().await;
        server.stop().await;
        assert_eq!(script.log(), whole_log());
    }
}

#[tokio::test]
async fn events_without_a_reply_are_not_answered() {
    let script = Script { protocol: Protocol::NR_ALL, ..Script::at("eom", Do::Answer(Action::Accept)) };
    let server = Server::start(script.clone(), ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    mta.write_commands(&whole_session()).await;
    assert_eq!(mta.answers().await, "accept");
    mta.write_commands(&[Command::Quit]).await;
    mta.expect_end().await;
    server.stop().await;
    assert_eq!(script.log(), whole_log());
}

#[tokio::test]
async fn many_sessions_at_a_time_have_a_filter_each() {
    let script = Script::at("envrcpt", Do::Answer(Action::Reject));
    let server = Arc::new(Server::start(script.clone(), ServerOptions::default()).await);
    let mut sessions = JoinSet::new();
    for number in 0..100 {
        let server = server.clone();
        sessions.spawn(async move {
            let mut mta = server.negotiated().await;
            assert_eq!(mta.ask(connect()).await, "continue");
            assert_eq!(mta.ask(mail(&format!("<{number}>"))).await, "continue");
            assert_eq!(mta.ask(rcpt("<r>")).await, "reject");
            mta.write_commands(&[Command::Quit]).await;
            mta.expect_end().await;
        });
    }
    while let Some(session) = sessions.join_next().await {
        session.expect("the session goes well");
    }
    let summary = Arc::into_inner(server).expect("all sessions are over").stop().await;
    assert_eq!((summary.connections, summary.failures, summary.cut), (100, 0, 0));
    let closed = script.log().into_iter().filter(|line| line.ends_with(" close")).count();
    assert_eq!(closed, 100);
}

#[tokio::test]
async fn another_session_on_the_same_connection_has_another_filter() {
    let script = Script::default();
    let server = Server::start(script.clone(), ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(connect()).await, "continue");
    assert_eq!(mta.ask(mail("<a>")).await, "continue");
    mta.write_commands(&[Command::QuitNc]).await;
    assert_eq!(mta.ask(connect()).await, "continue");
    mta.write_commands(&[Command::Quit]).await;
    mta.expect_end().await;
    server.stop().await;
    let expected = [
        "1 connect client.example.net",
        "1 envfrom <a>",
        "1 abort",
        "1 close",
        "2 connect client.example.net",
        "2 close",
    ];
    assert_eq!(script.log(), expected);
}

#[tokio::test]
async fn the_last_piece_of_the_body_may_come_with_the_end() {
    for (script, answer, last) in [
        (Script::default(), "continue", "1 eom"),
        (Script::at("body", Do::Answer(Action::Reject)), "reject", "1 body end"),
    ] {
        let server = Server::start(script.clone(), ServerOptions::default()).await;
        let mut mta = server.negotiated().await;
        assert_eq!(mta.ask(mail("<>")).await, "continue");
        assert_eq!(mta.ask(Command::BodyEob(b"end".to_vec())).await, answer);
        assert_eq!(script.log().last().map(String::as_str), Some(last));
        server.stop_now(vec![mta]).await;
    }
}

#[tokio::test]
async fn progress_goes_out_at_once() {
    let go = Arc::new(Notify::new());
    let server = Server::start(Script::at("eom", Do::ProgressThenWait(go.clone())), ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    mta.write_commands(&[eom()]).await;
    assert_eq!(mta.read_reply().await.to_string(), "progress");
    go.notify_one();
    assert_eq!(mta.answers().await, "addheader X-Slow: yes, accept");
    server.stop_now(vec![mta]).await;
}

/// Counts the writes to a pipe.
struct Counting {
    pipe: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.pipe).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn all_answers_to_one_event_leave_in_one_write() {
    let (mut mta, pipe) = tokio::io::duplex(1 << 20);
    let writes = Arc::new(AtomicUsize::new(0));
    let stream = Counting { pipe, writes: writes.clone() };
    mta.write_all(&encoded(&[Command::Negotiate(Negotiate::offer(6)), mail("<>"), eom(), Command::Quit]))
        .await
        .expect("the pipe is large");
    let factory = || Scripted::new(Script::at("eom", Do::Edit));
    milter::serve(stream, factory, ServerOptions::default()).await.expect("a good session");
    assert_eq!(
        writes.load(Ordering::Relaxed),
        2,
        "the offer and the sender are answered together, then eleven edits and the end"
    );
    let mut answers = Vec::new();
    mta.read_to_end(&mut answers).await.expect("a pipe does not fail");
    assert!(answers.ends_with(b"\0\0\0\x01a"));
}
