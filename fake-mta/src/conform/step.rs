//! What a case is made of.

use milter_proto::{Address, Command, Negotiate, codes};

use super::letter::Letter;

/// One thing that the battery does.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Makes this offer; the answer must keep within it.
    Negotiate(Negotiate),
    /// Makes this offer; a milter that cannot work with it may close the connection instead.
    Offer(Negotiate),
    /// Sends the macros that every MTA sends with a client, and the client.
    Client(Command),
    /// What went before must not have come to `tempfail` or a reply 4xx.
    NotDeferred,
    /// Sends what an MTA sends, unless the milter opted out of it, and takes the answer if one is due.
    Event(Command),
    /// Sends a message, as far as the milter wants it.
    Letter(Box<Letter>),
    /// Sends bytes that no MTA sends; from here on the milter may answer what it likes, or close.
    Raw {
        /// The bytes.
        bytes: Vec<u8>,
        /// What they are, for people.
        shown: String,
    },
    /// Sends bytes that some MTA sends and that need no answer.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// What they are, for people.
        shown: String,
    },
    /// How what follows is written.
    Pace(Pace),
    /// Sends this, closes the sending side, and takes the answer.
    LastWord(Command),
    /// Waits until the milter closes.
    Closed,
    /// Leaves this connection open and silent, and opens another one.
    Park,
    /// Goes away without a word, and opens another connection.
    Vanish,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Pace {
    /// Each packet in a write of its own.
    #[default]
    Packets,
    /// Each byte in a write of its own.
    Bytes,
    /// The first half of the length word in a write of its own.
    Halves,
    /// As many packets in one write as need no answer before the last of them.
    Together,
}

/// The full offer of today's MTAs, and the client.
pub(super) fn opened() -> Vec<Step> {
    vec![Step::Negotiate(Negotiate::offer(6)), Step::Client(connect()), Step::Event(helo())]
}

/// [`opened`], and then these.
pub(super) fn opened_then(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let mut all = opened();
    all.extend(steps);
    all
}

/// What goes before every client.
pub(super) fn connect_macros() -> Command {
    let client = ("_", "client.example.net [192.0.2.1]");
    macros(codes::CONNECT, &[("j", "mx.example.com"), client, ("{daemon_name}", "mx.example.com")])
}

/// A client of the Internet with a name.
pub(super) fn connect() -> Command {
    Command::Connect {
        hostname: b"client.example.net".to_vec(),
        address: Address::Inet { port: 40_000, text: b"192.0.2.1".to_vec() },
    }
}

pub(super) fn helo() -> Command {
    Command::Helo(b"client.example.net".to_vec())
}

pub(super) fn mail() -> Command {
    Command::Mail { sender: b"<sender@example.org>".to_vec(), args: Vec::new() }
}

pub(super) fn rcpt() -> Command {
    rcpt_to("<rcpt@example.com>")
}

pub(super) fn rcpt_to(recipient: &str) -> Command {
    Command::Rcpt { recipient: recipient.into(), args: Vec::new() }
}

pub(super) fn header(name: &str, value: impl Into<Vec<u8>>) -> Command {
    Command::Header { name: name.into(), value: value.into() }
}

/// A macro block.
pub(super) fn macros(for_command: u8, pairs: &[(&str, &str)]) -> Command {
    let pairs = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Command::Macro { for_command, pairs }
}

/// Bytes that no MTA sends.
pub(super) fn raw(bytes: impl Into<Vec<u8>>, shown: &str) -> Step {
    Step::Raw { bytes: bytes.into(), shown: shown.to_owned() }
}

/// A command where it has no place.
pub(super) fn misplaced(command: &Command) -> Step {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    Step::Raw { bytes, shown: command.to_string() }
}
