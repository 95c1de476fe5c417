//! [`Action`]: what a filter answers.

use milter_proto::{Reply, ReplyText};

/// What becomes of the client, the recipient or the message that a filter was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Go on.
    #[doc(alias = "SMFIS_CONTINUE")]
    Continue,
    /// Take it without asking this filter again: at connect and helo for the whole session, later for this message.
    #[doc(alias = "SMFIS_ACCEPT")]
    Accept,
    /// Refuse it for good, in the words of the MTA.
    #[doc(alias = "SMFIS_REJECT")]
    Reject,
    /// Refuse it for now, in the words of the MTA.
    #[doc(alias = "SMFIS_TEMPFAIL")]
    Tempfail,
    /// Take the message and throw it away. At connect and helo there is none yet: the same as `Continue`.
    #[doc(alias = "SMFIS_DISCARD")]
    Discard,
    /// No more of the body, please. Elsewhere, and where the MTA does not know it, the same as `Continue`.
    #[doc(alias = "SMFIS_SKIP")]
    Skip,
    /// Refuse it with a reply of the filter's own.
    #[doc(alias = "smfi_setreply")]
    #[doc(alias = "smfi_setmlreply")]
    Reply(ReplyText),
}

impl Action {
    /// The packet.
    pub(crate) fn to_reply(&self) -> Reply {
        match self {
            Self::Continue => Reply::Continue,
            Self::Accept => Reply::Accept,
            Self::Reject => Reply::Reject,
            Self::Tempfail => Reply::Tempfail,
            Self::Discard => Reply::Discard,
            Self::Skip => Reply::Skip,
            Self::Reply(text) => text.to_reply(),
        }
    }
}
