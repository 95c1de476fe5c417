//! The stages that macros are asked for and sent at.

use std::fmt;

use crate::codes;

/// A stage of the session that has its own list of macros, numbered as in the negotiation packet.
///
/// Note that the end of the message comes before the end of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum MacroStage {
    /// The client connected.
    #[doc(alias = "SMFIM_CONNECT")]
    Connect = 0,
    /// HELO or EHLO.
    #[doc(alias = "SMFIM_HELO")]
    Helo = 1,
    /// MAIL.
    #[doc(alias = "SMFIM_ENVFROM")]
    Envfrom = 2,
    /// RCPT.
    #[doc(alias = "SMFIM_ENVRCPT")]
    Envrcpt = 3,
    /// DATA.
    #[doc(alias = "SMFIM_DATA")]
    Data = 4,
    /// End of the message.
    #[doc(alias = "SMFIM_EOM")]
    Eom = 5,
    /// End of the header.
    #[doc(alias = "SMFIM_EOH")]
    Eoh = 6,
}

impl MacroStage {
    /// All stages, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Connect, Self::Helo, Self::Envfrom, Self::Envrcpt, Self::Data, Self::Eom, Self::Eoh];

    /// The stage with that number on the wire.
    pub fn from_u32(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| *stage as u32 == number)
    }

    /// The stage whose macros come before the command with that code; `None` for commands that have no list of their
    /// own.
    pub fn of_command(code: u8) -> Option<Self> {
        Some(match code {
            codes::CONNECT => Self::Connect,
            codes::HELO => Self::Helo,
            codes::MAIL => Self::Envfrom,
            codes::RCPT => Self::Envrcpt,
            codes::DATA => Self::Data,
            codes::EOH => Self::Eoh,
            codes::BODY_EOB => Self::Eom,
            _ => return None,
        })
    }

    /// The name in lower case, as in libmilter's callbacks.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Helo => "helo",
            Self::Envfrom => "envfrom",
            Self::Envrcpt => "envrcpt",
            Self::Data => "data",
            Self::Eom => "eom",
            Self::Eoh => "eoh",
        }
    }
}

impl fmt::Display for MacroStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_wire() {
        let numbers = MacroStage::ALL.map(|stage| stage as u32);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(MacroStage::from_u32(5), Some(MacroStage::Eom));
        assert_eq!(MacroStage::from_u32(7), None);
    }
}
