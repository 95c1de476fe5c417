//! A rule: which events it is for, and what to do.

use milter_proto::{Command, Protocol, codes};

use super::action::Action;

/// What to do at which events.
#[derive(Debug)]
pub(super) struct Rule {
    /// The connection it is for, from 1; `None` is every one.
    pub(super) connection: Option<u64>,
    /// The kind of event.
    pub(super) stage: Stage,
    /// Which of them.
    pub(super) pick: Pick,
    /// What to do, in order.
    pub(super) actions: Vec<Action>,
}

/// Which events of a stage a rule is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// All.
    Every,
    /// The one with this number, from 1.
    Number(u64),
    /// Those whose first argument is this.
    Named(String),
}

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stage {
    /// The word scripts have for it.
    pub(super) name: &'static str,
    /// The code of its command.
    pub(super) code: u8,
    /// The flag with which a filter says that it will not answer.
    pub(super) no_reply: Protocol,
    /// It is counted anew in every message.
    pub(super) in_message: bool,
    /// The MTA waits for an answer.
    pub(super) is_answered: bool,
}

/// One event, as rules see it.
#[derive(Debug)]
pub(super) struct Event<'a> {
    /// Its kind.
    pub(super) stage: Stage,
    /// Which one it is, from 1.
    pub(super) number: u64,
    /// Its first argument, if it has one.
    pub(super) argument: Option<&'a [u8]>,
}

impl Rule {
    /// Whether it answers this event.
    pub(super) fn fits(&self, connection: u64, event: &Event<'_>) -> bool {
        let picked = match &self.pick {
            Pick::Every => true,
            Pick::Number(number) => *number == event.number,
            Pick::Named(name) => event.argument.is_some_and(|argument| argument.eq_ignore_ascii_case(name.as_bytes())),
        };
        picked && self.stage == event.stage && self.connection.is_none_or(|number| number == connection)
    }
}

impl Stage {
    /// The stage with that word.
    pub(super) fn named(name: &str) -> Option<Self> {
        STAGES.into_iter().find(|stage| stage.name == name)
    }

    /// The stage of a command; `None` for macros, which are part of what follows them, and for codes that nobody knows.
    pub(super) fn of(code: u8) -> Option<Self> {
        STAGES.into_iter().find(|stage| stage.code == code)
    }

    /// All words.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        STAGES.iter().map(|stage| stage.name)
    }
}

/// What `rcpt <…>` and the like are compared with.
pub(super) fn first_argument(command: &Command) -> Option<&[u8]> {
    match command {
        Command::Connect { hostname: text, .. }
        | Command::Helo(text)
        | Command::Mail { sender: text, .. }
        | Command::Rcpt { recipient: text, .. }
        | Command::Header { name: text, .. }
        | Command::Unknown(text) => Some(text),
        _ => None,
    }
}

const fn stage(name: &'static str, code: u8, no_reply: Protocol) -> Stage {
    Stage { name, code, no_reply, in_message: false, is_answered: true }
}

const fn part_of_message(stage: Stage) -> Stage {
    Stage { in_message: true, ..stage }
}

const fn unanswered(stage: Stage) -> Stage {
    Stage { is_answered: false, ..stage }
}

const STAGES: [Stage; 13] = [
    stage("negotiate", codes::NEGOTIATE, Protocol::NONE),
    stage("connect", codes::CONNECT, Protocol::NR_CONNECT),
    stage("helo", codes::HELO, Protocol::NR_HELO),
    stage("mail", codes::MAIL, Protocol::NR_MAIL),
    part_of_message(stage("rcpt", codes::RCPT, Protocol::NR_RCPT)),
    stage("data", codes::DATA, Protocol::NR_DATA),
    part_of_message(stage("header", codes::HEADER, Protocol::NR_HEADER)),
    stage("eoh", codes::EOH, Protocol::NR_EOH),
    part_of_message(stage("body", codes::BODY, Protocol::NR_BODY)),
    stage("eom", codes::BODY_EOB, Protocol::NONE),
    stage("unknown", codes::UNKNOWN, Protocol::NR_UNKNOWN),
    unanswered(stage("abort", codes::ABORT, Protocol::NONE)),
    unanswered(stage("quit", codes::QUIT, Protocol::NONE)),
];
