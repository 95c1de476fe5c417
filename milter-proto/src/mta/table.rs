//! State × command: what an MTA may send when.

use crate::codes;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing was sent.
    Start,
    /// The offer was sent, the answer was not taken yet.
    Offered,
    /// The two ends agree; no client yet.
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

impl State {
    /// For messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Start => "nothing was negotiated",
            Self::Offered => "the answer to negotiate was not taken",
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
            Self::Offered => "the filter's answer first",
            Self::Agreed => "connect",
            Self::Idle => "helo, mail, unknown, abort or quit",
            Self::Envelope => "rcpt, data, header, eoh, body, eom, unknown, abort or quit",
            Self::Header => "header, eoh, body, eom, abort or quit",
            Self::Body => "body, eom, abort or quit",
            Self::Over => "nothing",
        }
    }
}

/// The state after the command; `None` if it may not be sent.
pub(super) fn next(state: State, command: u8) -> Option<State> {
    let (_, row) = TABLE.iter().find(|(code, _)| *code == command)?;
    row[state as usize]
}

/// Stages may be left out, as filters opt out of them; content may begin without an envelope, and recipients may
/// follow a refused DATA, because both happen with real MTAs.
#[rustfmt::skip]
const TABLE: [(u8, [Option<State>; 8]); 15] = {
    use State::{Agreed, Body, Envelope, Header, Idle, Offered, Over};
    const NO: Option<State> = None;
    const fn to(state: State) -> Option<State> { Some(state) }
    //                     Start        Offered Agreed        Idle          Envelope      Header        Body        Over
    [
        (codes::NEGOTIATE, [to(Offered), NO,    NO,           NO,           NO,           NO,           NO,         NO]),
        (codes::MACRO,     [NO,          NO,    to(Agreed),   to(Idle),     to(Envelope), to(Header),   to(Body),   NO]),
        (codes::CONNECT,   [NO,          NO,    to(Idle),     NO,           NO,           NO,           NO,         NO]),
        (codes::HELO,      [NO,          NO,    to(Idle),     to(Idle),     to(Envelope), NO,           NO,         NO]),
        (codes::MAIL,      [NO,          NO,    to(Envelope), to(Envelope), NO,           NO,           NO,         NO]),
        (codes::RCPT,      [NO,          NO,    to(Envelope), to(Envelope), to(Envelope), NO,           NO,         NO]),
        (codes::DATA,      [NO,          NO,    to(Envelope), to(Envelope), to(Envelope), NO,           NO,         NO]),
        (codes::HEADER,    [NO,          NO,    to(Header),   to(Header),   to(Header),   to(Header),   NO,         NO]),
        (codes::EOH,       [NO,          NO,    to(Body),     to(Body),     to(Body),     to(Body),     NO,         NO]),
        (codes::BODY,      [NO,          NO,    to(Body),     to(Body),     to(Body),     to(Body),     to(Body),   NO]),
        (codes::BODY_EOB,  [NO,          NO,    to(Idle),     to(Idle),     to(Idle),     to(Idle),     to(Idle),   NO]),
        (codes::ABORT,     [NO,          NO,    to(Agreed),   to(Idle),     to(Idle),     to(Idle),     to(Idle),   NO]),
        (codes::QUIT,      [NO,          NO,    to(Over),     to(Over),     to(Over),     to(Over),     to(Over),   NO]),
        (codes::QUIT_NC,   [NO,          NO,    to(Agreed),   to(Agreed),   to(Agreed),   to(Agreed),   to(Agreed), NO]),
        (codes::UNKNOWN,   [NO,          NO,    to(Agreed),   to(Idle),     to(Envelope), NO,           NO,         NO]),
    ]
};

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const STATES: [State; 8] = [
        State::Start,
        State::Offered,
        State::Agreed,
        State::Idle,
        State::Envelope,
        State::Header,
        State::Body,
        State::Over,
    ];

    #[test]
    fn the_table_of_commands_is_as_written_down() {
        let mut table = String::from("command");
        STATES.iter().for_each(|state| write!(table, " {:<9}", format!("{state:?}")).expect("a String"));
        for (code, _) in TABLE {
            write!(table, "\n{:<7}", char::from(code)).expect("a String");
            for state in STATES {
                let cell = next(state, code).map_or_else(|| "-".to_owned(), |next| format!("{next:?}"));
                write!(table, " {cell:<9}").expect("a String");
            }
        }
        let lines: Vec<_> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
