//! What can go wrong in a session.

use crate::{DecodeError, FrameError, NegotiateError, ReplyTextError};

/// A packet that may not come, or may not be sent, in the state the session is in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The length of a packet makes no sense: the stream cannot be read any further.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A packet that does not hold what its code promises.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The two ends cannot agree on a protocol.
    #[error(transparent)]
    Negotiate(#[from] NegotiateError),
    /// A reply text that no SMTP client could be given.
    #[error(transparent)]
    ReplyText(#[from] ReplyTextError),
    /// The packet has no place in this state.
    #[error("{came} while {state}: expected {expected}")]
    Unexpected {
        /// What the session was doing.
        state: &'static str,
        /// What could have come.
        expected: &'static str,
        /// The packet that came.
        came: String,
    },
    /// The packet needs a flag that was not negotiated.
    #[error("{packet} needs {flag}, which was not negotiated")]
    NotNegotiated {
        /// The packet.
        packet: &'static str,
        /// The name of the flag.
        flag: String,
    },
    /// The packet is larger than what was negotiated.
    #[error("{packet} of {bytes} bytes is over the limit of {limit} bytes")]
    TooLarge {
        /// The packet.
        packet: &'static str,
        /// The size of its payload.
        bytes: usize,
        /// The largest payload.
        limit: usize,
    },
    /// More text in macros than any MTA has.
    #[error("{bytes} bytes of macros are over the limit of {limit}")]
    MacroBytes {
        /// How many there would be in all.
        bytes: usize,
        /// How many are kept.
        limit: usize,
    },
    /// A text that would end early or break the line it is put into.
    #[error("{field} of {packet} {problem}")]
    BadText {
        /// The packet.
        packet: &'static str,
        /// The part of the packet.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}
