//! One message, packet by packet.

use crate::daemon::{Mta, packet};

/// Offers the protocol, and tells of a client at 192.0.2.1 and its HELO.
pub(crate) async fn greet(mta: &mut Mta) {
    offer(mta).await;
    assert_eq!(ask(mta, b'C', b"client.example.net\x004\x04\x01192.0.2.1\0").await, 'c');
    assert_eq!(ask(mta, b'H', b"client.example.net\0").await, 'c');
}

/// Offers the protocol.
pub(crate) async fn offer(mta: &mut Mta) {
    mta.send(&packet(b'O', b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff")).await;
    assert_eq!(mta.receive().await[4], b'O');
}

/// MAIL FROM:<a@example.org>.
pub(crate) async fn begin(mta: &mut Mta) -> char {
    ask(mta, b'M', b"<a@example.org>\0").await
}

/// The end of the message.
pub(crate) async fn end(mta: &mut Mta) -> char {
    ask(mta, b'E', b"").await
}

/// A whole message, which must be taken.
pub(crate) async fn message(mta: &mut Mta) {
    assert_eq!(begin(mta).await, 'c');
    assert_eq!(ask(mta, b'R', b"<b@example.net>\0").await, 'c');
    assert_eq!(end(mta).await, 'c');
}

/// Sends a command, and gives the letter of the final answer.
pub(crate) async fn ask(mta: &mut Mta, command: u8, payload: &[u8]) -> char {
    mta.send(&packet(command, payload)).await;
    loop {
        let answer = mta.receive().await[4];
        if b"acdrty".contains(&answer) {
            return char::from(answer);
        }
    }
}

/// A sender that passes.
pub(crate) const ZONE: &str =
    "example.org. TXT \"v=spf1 ip4:192.0.2.1 -all\"\nclient.example.net. TXT \"v=spf1 -all\"\n";
