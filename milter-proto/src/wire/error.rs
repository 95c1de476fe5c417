//! What can be wrong with a packet.

use crate::{Actions, Protocol};

/// A length word that makes no sense. Nothing after it can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A packet has at least its code.
    #[error("packet of length 0: expected at least the code byte")]
    Empty,
    /// The packet is larger than this end takes.
    #[error("packet of length {length} is over the limit of {limit}")]
    TooLong {
        /// The declared length, code byte included.
        length: u32,
        /// The largest length, code byte included.
        limit: usize,
    },
}

/// A packet whose payload is not what its code promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{packet}: expected {expected} at byte {offset}, found {came}")]
pub struct DecodeError {
    /// The command or reply, as in `mail command`.
    pub packet: &'static str,
    /// Where in the payload, from 0.
    pub offset: usize,
    /// What should be there.
    pub expected: &'static str,
    /// What is there.
    pub came: String,
}

/// Why two ends cannot agree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NegotiateError {
    /// The filter speaks a newer protocol than it was offered, or one that never was.
    #[error("protocol version {came}: expected 2 to {offered}")]
    Version {
        /// The version asked for.
        came: u32,
        /// The version offered.
        offered: u32,
    },
    /// The MTA speaks a protocol that is too old.
    #[error("protocol version {version} was offered: expected at least 2")]
    Offer {
        /// The version offered.
        version: u32,
    },
    /// The filter wants to edit in ways that the MTA does not know.
    #[error("actions {0} were not offered")]
    Actions(Actions),
    /// The filter wants protocol steps that the MTA does not know.
    #[error("protocol steps {0} were not offered")]
    Protocol(Protocol),
}
