//! How a server ends.

use std::{sync::Arc, time::Duration};

use milter::ServerOptions;
use tokio::sync::Notify;

use super::{
    peer::{Mta, Server, connect, eom, mail},
    scripted::{Do, Script, Scripted},
    waiting::until,
};

#[tokio::test]
async fn a_message_goes_on_and_new_sessions_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("m.sock");
    let addr = milter::ListenAddr::Unix(path.clone());
    let options = ServerOptions { grace_period: Duration::from_secs(600), ..ServerOptions::default() };
    let server = Server::start_at(&addr, Script::default(), options).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    let stopping = server.tell_to_stop();
    until("the socket is gone", || !path.exists()).await;
    assert!(Mta::connect(&addr).await.is_err());
    assert_eq!(mta.ask(eom()).await, "continue");
    mta.expect_end().await;
    let summary = Server::stopped(stopping).await;
    assert_eq!((summary.messages, summary.cut, summary.failures), (1, 0, 0));
}

/// MTAs keep the connection as long as their client does, which may be hours.
#[tokio::test]
async fn sessions_without_a_message_are_closed_at_once() {
    let options = ServerOptions { grace_period: Duration::from_secs(600), ..ServerOptions::default() };
    let script = Script::default();
    let server = Server::start(script.clone(), options).await;
    let (mut silent, mut greeted) = (server.negotiated().await, server.negotiated().await);
    let mut done = server.negotiated().await;
    assert_eq!(greeted.ask(connect()).await, "continue");
    assert_eq!(done.ask(mail("<>")).await, "continue");
    assert_eq!(done.ask(eom()).await, "continue");
    let stopping = server.tell_to_stop();
    for mta in [&mut silent, &mut greeted, &mut done] {
        mta.expect_end().await;
    }
    let summary = Server::stopped(stopping).await;
    assert_eq!((summary.messages, summary.cut, summary.failures, summary.connections_open), (1, 0, 0, 0));
    let mut closed: Vec<_> = script.log().into_iter().filter(|line| line.ends_with("close")).collect();
    closed.sort();
    assert_eq!(closed, ["1 close", "2 close", "3 close"]);
}

#[tokio::test]
async fn sessions_are_cut_when_the_grace_period_is_over() {
    let options = ServerOptions { grace_period: Duration::ZERO, last_word: Duration::ZERO, ..ServerOptions::default() };
    let script = Script::default();
    let server = Server::start(script.clone(), options).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    let summary = server.stop().await;
    mta.expect_end().await;
    assert_eq!((summary.cut, summary.failures), (1, 0));
    assert_eq!(script.log(), ["1 envfrom <>", "1 abort", "1 close"]);
}

#[tokio::test]
async fn a_message_under_way_gets_an_answer_before_its_session_is_cut() {
    let options =
        ServerOptions { grace_period: Duration::ZERO, last_word: Duration::from_secs(600), ..ServerOptions::default() };
    let reached = Arc::new(Notify::new());
    let script = Script::at("connect", Do::SayAndHang(reached.clone()));
    let server = Server::start(script.clone(), options).await;
    let (mut busy, mut hanging) = (server.negotiated().await, server.negotiated().await);
    assert_eq!(busy.ask(mail("<>")).await, "continue");
    hanging.write_commands(&[connect()]).await;
    reached.notified().await;
    let stopping = server.tell_to_stop();
    // What hangs ends when the sessions are cut.
    assert_eq!(hanging.answers().await, "tempfail");
    assert_eq!(busy.ask(eom()).await, "tempfail");
    busy.expect_end().await;
    assert_eq!(Server::stopped(stopping).await.cut, 2);
    assert!(!script.log().iter().any(|line| line.contains("eom")), "the filter is not asked any more");
}

#[tokio::test]
async fn the_grace_period_can_be_cut_short() {
    let long = Duration::from_secs(600);
    let options = ServerOptions { grace_period: long, last_word: Duration::ZERO, ..ServerOptions::default() };
    let (hurry, hurried) = tokio::sync::oneshot::channel::<()>();
    let addr = "inet:0@127.0.0.1".parse().expect("a good address");
    let listener = milter::Listener::bind(&addr, milter::SocketOptions::default()).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let monitor = options.monitor.clone();
    let shutdown = until("a message is open", || monitor.summary().messages_open > 0);
    let hurry_up = async { hurried.await.unwrap_or_default() };
    let factory = || Scripted::new(Script::default());
    let running = milter::run_until([listener], factory, options.clone(), shutdown, hurry_up);
    let session = async {
        let mut mta = Mta::connect(&addr).await.expect("the server listens");
        mta.negotiate().await;
        assert_eq!(mta.ask(mail("<>")).await, "continue");
        hurry.send(()).expect("the server runs");
        mta.expect_end().await;
    };
    let (summary, ()) = tokio::join!(running, session);
    assert_eq!((summary.connections, summary.cut, summary.connections_open), (1, 1, 0));
}

#[tokio::test]
async fn a_method_that_hangs_does_not_hold_the_server_up() {
    let options = ServerOptions { grace_period: Duration::ZERO, ..ServerOptions::default() };
    let reached = Arc::new(Notify::new());
    let script = Script::at("connect", Do::SayAndHang(reached.clone()));
    let server = Server::start(script, options).await;
    let mut mta = server.negotiated().await;
    mta.write_commands(&[connect()]).await;
    reached.notified().await;
    let summary = server.stop().await;
    assert_eq!(mta.answers().await, "tempfail");
    assert_eq!(summary.cut, 1);
}

#[tokio::test]
async fn an_mta_that_does_not_read_does_not_hold_the_server_up() {
    let options = ServerOptions { grace_period: Duration::ZERO, ..ServerOptions::default() };
    let server = Server::start(Script::at("eom", Do::Flood), options).await;
    let mut mta = server.negotiated().await;
    assert_eq!(mta.ask(mail("<>")).await, "continue");
    mta.write_commands(&[eom()]).await;
    assert!(mta.read_reply().await.is_modification());
    assert_eq!(server.stop().await.cut, 1);
}

#[tokio::test]
async fn a_server_without_connections_stops_at_once() {
    let options = ServerOptions { grace_period: Duration::from_secs(600), ..ServerOptions::default() };
    let server = Server::start(Script::default(), options).await;
    assert_eq!(server.stop().await, milter::Summary::default());
}
