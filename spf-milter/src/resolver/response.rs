//! What a server says, before it becomes the answer of a check.

use std::time::Duration;

use spf::{AnswerKind, Failure, Question};

/// What a question came to, and how long that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    /// What it came to.
    pub(super) kind: AnswerKind,
    /// How long the zone lets it be kept, if it does.
    pub(super) ttl: Option<Duration>,
    /// Whether the server said anything at all.
    pub(super) reached: Reached,
}

/// Whether a server said anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// It did, be it an error.
    Yes,
    /// It was asked and did not.
    No,
    /// No server is there: all of them are left alone by now.
    Nobody,
}

impl Response {
    /// The server said this.
    pub(super) fn said(kind: AnswerKind, ttl: Option<Duration>) -> Self {
        Self { kind, ttl, reached: Reached::Yes }
    }

    /// The server said nothing.
    pub(super) fn silence(failure: Failure) -> Self {
        Self { kind: AnswerKind::Failed(failure), ttl: None, reached: Reached::No }
    }

    /// No server is there to be asked.
    pub(super) fn outage() -> Self {
        let failure = Failure::Other("no name server answers".to_owned());
        Self { kind: AnswerKind::Failed(failure), ttl: None, reached: Reached::Nobody }
    }

    /// Whether this is no answer that a check can use.
    pub(super) fn is_failed(&self) -> bool {
        matches!(self.kind, AnswerKind::Failed(_))
    }
}

/// One server, as it can be asked.
pub(super) trait Exchange: Send + Sync + 'static {
    /// Puts one question to it, once, and waits for one time-out at most.
    fn exchange(&self, question: &Question) -> impl Future<Output = Response> + Send;

    /// Whether it is there: asks for what every recursive server knows.
    fn is_there(&self) -> impl Future<Output = bool> + Send;
}
