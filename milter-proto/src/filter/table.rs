//! State × command: what a filter makes of what an MTA sends.

use crate::codes;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing was negotiated.
    Start,
    /// Negotiated; no client yet.
    Agreed,
    /// A client, and no message.
    Idle,
    /// Sender and recipients.
    Envelope,
    /// The header of the message.
    Header,
    /// The body of the message.
    Body,
    /// The connection is over.
    Over,
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The event happens, and the session moves.
    To(State),
    /// The message is given up first.
    AbortThen(State),
    /// As [`To`](Self::To) if the filter opted out of envfrom; else the message is none of this filter's, and the
    /// command is answered without an event.
    WithoutEnvelope(State),
    /// Nothing happens.
    Ignore,
    /// The MTA makes no sense.
    Refuse,
}

impl State {
    /// Whether a message is open.
    pub(super) fn in_message(self) -> bool {
        matches!(self, Self::Envelope | Self::Header | Self::Body)
    }

    /// For messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Start => "nothing was negotiated",
            Self::Agreed => "no client is connected",
            Self::Idle => "no message is open",
            Self::Envelope => "in the envelope",
            Self::Header => "in the header",
            Self::Body => "in the body",
            Self::Over => "the connection is over",
        }
    }

    /// What may come, for messages.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Start => "negotiate",
            Self::Agreed => "connect",
            Self::Idle => "helo, mail, unknown, abort or quit",
            Self::Envelope | Self::Header => "anything but negotiate and connect",
            Self::Body => "body, eom, abort or quit",
            Self::Over => "nothing",
        }
    }
}

/// What the command does in this state.
pub(super) fn step(state: State, command: u8) -> Step {
    TABLE.iter().find(|(code, _)| *code == command).map_or(Step::Refuse, |(_, row)| row[state as usize])
}

/// libmilter's order, with two differences. What libmilter would drop without an answer, so that the MTA hangs, is
/// answered or refused. And a filter that opted out of some events sees the others in any case.
#[rustfmt::skip]
const TABLE: [(u8, [Step; 7]); 15] = {
    use State::{Agreed, Body, Envelope, Header, Idle, Over};
    use Step::{AbortThen, Ignore, Refuse, To, WithoutEnvelope};
    //                     Start      Agreed                     Idle                       Envelope             Header               Body                 Over
    [
        (codes::NEGOTIATE, [To(Agreed), Refuse,                    Refuse,                    Refuse,              Refuse,              Refuse,              Refuse]),
        (codes::MACRO,     [Refuse,     To(Agreed),                To(Idle),                  To(Envelope),        To(Header),          To(Body),            Refuse]),
        (codes::CONNECT,   [Refuse,     To(Idle),                  Refuse,                    Refuse,              Refuse,              Refuse,              Refuse]),
        (codes::HELO,      [Refuse,     To(Idle),                  To(Idle),                  AbortThen(Idle),     AbortThen(Idle),     AbortThen(Idle),     Refuse]),
        (codes::MAIL,      [Refuse,     To(Envelope),              To(Envelope),              AbortThen(Envelope), AbortThen(Envelope), AbortThen(Envelope), Refuse]),
        (codes::RCPT,      [Refuse,     WithoutEnvelope(Envelope), WithoutEnvelope(Envelope), To(Envelope),        Refuse,              Refuse,              Refuse]),
        (codes::DATA,      [Refuse,     WithoutEnvelope(Envelope), WithoutEnvelope(Envelope), To(Envelope),        Refuse,              Refuse,              Refuse]),
        (codes::HEADER,    [Refuse,     WithoutEnvelope(Header),   WithoutEnvelope(Header),   To(Header),          To(Header),          Refuse,              Refuse]),
        (codes::EOH,       [Refuse,     WithoutEnvelope(Body),     WithoutEnvelope(Body),     To(Body),            To(Body),            Refuse,              Refuse]),
        (codes::BODY,      [Refuse,     WithoutEnvelope(Body),     WithoutEnvelope(Body),     To(Body),            To(Body),            To(Body),            Refuse]),
        (codes::BODY_EOB,  [Refuse,     WithoutEnvelope(Idle),     WithoutEnvelope(Idle),     To(Idle),            To(Idle),            To(Idle),            Refuse]),
        (codes::ABORT,     [Refuse,     Ignore,                    Ignore,                    To(Idle),            To(Idle),            To(Idle),            Refuse]),
        (codes::QUIT,      [To(Over),   To(Over),                  To(Over),                  AbortThen(Over),     AbortThen(Over),     AbortThen(Over),     Refuse]),
        (codes::QUIT_NC,   [Refuse,     To(Agreed),                To(Agreed),                AbortThen(Agreed),   AbortThen(Agreed),   AbortThen(Agreed),   Refuse]),
        (codes::UNKNOWN,   [Refuse,     To(Agreed),                To(Idle),                  To(Envelope),        To(Header),          To(Body),            Refuse]),
    ]
};

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const STATES: [State; 7] =
        [State::Start, State::Agreed, State::Idle, State::Envelope, State::Header, State::Body, State::Over];

    fn cell(step: Step) -> String {
        match step {
            Step::To(state) => format!("{state:?}"),
            Step::AbortThen(state) => format!("abort, {state:?}"),
            Step::WithoutEnvelope(state) => format!("({state:?})"),
            Step::Ignore => "ignored".to_owned(),
            Step::Refuse => "-".to_owned(),
        }
    }

    #[test]
    fn the_table_of_commands_is_as_written_down() {
        let mut table = String::from("command");
        STATES.iter().for_each(|state| write!(table, " {:<15}", format!("{state:?}")).expect("a String"));
        for (code, _) in TABLE {
            write!(table, "\n{:<7}", char::from(code)).expect("a String");
            STATES.iter().for_each(|state| write!(table, " {:<15}", cell(step(*state, code))).expect("a String"));
        }
        let lines: Vec<_> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
