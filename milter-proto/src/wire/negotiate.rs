//! The packet that both ends begin with.

use std::fmt;

use super::{
    error::{DecodeError, NegotiateError},
    escape::Escaped,
    flags::{Actions, Protocol},
    macro_stage::MacroStage,
    payload::{Payload, put_string},
};

/// What one end offers, or what the other takes of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Negotiate {
    /// The protocol version: 2, 3, 4 or 6.
    pub version: u32,
    /// What the filter may do to messages.
    pub actions: Actions,
    /// Steps of the protocol.
    pub protocol: Protocol,
    /// Macro lists: the number of a [`MacroStage`] and names with spaces between them. Only a filter sends them.
    pub symlists: Vec<(u32, Vec<u8>)>,
}

impl Negotiate {
    /// What sendmail and Postfix offer in that version of the protocol: every action, and every step the version
    /// knows.
    pub fn offer(version: u32) -> Self {
        let protocol = match version {
            ..=2 => 0x7f,
            3 => 0x17f,
            4 | 5 => 0x37f,
            _ => Protocol::ALL.bits(),
        };
        Self { version, actions: Actions::ALL, protocol: Protocol::from_bits(protocol), symlists: Vec::new() }
    }

    /// Reads the packet as sendmail does: numbers that are missing are 0, and macro lists end at the first broken one.
    pub fn parse_lenient(payload: &[u8]) -> Self {
        let mut payload = Payload::new(PACKET, payload);
        let mut number = || payload.u32("").unwrap_or(0);
        let (version, actions, protocol) = (number(), number(), number());
        let mut symlists = Vec::new();
        while let Ok(entry) = symlist(&mut payload) {
            if MacroStage::from_u32(entry.0).is_none() {
                break;
            }
            symlists.push(entry);
        }
        Self { version, actions: Actions::from_bits(actions), protocol: Protocol::from_bits(protocol), symlists }
    }

    /// Whether a filter that was made this offer may answer so.
    ///
    /// # Errors
    /// A version out of range, an action or a step that was not offered. Real MTAs are laxer, each in its own way.
    pub fn check(&self, offer: &Self) -> Result<(), NegotiateError> {
        if self.version < VERSION_MIN || self.version > offer.version {
            return Err(NegotiateError::Version { came: self.version, offered: offer.version });
        }
        let actions = self.actions.without(offer.actions);
        if !actions.is_empty() {
            return Err(NegotiateError::Actions(actions));
        }
        let protocol = self.protocol.without(offer.protocol);
        if protocol.is_empty() { Ok(()) } else { Err(NegotiateError::Protocol(protocol)) }
    }

    pub(super) fn decode(packet: &'static str, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut payload = Payload::new(packet, bytes);
        let version = payload.u32("a version of four bytes")?;
        let actions = Actions::from_bits(payload.u32("actions of four bytes")?);
        let protocol = Protocol::from_bits(payload.u32("protocol steps of four bytes")?);
        let mut symlists = Vec::new();
        while !payload.is_at_end() {
            symlists.push(symlist(&mut payload)?);
        }
        Ok(Self { version, actions, protocol, symlists })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.version, self.actions.bits(), self.protocol.bits()] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        for (stage, names) in &self.symlists {
            out.extend_from_slice(&stage.to_be_bytes());
            put_string(out, names);
        }
    }
}

impl fmt::Display for Negotiate {
    /// `6 actions=ALL protocol=NO_HELO envfrom="i {auth_authen}"`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} actions={} protocol={}", self.version, self.actions, self.protocol)?;
        self.symlists.iter().try_for_each(|(stage, names)| match MacroStage::from_u32(*stage) {
            Some(stage) => write!(f, " {stage}=\"{}\"", Escaped(names)),
            None => write!(f, " stage{stage}=\"{}\"", Escaped(names)),
        })
    }
}

fn symlist(payload: &mut Payload<'_>) -> Result<(u32, Vec<u8>), DecodeError> {
    Ok((payload.u32("the number of a macro stage")?, payload.string("a macro list that ends in NUL")?))
}

/// The oldest protocol version that anybody speaks.
pub(crate) const VERSION_MIN: u32 = 2;

/// The name in errors of a parser that makes none.
const PACKET: &str = "negotiate";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_those_of_real_mtas() {
        for (version, protocol) in [(2, 0x7f), (3, 0x17f), (4, 0x37f), (6, 0x1f_ffff)] {
            let offer = Negotiate::offer(version);
            assert_eq!((offer.version, offer.actions.bits(), offer.protocol.bits()), (version, 0x1ff, protocol));
        }
    }

    #[test]
    fn a_lenient_reader_stops_at_the_first_broken_list() {
        let mut bytes = Vec::new();
        let symlists = vec![(0, b"j".to_vec()), (7, b"i".to_vec()), (1, b"v".to_vec())];
        Negotiate { symlists, ..Negotiate::offer(6) }.encode(&mut bytes);
        assert_eq!(Negotiate::parse_lenient(&bytes).symlists, [(0, b"j".to_vec())]);
        assert_eq!(Negotiate::parse_lenient(&bytes[..13]).symlists, []);
        assert_eq!(Negotiate::parse_lenient(&bytes[..15]).to_string(), "6 actions=ALL protocol=ALL");
        assert_eq!(Negotiate::parse_lenient(&bytes[..8]).to_string(), "6 actions=ALL protocol=NONE");
        assert_eq!(Negotiate::parse_lenient(&[]), Negotiate::default());
    }

    #[test]
    fn an_answer_may_not_go_beyond_the_offer() {
        let offer = Negotiate::offer(4);
        let check = |answer: Negotiate| answer.check(&offer).map_err(|error| error.to_string());
        assert_eq!(check(Negotiate::offer(2)), Ok(()));
        assert_eq!(
            check(Negotiate { version: 1, ..offer.clone() }).unwrap_err(),
            "protocol version 1: expected 2 to 4"
        );
        assert_eq!(
            check(Negotiate { version: 6, ..offer.clone() }).unwrap_err(),
            "protocol version 6: expected 2 to 4"
        );
        let actions = Actions::from_bits(0x201);
        assert_eq!(check(Negotiate { actions, ..offer.clone() }).unwrap_err(), "actions 0x200 were not offered");
        let protocol = Protocol::SKIP | Protocol::NO_HELO;
        assert_eq!(check(Negotiate { protocol, ..offer.clone() }).unwrap_err(), "protocol steps SKIP were not offered");
    }
}
