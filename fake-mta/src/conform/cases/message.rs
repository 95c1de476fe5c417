//! Messages one after the other, and promises about answers.

use milter_proto::{Actions, Command, Negotiate, Protocol};

use super::super::{
    case::{Case, Level},
    letter::{Chunk, Letter, Macros, Stage},
    step::{Step, connect, header, helo, opened, opened_then, rcpt_to},
};

pub(super) fn cases() -> Vec<Case> {
    let mut all = aborts();
    all.extend(several());
    all.extend(promises());
    all
}

fn letter() -> Step {
    Step::Letter(Box::default())
}

fn until(until: Stage) -> Step {
    Step::Letter(Box::new(Letter { until, ..Letter::default() }))
}

fn aborts() -> Vec<Case> {
    let after = |(word, stage): (&str, Stage)| {
        Case::new(
            format!("message/abort-after-{word}"),
            Level::Must,
            format!("a message that is given up after {word} gets no answer to that, and the next one is taken"),
        )
        .why("what is left of a message that was given up would be judged as part of the next one")
        .standard("calls xxfi_abort, answers nothing, and waits for HELO or MAIL")
        .seen("sendmail at RSET; Postfix after every message too")
        .script(opened_then([until(stage), Step::Event(Command::Abort), letter()]))
    };
    let mut all: Vec<Case> = Stage::BEFORE_END.into_iter().map(after).collect();
    all.push(
        Case::new("message/abort-without-a-message", Level::Must, "an abort when no message is open gets no answer")
            .why("an answer to it is taken for that to the next command, and so on for ever")
            .standard("drops it")
            .seen("Postfix, twice at the end of every session")
            .script(opened_then([
                Step::Event(Command::Abort),
                Step::Event(Command::Abort),
                letter(),
                Step::Event(Command::Abort),
                Step::Event(Command::Abort),
            ])),
    );
    all
}

fn several() -> Vec<Case> {
    let many = |count: usize| opened_then(std::iter::repeat_n(letter(), count));
    let nc = || Step::Event(Command::QuitNc);
    let mut reused = opened_then([letter(), nc()]);
    reused.extend([Step::Client(connect()), Step::Event(helo()), letter()]);
    let mut bare = opened();
    bare.extend([nc(), Step::Client(connect()), Step::Event(helo()), letter()]);
    let odd = Letter {
        mail: Command::Mail { sender: b"<other@example.org>".to_vec(), args: Vec::new() },
        rcpts: vec![rcpt_to("<one@example.com>"), rcpt_to("<two@example.com>")],
        headers: vec![header("Subject", "another one")],
        body: Vec::new(),
        macros: Macros::None,
        ..Letter::default()
    };
    vec![
        Case::new("message/two", Level::Must, "a second message over the same connection is taken as the first")
            .why("clients with many messages send them over one connection")
            .standard("begins anew with MAIL")
            .seen("both; Postfix sends an abort in between")
            .script(many(2)),
        Case::new("message/unlike", Level::Must, "messages of different shape may follow each other on a connection")
            .why("what one message leaves behind shows in the next one that lacks it")
            .standard("begins anew with MAIL")
            .seen("both")
            .script(opened_then([letter(), Step::Letter(Box::new(odd)), letter()])),
        Case::new("message/hundred", Level::Must, "a hundred messages over one connection are taken")
            .why("a mailing list sends as many")
            .standard("no limit")
            .seen("both")
            .script(many(100)),
        Case::new("message/helo-between", Level::Must, "HELO between two messages is answered")
            .why("clients greet again when they wake up")
            .standard("goes back to the state after HELO")
            .seen("both")
            .script(opened_then([letter(), Step::Event(helo()), letter()])),
        Case::new("message/quit-nc", Level::May, "after QUIT_NC the connection serves another client")
            .why("the protocol has it, so that an MTA can keep connections to a milter open")
            .standard("waits for the next client if a message has just ended; else drops it, and the MTA waits in vain")
            .seen("none: sendmail defines it and never sends it")
            .script(reused),
        Case::new(
            "message/quit-nc-without-a-message",
            Level::May,
            "QUIT_NC before any message leaves the connection of use",
        )
        .why("a client that sends no message is no rarity")
        .standard("drops it, and then drops the next client: the MTA waits in vain")
        .seen("none")
        .script(bare),
        Case::new("message/quit", Level::Should, "the milter closes the connection after QUIT")
            .why("MTAs close it too, but connections that nobody closes use up the milter's files and threads")
            .standard("closes")
            .seen("both, at the end of every session")
            .script(opened_then([letter(), Step::Event(Command::Quit), Step::Closed])),
        Case::new(
            "message/quit-in-a-message",
            Level::Should,
            "QUIT in the middle of a message is taken as its end, and the connection is closed",
        )
        .why("clients go away in the middle")
        .standard("calls xxfi_abort and xxfi_close, and closes")
        .seen("sendmail, which sends no abort before it")
        .script(opened_then([until(Stage::Header), Step::Event(Command::Quit), Step::Closed])),
    ]
}

fn promises() -> Vec<Case> {
    let unskippable = Negotiate { protocol: Protocol::ALL.without(Protocol::SKIP), ..Negotiate::offer(6) };
    let unanswerable = Negotiate { protocol: Protocol::ALL.without(Protocol::NR_ALL), ..Negotiate::offer(6) };
    let all_wanted = Negotiate { protocol: Protocol::ALL.without(Protocol::NO_ALL), ..Negotiate::offer(6) };
    let long =
        || Step::Letter(Box::new(Letter { body: vec![Chunk::Fill { count: 5, size: 60_000 }], ..Letter::default() }));
    let then =
        |offer: Negotiate, step: Step| vec![Step::Offer(offer), Step::Client(connect()), Step::Event(helo()), step];
    vec![
        Case::new("promise/no-reply", Level::Must, "an event for which the milter promised no answer gets none")
            .why("the answer is taken for that to the next command, and every later one is off by one")
            .standard("sends no answer where it negotiated NR flags")
            .seen("both, since version 6")
            .script(opened_then([Step::Event(Command::Unknown(b"FROBNICATE".to_vec())), letter(), letter()])),
        Case::new("promise/reply-where-it-must", Level::Must, "without NR flags on offer every event is answered")
            .why("the MTA waits for an answer that does not come, and then counts the milter as failed")
            .standard("answers `continue` itself where the milter has no answer")
            .seen("sendmail 8.13 and older, Postfix with milter_protocol = 2, 3 or 4")
            .script(then(unanswerable, letter())),
        Case::new("promise/every-event", Level::Should, "without NO flags on offer every event is answered")
            .why("an MTA that cannot leave events out sends them all")
            .standard("closes if the milter needs to leave events out, except DATA and unknown commands")
            .seen("small MTAs and test programs")
            .script(then(all_wanted, letter())),
        Case::new(
            "promise/skip",
            Level::Must,
            "`skip` comes as the answer to a body chunk alone, and the end of the message is answered after it",
        )
        .why("sendmail takes a skip at other stages for the end of its interest in the session")
        .standard("allows it where it was negotiated")
        .seen("both")
        .script(opened_then([long(), letter()])),
        Case::new(
            "promise/skip-withheld",
            Level::Must,
            "where the MTA does not know `skip`, the milter does not send it",
        )
        .why("an MTA that does not know it counts the milter as failed")
        .standard("refuses to negotiate it")
        .seen("sendmail 8.13 and older, Postfix with a lower milter_protocol")
        .script(then(unskippable, long())),
        Case::new("promise/edits-withheld", Level::Should, "where the MTA takes no edits, none are sent")
            .why("sendmail defers the message when a body is replaced that it did not offer to have replaced")
            .standard("fails the call in the milter, and sends nothing")
            .seen("MTAs that use milters for verdicts alone")
            .script(then(Negotiate { actions: Actions::SET_SYMLIST, ..Negotiate::offer(6) }, letter())),
    ]
}
