//! Packets as `wire` blocks have them: decoded, and in hex.

use milter_proto::{Command, Frame, Reply, codes};

use super::transcript::Transcript;
use crate::{
    journal::{Channel, Event, LinkFailure},
    profile::printable,
    scenario::Packet,
};

/// The packet of an event, or the end of a connection; `None` for all other events.
pub(super) fn packet(event: &Event, transcript: &Transcript) -> Option<Packet> {
    let arrow = |channel: &Channel, arrow: char| match channel.filter {
        0 => arrow.to_string(),
        number => format!("{}{arrow}", number + 1),
    };
    let (text, hex) = match event {
        Event::Sent(channel, command) => {
            (format!("{} {}", arrow(channel, '>'), command_text(command)), command_hex(command))
        }
        Event::Received(channel, frame) => (format!("{} {}", arrow(channel, '<'), reply_text(frame)), frame_hex(frame)),
        Event::LinkClosed(channel) => (format!("{} [close]", arrow(channel, '>')), String::new()),
        Event::LinkFailed(channel, LinkFailure::Closed, _) => {
            (format!("{} [close]", arrow(channel, '<')), String::new())
        }
        _ => return None,
    };
    Some(Packet { text: transcript.without_queue_ids(text), hex })
}

/// A short piece of a body is shown itself.
fn command_text(command: &Command) -> String {
    match command {
        Command::Body(bytes) if bytes.len() <= SHOWN_BODY_MAX => format!("body {}", printable(bytes)),
        other => other.to_string(),
    }
}

fn reply_text(frame: &Frame) -> String {
    Reply::decode(frame).map_or_else(|_| format!("malformed {}", printable(&[frame.code])), |reply| reply.to_string())
}

fn command_hex(command: &Command) -> String {
    let mut packet = Vec::new();
    command.encode(&mut packet);
    frame_hex(&Frame { code: packet[4], payload: packet.split_off(5) })
}

/// Length, code, payload; the numbers of a negotiation apart from each other.
fn frame_hex(frame: &Frame) -> String {
    let length = u32::try_from(frame.payload.len() + 1).unwrap_or(u32::MAX);
    let mut words = vec![hex(&length.to_be_bytes()), hex(&[frame.code])];
    let numbers = if frame.code == codes::NEGOTIATE { frame.payload.len().min(NUMBERS_BYTES) } else { 0 };
    words.extend(frame.payload[..numbers].chunks(4).map(hex));
    words.push(hex(&frame.payload[numbers..]));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// The longest piece of a body that is shown itself.
const SHOWN_BODY_MAX: usize = 72;

/// Version, actions, protocol steps.
const NUMBERS_BYTES: usize = 12;

#[cfg(test)]
mod tests {
    use milter_proto::Negotiate;

    use super::*;

    #[test]
    fn a_packet_is_shown_decoded_and_in_hex() {
        let shown = |event| packet(&event, &Transcript::default()).map(|packet| (packet.text, packet.hex));
        let channel = Channel { filter: 0, connection: 0 };
        let offer = Command::Negotiate(Negotiate::offer(6));
        let negotiate = ("> negotiate 6 actions=ALL protocol=ALL", "0000000d 4f 00000006 000001ff 001fffff");
        assert_eq!(shown(Event::Sent(channel, offer)), Some((negotiate.0.into(), negotiate.1.into())));
        let body = Command::Body(b"hi\r\n".to_vec());
        assert_eq!(shown(Event::Sent(channel, body)), Some(("> body hi\\r\\n".into(), "00000005 42 68690d0a".into())));
        let second = Channel { filter: 1, connection: 0 };
        let answer = Frame { code: b'c', payload: Vec::new() };
        assert_eq!(shown(Event::Received(second, answer)), Some(("2< continue".into(), "00000001 63".into())));
        assert_eq!(shown(Event::LinkClosed(second)), Some(("2> [close]".into(), String::new())));
    }
}
