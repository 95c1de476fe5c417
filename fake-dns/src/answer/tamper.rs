//! What a fault does to the bytes of a finished answer.

use crate::Action;

/// The messages sent instead of the one `message`.
pub(crate) fn tamper(action: Option<&Action>, mut message: Vec<u8>) -> Vec<Vec<u8>> {
    match action {
        Some(Action::WrongId) => flip(&mut message, 0, 0xff),
        Some(Action::QueryBit) => flip(&mut message, FLAGS, 0x80),
        Some(Action::WrongQuestion) => other_question(&mut message),
        Some(Action::Cut(length)) => message.truncate(length.unwrap_or(message.len() / 2)),
        Some(Action::Duplicate(copies)) => return vec![message; usize::from(*copies)],
        _ => {}
    }
    vec![message]
}

/// The bytes of a `raw` fault.
pub(crate) fn raw(id: u16, with_id: bool, bytes: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    [if with_id { id.as_slice() } else { &[] }, bytes].concat()
}

fn flip(message: &mut [u8], at: usize, bits: u8) {
    if let Some(byte) = message.get_mut(at) {
        *byte ^= bits;
    }
}

/// Changes the first letter of the name asked for; a question about the root gets another type.
fn other_question(message: &mut [u8]) {
    match message.get(HEADER_BYTES).copied() {
        Some(0) => flip(message, HEADER_BYTES + 2, 0x20),
        Some(_) => {
            if let Some(letter) = message.get_mut(HEADER_BYTES + 1) {
                *letter = if letter.eq_ignore_ascii_case(&b'x') { b'y' } else { b'x' };
            }
        }
        None => {}
    }
}

/// Where the flags stand in a message, QR being the top bit (RFC 1035 §4.1.1).
const FLAGS: usize = 2;
/// The question follows the header (RFC 1035 §4.1).
const HEADER_BYTES: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tampered(action: &str, message: &[u8]) -> Vec<Vec<u8>> {
        let rule: crate::FaultRule = format!("* ANY {action}").parse().unwrap();
        tamper(Some(&rule.action), message.to_vec())
    }

    #[test]
    fn each_fault_changes_its_bytes() {
        let message = b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x10\0\x01";
        assert_eq!(tampered("wrong-id", message)[0][..2], [0xed, 0x34]);
        assert_eq!(tampered("query-bit", message)[0][2], 0x01);
        assert_eq!(&tampered("wrong-question", message)[0][12..14], b"\x01x");
        assert_eq!(tampered("cut", message), [&message[..message.len() / 2]]);
        assert_eq!(tampered("cut 3", message), [&message[..3]]);
        assert_eq!(tampered("duplicate 3", message), [message; 3]);
        assert_eq!(raw(0x1234, true, b"\x81"), b"\x12\x34\x81");
        assert_eq!(raw(0x1234, false, b"\x81"), b"\x81");
    }

    #[test]
    fn the_root_gets_another_type() {
        let message = b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\0\0\0\x10\0\x01";
        assert_eq!(&tampered("wrong-question", message)[0][12..], b"\0\0\x30\0\x01");
    }

    proptest! {
        #[test]
        fn short_messages_are_no_trouble(message in prop::collection::vec(any::<u8>(), 0..20), action in 0_usize..5) {
            tampered(["wrong-id", "query-bit", "wrong-question", "cut", "cut 99"][action], &message);
        }
    }
}
