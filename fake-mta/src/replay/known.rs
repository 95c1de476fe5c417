//! Captures that the fake MTA cannot equal, and why.

/// A capture that differs for a reason that no fake MTA can do anything about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    mta: &'static str,
    name: &'static str,
    respect: Respect,
    reason: &'static str,
}

/// In which respect a capture is known to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Respect {
    /// Packets, replies or messages, and perhaps the log.
    Session,
    /// The log lines alone.
    Log,
}

/// The reason why a capture differs in that respect, if it is known to.
pub(super) fn reason(mta: &str, name: &str, respect: Respect) -> Option<&'static str> {
    let found = KNOWN_DIFFERENCES.iter().find(|known| known.mta == mta && known.name == name);
    found.filter(|known| known.respect == respect || known.respect == Respect::Session).map(|known| known.reason)
}

/// All of them. A capture that is here and is equal is a fault of this list.
const KNOWN_DIFFERENCES: [Known; 3] = [
    Known {
        mta: "sendmail",
        name: "replycode-only3",
        respect: Respect::Session,
        reason: "sendmail reads one byte beyond the three digits of the reply: what was in its memory comes out",
    },
    Known {
        mta: "sendmail",
        name: "symlist-many",
        respect: Respect::Session,
        reason: "sendmail speaks its own configuration errors to the SMTP client, and replies no longer belong to commands",
    },
    Known {
        mta: "sendmail",
        name: "bad-mail-len-1MB",
        respect: Respect::Log,
        reason: "the log line was cut into thousands of numbered pieces, most of which were not recorded",
    },
];
