//! A message, as an MTA shows it to a milter.

use milter_proto::Command;

use super::{
    script::filling,
    step::{header, macros, mail, rcpt},
};

/// One message from MAIL to its end.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    /// Whose macros go with it.
    pub(super) macros: Macros,
    /// MAIL.
    pub(super) mail: Command,
    /// Each RCPT.
    pub(super) rcpts: Vec<Command>,
    /// The header fields.
    pub(super) headers: Vec<Command>,
    /// Whether the end of the header is told.
    pub(super) eoh: bool,
    /// The body, chunk by chunk.
    pub(super) body: Vec<Chunk>,
    /// Where it breaks off.
    pub(super) until: Stage,
}

/// A part of a body.
#[derive(Debug, Clone)]
pub(super) enum Chunk {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many chunks of so many bytes each.
    Fill {
        /// How many chunks.
        count: usize,
        /// The bytes of each.
        size: usize,
    },
}

impl Chunk {
    /// How many chunks there are, and what is in each.
    pub(super) fn bytes(&self) -> (usize, Vec<u8>) {
        match self {
            Self::Bytes(bytes) => (1, bytes.clone()),
            Self::Fill { count, size } => (*count, filling(*size)),
        }
    }
}

/// Which macros an MTA sends, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Macros {
    /// None at all: the milter asked for none.
    None,
    /// As sendmail does: with MAIL, RCPT and the end.
    Sendmail,
    /// As Postfix does: with everything, header fields and body chunks too.
    Postfix,
}

/// The stages of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Mail,
    Rcpt,
    Data,
    Header,
    Eoh,
    Body,
    Eom,
}

impl Stage {
    /// The stages before the end, with their words.
    pub(super) const BEFORE_END: [(&'static str, Self); 6] = [
        ("mail", Self::Mail),
        ("rcpt", Self::Rcpt),
        ("data", Self::Data),
        ("header", Self::Header),
        ("eoh", Self::Eoh),
        ("body", Self::Body),
    ];
}

impl Letter {
    /// Its commands in their order, for a milter that lets it pass.
    pub(super) fn commands(&self) -> Vec<Command> {
        let mut all = vec![(Stage::Mail, self.mail.clone())];
        all.extend(self.rcpts.iter().map(|rcpt| (Stage::Rcpt, rcpt.clone())));
        all.push((Stage::Data, Command::Data));
        all.extend(self.headers.iter().map(|header| (Stage::Header, header.clone())));
        all.extend(self.eoh.then_some((Stage::Eoh, Command::Eoh)));
        for chunk in &self.body {
            let (count, bytes) = chunk.bytes();
            all.extend(std::iter::repeat_n((Stage::Body, Command::Body(bytes)), count));
        }
        all.push((Stage::Eom, Command::BodyEob(Vec::new())));
        all.into_iter().filter(|(stage, _)| *stage <= self.until).map(|(_, command)| command).collect()
    }

    /// The macros that go with a command; `None` for no packet.
    pub(super) fn macros_for(&self, command: &Command) -> Option<Command> {
        let code = command.code();
        let queue_id = [("i", "4XyZ1abcde")];
        match (self.macros, command) {
            (Macros::None, _) => None,
            (_, Command::Mail { .. }) => {
                Some(macros(code, &[("i", "4XyZ1abcde"), ("{mail_addr}", "sender@example.org")]))
            }
            (_, Command::Rcpt { .. }) => Some(macros(code, &[("{rcpt_addr}", "rcpt@example.com")])),
            (Macros::Sendmail, Command::BodyEob(_)) => Some(macros(code, &[("{msg_id}", "<1@example.org>")])),
            (Macros::Sendmail, _) => None,
            (Macros::Postfix, _) => Some(macros(code, &queue_id)),
        }
    }
}

impl Default for Letter {
    /// A short plain message, with sendmail's macros.
    fn default() -> Self {
        Self {
            macros: Macros::Sendmail,
            mail: mail(),
            rcpts: vec![rcpt()],
            headers: plain_headers(),
            eoh: true,
            body: vec![Chunk::Bytes(b"Hello.\r\n".to_vec())],
            until: Stage::Eom,
        }
    }
}

/// The header of an honest message.
pub(super) fn plain_headers() -> Vec<Command> {
    vec![
        header("From", "Sender <sender@example.org>"),
        header("To", "<rcpt@example.com>"),
        header("Subject", "test"),
        header("Date", "Sun, 01 Aug 2004 12:00:00 +0000"),
        header("Message-ID", "<1@example.org>"),
    ]
}
