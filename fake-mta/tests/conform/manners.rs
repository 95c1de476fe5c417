//! Edits and answers that are not as they should be.

use crate::fault::Fault;

/// A packet: its code and its payload.
pub(crate) type Packet = (u8, &'static [u8]);

/// The edits that the case has to find.
pub(crate) fn of_edits(name: &str) -> Fault {
    Fault::Edits(match name {
        "whole" => &[(b'h', b"X-A\0one")],
        "negotiated" => return Fault::EditsUnasked,
        "body-in-one-go" => &[(b'b', b"one\r\n"), (b'h', b"X-A\0one\0"), (b'b', b"two\r\n")],
        "address-control" => &[(b'+', b"<a@example.org>\r\nDATA\0")],
        "no-address" => &[(b'+', b"\0")],
        "nameless-change" => &[(b'm', b"\0\0\0\x01\0one\0")],
        "field-name" => &[(b'h', b"X-A: one\0two\0")],
        "next-line" => &[(b'h', b"X-A\0one\nX-B: two\0")],
        "carriage-return" => &[(b'h', b"X-A\0one\r\n two\0")],
        "control-characters" => &[(b'h', b"X-A\0\x1b[31mred\0")],
        "index" => &[(b'i', b"\xff\xff\xff\xffX-A\0one\0")],
        _ => return Fault::None,
    })
}

/// The answer that the case has to find.
pub(crate) fn of_answers(name: &str) -> Fault {
    Fault::Answers(match name {
        "payload" => (b'c', b"hello"),
        "place" => (b'4', b""),
        "size" => return Fault::Edits(&[(b'b', &[b'x'; 100_000])]),
        "discard" => return Fault::DiscardsClients,
        "code" => (b'y', b"550 4.7.1 no\0"),
        "end" => (b'y', b"550 5.7.1 no"),
        "percent" => (b'y', b"550 5.7.1 100% sure\0"),
        "eight-bit" => (b'y', b"550 5.7.1 gr\xfc\xdfe\0"),
        "control-characters" => (b'y', b"550 5.7.1 \x1b[31mred\0"),
        "line-length" => (b'y', LONG_TEXT),
        "line-codes" => (b'y', b"550-5.7.1 one\r\n450 4.7.1 two\0"),
        "line-ends" => (b'y', b"550-5.7.1 one\n550 5.7.1 two\0"),
        _ => return Fault::None,
    })
}

const LONG_TEXT: &[u8] = &{
    let mut text = [b'x'; 600];
    text.split_at_mut(4).0.copy_from_slice(b"550 ");
    text[599] = 0;
    text
};
