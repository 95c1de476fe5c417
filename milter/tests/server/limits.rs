//! What happens to those who are too many.

use milter::{Action, ServerOptions};
use milter_proto::{Command, limits};

use super::{
    peer::{Mta, Server, connect, eom, mail},
    scripted::Script,
    waiting::until,
};

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_does_not_wait() {
    let options = ServerOptions { connections_max: 1, ..ServerOptions::default() };
    let monitor = options.monitor.clone();
    let script = Script::default();
    let server = Server::start(script.clone(), options).await;
    let mut first = server.negotiated().await;
    assert_eq!(first.ask(connect()).await, "continue");
    let mut second = server.negotiated().await;
    assert_eq!(second.ask(connect()).await, "tempfail");
    assert_eq!(monitor.summary().connections_refused, 1);
    first.write_commands(&[Command::Quit]).await;
    first.expect_end().await;
    until("the first connection is closed", || monitor.summary().connections_open < 2).await;
    let mut third = server.negotiated().await;
    assert_eq!(third.ask(connect()).await, "continue");
    let summary = server.stop_now(vec![second, third]).await;
    assert_eq!((summary.connections, summary.connections_refused), (3, 1));
    assert_eq!(script.log().iter().filter(|line| line.contains("connect")).count(), 2);
}

#[tokio::test]
async fn those_beyond_all_measure_are_hung_up_on() {
    let options = ServerOptions { connections_max: 0, ..ServerOptions::default() };
    let server = Server::start(Script::default(), options).await;
    let mut held = Vec::new();
    for _ in 0..TURNED_AWAY_MAX {
        held.push(server.negotiated().await);
    }
    let mut beyond = server.connect().await;
    beyond.expect_end().await;
    let summary = server.stop_now(held).await;
    assert_eq!(summary.connections_refused, TURNED_AWAY_MAX + 1);
}

#[tokio::test]
async fn a_message_too_many_gets_the_answer_that_was_chosen() {
    for (answer, said) in [(Action::Tempfail, "tempfail"), (Action::Accept, "accept")] {
        let options = ServerOptions { messages_max: 1, over_limit: answer, ..ServerOptions::default() };
        let monitor = options.monitor.clone();
        let server = Server::start(Script::default(), options).await;
        let (mut first, mut second) = (server.negotiated().await, server.negotiated().await);
        assert_eq!(first.ask(mail("<>")).await, "continue");
        assert_eq!(second.ask(mail("<>")).await, said);
        assert_eq!((monitor.summary().messages_open, monitor.summary().messages_refused), (1, 1));
        assert_eq!(first.ask(eom()).await, "continue");
        assert_eq!(second.ask(mail("<>")).await, "continue");
        drop((first, second));
        assert_eq!(server.stop().await.messages_open, 0);
    }
}

#[tokio::test]
async fn every_end_of_a_message_makes_room_for_another() {
    let options = ServerOptions { messages_max: 1, ..ServerOptions::default() };
    let server = Server::start(Script::default(), options).await;
    let mut mta: Mta = server.negotiated().await;
    for end in [Command::Abort, Command::Helo(b"again".to_vec())] {
        assert_eq!(mta.ask(mail("<>")).await, "continue");
        mta.write_commands(&[end]).await;
    }
    let mut other = server.negotiated().await;
    assert_eq!(mta.answers().await, "continue", "that of HELO");
    assert_eq!(other.ask(mail("<>")).await, "continue");
    drop(other);
    server.stop_now(vec![mta]).await;
}

#[tokio::test]
async fn a_packet_of_empty_parameters_ends_the_connection() {
    let server = Server::start(Script::default(), ServerOptions::default()).await;
    let mut mta = server.negotiated().await;
    let args = vec![Vec::new(); limits::ARGS_MAX + 1];
    mta.write_commands(&[Command::Mail { sender: b"<>".to_vec(), args }]).await;
    mta.expect_end().await;
    assert_eq!(server.stop().await.failures, 1);
}

/// How many connections beyond the limit get an answer.
const TURNED_AWAY_MAX: u64 = 64;
