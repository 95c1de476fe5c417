//! What becomes of a message at its end.

use std::fmt;

use super::message::Decision;

/// What becomes of a message at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// What is changed in it, in this order.
    pub(crate) edits: Vec<Edit>,
    /// Whether it is taken.
    pub(crate) decision: Decision,
}

/// A change of a message. Values are folded with LF and white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// A field above all others.
    Insert {
        /// The field's name.
        name: &'static str,
        /// Its value.
        value: Vec<u8>,
    },
    /// A field where the MTA adds them.
    Append {
        /// The field's name.
        name: &'static str,
        /// Its value.
        value: Vec<u8>,
    },
    /// Another value.
    Change {
        /// Which field of the name, counted from 1.
        index: u32,
        /// The field's name.
        name: &'static str,
        /// Its value.
        value: Vec<u8>,
    },
    /// Out with it.
    Delete {
        /// Which field of the name, counted from 1.
        index: u32,
        /// The field's name.
        name: &'static str,
    },
    /// The message is held, for this reason.
    Quarantine(String),
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insert { name, value } => write!(f, "insheader 0 {name}: {}", value.escape_ascii()),
            Self::Append { name, value } => write!(f, "addheader {name}: {}", value.escape_ascii()),
            Self::Change { index, name, value } => write!(f, "chgheader {index} {name}: {}", value.escape_ascii()),
            Self::Delete { index, name } => write!(f, "delheader {index} {name}"),
            Self::Quarantine(reason) => write!(f, "quarantine {reason}"),
        }
    }
}
