//! What happened in a unit, in a form in which both MTAs' runs can be compared.

use serde::{Deserialize, Serialize};

/// A whole unit.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Record {
    /// Its SMTP connections.
    pub(crate) sessions: Vec<SessionRecord>,
    /// How many of the messages were kept back, and arrived because they were let go.
    pub(crate) held: usize,
    /// For people: the transcript, or the MTA's log.
    pub(crate) notes: String,
}

/// One SMTP connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct SessionRecord {
    /// The reply lines of each step.
    pub(crate) steps: Vec<Vec<String>>,
    /// `MAIL FROM` and `RCPT TO` lines of all messages.
    pub(crate) envelope: Vec<String>,
    /// The messages, with LF line ends.
    pub(crate) delivered: Vec<String>,
}

/// What a worker answers: a record, or why there is none.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Answer {
    /// The unit was played.
    Played(Record),
    /// It could not be played.
    Failed(String),
}
