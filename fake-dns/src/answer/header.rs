//! The little that is read of a message before it is decoded.

use crate::Rcode;

/// The fixed front of a message that asks something (RFC 1035 §4.1.1).
#[derive(Clone, Copy)]
pub(crate) struct Header {
    id: [u8; 2],
    flags: u8,
}

impl Header {
    /// `None` for less than a header, and for an answer: two servers would otherwise answer each other forever.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let [id_high, id_low, flags, ..] = message else { return None };
        let is_query = message.len() >= HEADER_BYTES && flags & QR == 0;
        is_query.then_some(Self { id: [*id_high, *id_low], flags: *flags })
    }

    pub(crate) const fn opcode(self) -> u8 {
        self.flags >> 3 & 0x0f
    }

    /// An answer that is a header alone, with this code.
    pub(crate) fn refusal(self, rcode: Rcode) -> Vec<u8> {
        let [_, low] = rcode.number().to_be_bytes();
        // The opcode and RD come back as they were.
        let mut message = vec![self.id[0], self.id[1], QR | self.flags & 0x79, low & 0x0f];
        message.resize(HEADER_BYTES, 0);
        message
    }
}

const HEADER_BYTES: usize = 12;
/// The bit that marks an answer.
const QR: u8 = 0x80;
/// The opcode of a plain question.
pub(crate) const QUERY: u8 = 0;
