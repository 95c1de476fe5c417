//! What a script says.

use std::sync::Arc;

use milter_proto::Negotiate;

use super::{
    action::Action,
    parse,
    rule::{Event, Rule},
};
use crate::diag::{Diag, Source};

/// How a scripted filter answers.
///
/// One rule stands on each line: a stage, perhaps which of its events, a colon, and what to do, with `; ` between the actions.
/// Actions may also stand on indented lines below, one on each. Lines that begin with `#` are comments.
///
/// | line | meaning |
/// | --- | --- |
/// | `connect: reject` | answers every event of that stage |
/// | `rcpt 2: …` | the second one: recipients, header fields and body chunks are counted in their message, all else in the connection |
/// | `rcpt <b@example.net>: …` | the one whose first argument is this, whatever the case of its letters |
/// | `connection 2` | the lines that follow hold for the second connection alone; `connection every` ends that |
/// | `negotiate version=6 actions=0x1ff protocol=SKIP macros.rcpt="i"` | the answer to the offer; what is left out is 6 (or the MTA's version if that is lower), all, nothing |
///
/// The first rule that fits answers. An event that no rule fits gets `continue`, or nothing if the filter negotiated that it will
/// not answer. `negotiate: …` as a rule takes the place of the answer to the offer.
#[derive(Debug)]
pub struct Script {
    /// In the order of the file.
    pub(super) rules: Vec<Rule>,
    /// The answers to the offer, each for one connection or for all.
    pub(super) answers: Vec<Answer>,
}

/// What the filter takes of the MTA's offer.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    /// The connection it is for, from 1; `None` is every one.
    pub(super) connection: Option<u64>,
    /// `None` is 6, or the MTA's if that is lower.
    pub(super) version: Option<u32>,
    /// `None` is all that exist.
    pub(super) actions: Option<u32>,
    /// The steps of the protocol.
    pub(super) protocol: u32,
    /// Macro lists, by the number of their stage.
    pub(super) symlists: Vec<(u32, Vec<u8>)>,
}

impl Script {
    /// Reads a script; a file whose name ends in `.toml` has it under the key `script`.
    ///
    /// # Errors
    /// All lines that are wrong.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Vec<Diag>> {
        parse::script(source)
    }

    /// What to do at an event of a connection; `None` is the default.
    pub(super) fn actions(&self, connection: u64, event: &Event<'_>) -> Option<&[Action]> {
        let rule = self.rules.iter().find(|rule| rule.fits(connection, event))?;
        Some(&rule.actions)
    }

    /// The answer to the MTA's offer.
    pub(super) fn answer(&self, connection: u64, offer: &Negotiate) -> Negotiate {
        let found = self.answers.iter().find(|answer| answer.connection.is_none_or(|number| number == connection));
        let answer = found.cloned().unwrap_or_default();
        Negotiate {
            version: answer.version.unwrap_or_else(|| VERSION.min(offer.version)),
            actions: milter_proto::Actions::from_bits(
                answer.actions.unwrap_or_else(|| milter_proto::Actions::ALL.bits()),
            ),
            protocol: milter_proto::Protocol::from_bits(answer.protocol),
            symlists: answer.symlists,
        }
    }
}

/// The version that libmilter has.
const VERSION: u32 = 6;
