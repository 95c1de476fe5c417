//! What happened in a session, in the notation of the dialogue lines.

use std::{collections::BTreeMap, ops::Range};

use super::step::is_quiet;
use crate::{
    lint::Finding,
    scenario::{LineKind, Packet, matcher::QUEUE_ID},
};

/// What happened between one `C:` line and the next. The texts are those of the dialogue's expected lines, without the letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepEvents {
    /// The reply lines the SMTP client saw, without CRLF: `S:`.
    pub replies: Vec<String>,
    /// What the milter answered and edited, in order: `M:`. A step in which the milter was asked and went on holds `continue`.
    pub milter: Vec<String>,
    /// The same of the milters behind it, by their numbers from 2 on: `M2:`.
    pub later_milters: BTreeMap<u8, Vec<String>>,
    /// The DNS questions, `name TYPE`: `D:`.
    pub dns: Vec<String>,
    /// The MTA's log lines, from the text behind `queue-id: `: `L:`.
    pub log: Vec<String>,
    /// What is wrong with what the filters sent: `W:`.
    pub warnings: Vec<Finding>,
    /// The packets between the MTA and the milters, in order.
    pub wire: Vec<Packet>,
    /// The lines of the transcript that tell of this step, counted from 0.
    pub transcript: Range<usize>,
}

impl StepEvents {
    /// What the milters said, as `M:` lines, where it is more than that the mail may go on.
    pub(crate) fn answers(&self) -> Vec<String> {
        let later = self.later_milters.iter().map(|(number, answers)| (LineKind::MilterOf(*number), answers));
        let all = [(LineKind::Milter, &self.milter)].into_iter().chain(later);
        let lines = all.flat_map(|(kind, answers)| answers.iter().map(move |answer| (kind, answer)));
        lines
            .filter(|(_, answer)| !is_quiet(answer))
            .map(|(kind, answer)| format!("{}: {answer}", kind.letter()))
            .collect()
    }

    /// The names of the warnings, each once.
    pub fn warning_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for finding in &self.warnings {
            let name = finding.lint.id();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}

/// What happened in one SMTP connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionEvents {
    /// One entry for each step played; fewer than the session has if it broke off.
    pub steps: Vec<StepEvents>,
    /// The envelopes of what was delivered: a `MAIL FROM:<…>` line and its `RCPT TO:<…>` lines for each message.
    pub envelope: Vec<String>,
    /// The messages delivered, as text with `\n` line ends.
    pub delivered: Vec<String>,
    /// The queue ids of this session and of those before it, with what the transcript writes for them: `[qid]`, `[qid 2]`.
    pub queue_ids: BTreeMap<String, String>,
}

impl SessionEvents {
    /// A text with `[qid]` in the place of every queue id: as both MTAs could have it.
    pub(crate) fn without_queue_ids(&self, text: &str) -> String {
        self.queue_ids.keys().fold(text.to_owned(), |text, id| text.replace(id.as_str(), QUEUE_ID))
    }
}
