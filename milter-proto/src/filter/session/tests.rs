//! What MTAs may do to a filter, and what a filter may answer.

use std::fmt::Write as _;

use super::*;
use crate::{Actions, Address};

fn started(options: FilterOptions, offer: Negotiate) -> FilterSession {
    let mut session = FilterSession::new(options);
    feed(&mut session, &[Command::Negotiate(offer)]);
    assert_eq!(session.next_event(), Ok(None));
    assert!(session.take_output().get(4) == Some(&b'O'));
    session
}

fn feed(session: &mut FilterSession, commands: &[Command]) {
    let mut bytes = Vec::new();
    commands.iter().for_each(|command| command.encode(&mut bytes));
    session.receive(&bytes);
}

/// The events that these commands make, each answered by continue, as one line.
fn story(session: &mut FilterSession, commands: &[Command]) -> String {
    feed(session, commands);
    let mut story = String::new();
    loop {
        match session.next_event() {
            Ok(Some(event)) => write!(story, "{} ", name(&event)).expect("a String takes everything"),
            Ok(None) => break,
            Err(error) => {
                write!(story, "error: {error}").expect("a String takes everything");
                break;
            }
        }
        if session.awaits_reply() {
            session.reply(&Reply::Continue).expect("continue answers everything");
        }
    }
    story.trim_end().to_owned()
}

fn name(event: &Event) -> String {
    let text = format!("{event:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase()
}

fn default_session() -> FilterSession {
    started(FilterOptions::default(), Negotiate::offer(6))
}

fn connect() -> Command {
    Command::Connect { hostname: b"h".to_vec(), address: Address::Unknown }
}

fn mail() -> Command {
    Command::Mail { sender: b"<>".to_vec(), args: Vec::new() }
}

fn rcpt() -> Command {
    Command::Rcpt { recipient: b"<a>".to_vec(), args: Vec::new() }
}

fn macros(for_command: u8, value: &str) -> Command {
    Command::Macro { for_command, pairs: vec![(b"i".to_vec(), value.as_bytes().to_vec())] }
}

#[test]
fn a_message_inside_of_a_message_ends_the_first() {
    let mut session = default_session();
    assert_eq!(story(&mut session, &[connect(), mail(), rcpt(), mail()]), "connect envfrom envrcpt abort envfrom");
    assert_eq!(story(&mut session, &[Command::Helo(b"h".to_vec())]), "abort helo");
    assert_eq!(story(&mut session, &[Command::Abort, Command::Abort]), "");
    assert_eq!(story(&mut session, &[mail(), Command::Abort, Command::Abort]), "envfrom abort");
}

#[test]
fn an_abort_after_the_end_says_nothing() {
    let mut session = default_session();
    let message = [mail(), rcpt(), Command::Data, Command::Eoh, Command::Body(b"x".to_vec())];
    assert_eq!(story(&mut session, &message), "envfrom envrcpt data eoh body");
    let end = [Command::BodyEob(b"y".to_vec()), Command::Abort, Command::Abort, Command::Quit];
    assert_eq!(story(&mut session, &end), "eom close");
    assert!(session.is_over());
}

#[test]
fn another_session_may_follow_on_the_same_connection() {
    let mut session = default_session();
    let commands = [macros(b'C', "1"), connect(), mail(), Command::QuitNc];
    assert_eq!(story(&mut session, &commands), "connect envfrom abort close");
    assert_eq!(session.macros().get("i"), None);
    assert_eq!(story(&mut session, &[connect(), Command::Quit]), "connect close");
    session.close();
    assert_eq!(session.next_event(), Ok(None));
}

#[test]
fn macros_may_come_any_time() {
    let mut session = default_session();
    story(&mut session, &[macros(b'C', "c"), connect(), macros(b'U', "u"), macros(b'M', "m"), mail()]);
    assert_eq!(session.macros().get("i"), Some(&b"m"[..]));
    story(&mut session, &[macros(b'R', "r"), rcpt(), macros(b'E', "e")]);
    assert_eq!(session.macros().get("{i}"), Some(&b"e"[..]));
    story(&mut session, &[rcpt()]);
    assert_eq!(session.macros().get("i"), Some(&b"r"[..]));
}

#[test]
fn content_without_an_envelope_is_answered_but_not_told() {
    let mut session = default_session();
    let header = Command::Header { name: b"A".to_vec(), value: b"b".to_vec() };
    assert_eq!(story(&mut session, &[connect(), header.clone(), Command::BodyEob(Vec::new())]), "connect");
    assert_eq!(session.take_output(), b"\0\0\0\x01c".repeat(3));
    let options = FilterOptions { protocol: Protocol::NO_MAIL | Protocol::NO_RCPT, ..FilterOptions::default() };
    let mut session = started(options, Negotiate::offer(6));
    assert_eq!(story(&mut session, &[connect(), header, Command::BodyEob(Vec::new())]), "connect header eom");
}

#[test]
fn replies_that_an_old_mta_wants_are_given() {
    let options = FilterOptions { protocol: Protocol::NR_MAIL, ..FilterOptions::default() };
    let mut session = started(options.clone(), Negotiate::offer(2));
    assert_eq!(story(&mut session, &[mail()]), "envfrom");
    assert_eq!(session.take_output(), b"\0\0\0\x01c");
    let mut session = started(options, Negotiate::offer(6));
    assert_eq!(story(&mut session, &[mail()]), "envfrom");
    assert_eq!(session.take_output(), b"");
}

#[test]
fn a_broken_mta_is_told_nothing() {
    for (commands, expected) in [
        (
            vec![mail(), Command::Negotiate(Negotiate::offer(6))],
            "envfrom error: negotiate command while in the envelope: expected anything but negotiate and connect",
        ),
        (
            vec![connect(), connect()],
            "connect error: connect command while no message is open: expected helo, mail, unknown, abort or quit",
        ),
        (
            vec![mail(), Command::Eoh, rcpt()],
            "envfrom eoh error: rcpt command while in the body: expected body, eom, abort or quit",
        ),
    ] {
        let mut session = default_session();
        assert_eq!(story(&mut session, &commands), expected);
        assert_eq!(session.next_event(), Ok(None), "nothing is read after an error");
        session.close();
        assert!(session.next_event().is_ok_and(|event| event.is_some()));
    }
}

#[test]
fn a_lost_connection_ends_message_and_session() {
    let mut session = default_session();
    story(&mut session, &[connect(), mail()]);
    session.close();
    assert_eq!(session.next_event(), Ok(Some(Event::Abort)));
    assert_eq!(session.next_event(), Ok(Some(Event::Close)));
    assert_eq!(session.next_event(), Ok(None));
    let mut session = FilterSession::new(FilterOptions::default());
    session.close();
    assert_eq!(session.next_event(), Ok(None));
}

fn refusal(session: &FilterSession, reply: &Reply) -> String {
    session.may_reply(reply).map_or_else(|error| error.to_string(), |()| "allowed".to_owned())
}

#[test]
fn answers_that_are_not_allowed_are_refused() {
    let options = FilterOptions { actions: Actions::ADD_HEADERS | Actions::CHANGE_BODY, ..FilterOptions::default() };
    let mut session = started(options, Negotiate::offer(6));
    let add = |value: &[u8]| Reply::AddHeader { name: b"A".to_vec(), value: value.to_vec() };
    let mut lines = vec![format!("idle: {}", refusal(&session, &Reply::Continue))];
    for (command, reply) in [
        (connect(), Reply::Discard),
        (mail(), Reply::Skip),
        (rcpt(), Reply::Progress),
        (Command::Data, add(b"b")),
        (Command::Eoh, Reply::ReplyCode(b"550 4.7.1 x".to_vec())),
        (Command::Body(b"x".to_vec()), Reply::Skip),
        (Command::BodyEob(Vec::new()), add(b"a\r\nb")),
        (Command::BodyEob(Vec::new()), add(&[b'x'; 70_000])),
        (Command::BodyEob(Vec::new()), Reply::Quarantine(Vec::new())),
        (Command::BodyEob(Vec::new()), Reply::Shutdown),
    ] {
        if command.code() == codes::BODY_EOB {
            story(&mut session, &[mail()]);
        }
        feed(&mut session, std::slice::from_ref(&command));
        session.next_event().expect("the order is good").expect("an event");
        let refused = refusal(&session, &reply);
        lines.push(format!("{command}: {refused}"));
        assert_eq!(session.reply(&reply).map_err(|error| error.to_string()), Err(refused));
        assert!(session.awaits_reply());
        session.reply(&Reply::Continue).expect("continue answers everything");
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn edits_go_before_the_answer_and_nothing_after_it() {
    let options = FilterOptions { actions: Actions::ALL, ..FilterOptions::default() };
    let mut session = started(options, Negotiate::offer(6));
    story(&mut session, &[mail()]);
    session.take_output();
    feed(&mut session, &[Command::BodyEob(Vec::new())]);
    assert!(session.next_event().is_ok_and(|event| event.is_some()));
    for reply in [Reply::Progress, Reply::ReplaceBody(Vec::new()), Reply::Quarantine(b"x".to_vec()), Reply::Accept] {
        assert_eq!(session.reply(&reply), Ok(()));
    }
    assert_eq!(session.take_output(), b"\0\0\0\x01p\0\0\0\x01b\0\0\0\x03qx\0\0\0\0\x01a");
    assert!(session.reply(&Reply::Accept).is_err());
}
