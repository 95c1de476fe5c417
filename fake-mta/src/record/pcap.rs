//! TCP streams out of a pcap file, as far as milter traffic needs it.

use std::collections::BTreeMap;

/// One end of a connection: address and port.
type End = (Vec<u8>, u16);

/// The two directions of one connection: first what the side that opened it sent.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) title: String,
    pub(super) from_client: Vec<u8>,
    pub(super) from_server: Vec<u8>,
}

/// One direction: pieces that came too early wait for what is between.
#[derive(Debug, Default)]
struct Direction {
    next: Option<u32>,
    early: BTreeMap<u32, Vec<u8>>,
    bytes: Vec<u8>,
}

impl Direction {
    fn push(&mut self, sequence: u32, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        self.next.get_or_insert(sequence);
        self.early.insert(sequence, piece.to_vec());
        while let Some(next) = self.next {
            // Sequence numbers go round: what lies behind `next` by less than half the circle has been here.
            let ready = self.early.iter().find_map(|(&start, piece)| {
                let behind = next.wrapping_sub(start);
                (behind < 1 << 31).then(|| (start, usize::try_from(behind).unwrap_or(usize::MAX), piece.len()))
            });
            let Some((start, skip, length)) = ready else { break };
            let piece = self.early.remove(&start).unwrap_or_default();
            if skip < length {
                self.bytes.extend_from_slice(&piece[skip..]);
                self.next = Some(next.wrapping_add(u32::try_from(length - skip).unwrap_or(0)));
            }
        }
    }
}

/// Whether these bytes are a pcap file.
pub(super) fn is_pcap(bytes: &[u8]) -> bool {
    bytes.get(..4).is_some_and(|magic| order(magic).is_some())
}

/// Reads all connections of a file.
///
/// # Errors
/// What kind of link it was taken from, if that is not known here.
pub(super) fn conversations(bytes: &[u8]) -> Result<Vec<Conversation>, String> {
    let is_big = bytes.get(..4).and_then(order).ok_or("no pcap file")?;
    let word = |at: usize| -> Option<u32> {
        let four = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    };
    let link = word(20).ok_or("a pcap file without a header")? & 0x0fff_ffff;
    let mut flows: Vec<((End, End), [Direction; 2])> = Vec::new();
    let mut at = 24;
    while let Some(length) = word(at + 8).and_then(|length| usize::try_from(length).ok()) {
        let Some(packet) = bytes.get(at + 16..).and_then(|rest| rest.get(..length)) else { break };
        at += 16 + length;
        let offset = match link {
            0 | 108 => 4,
            1 => 14,
            12 | 101 | 228 | 229 => 0,
            113 => 16,
            276 => 20,
            other => {
                return Err(format!(
                    "link type {other} is not known (Ethernet, Linux cooked, loopback and raw IP are)"
                ));
            }
        };
        let Some((source, target, sequence, syn, piece)) = packet.get(offset..).and_then(segment) else { continue };
        let known =
            flows.iter().position(|((a, b), _)| (a == &source && b == &target) || (a == &target && b == &source));
        // A new SYN between the same ports is a new connection.
        let index = match known.filter(|_| !syn) {
            Some(index) => index,
            None => {
                flows.insert(0, ((source.clone(), target.clone()), [Direction::default(), Direction::default()]));
                0
            }
        };
        let ((client, _), directions) = &mut flows[index];
        directions[usize::from(*client != source)].push(sequence, piece);
    }
    flows.reverse();
    Ok(flows
        .into_iter()
        .map(|((client, server), [from_client, from_server])| Conversation {
            title: format!("port {} to port {}", client.1, server.1),
            from_client: from_client.bytes,
            from_server: from_server.bytes,
        })
        .collect())
}

/// The byte order of a file, by its magic number; nanosecond files too.
fn order(magic: &[u8]) -> Option<bool> {
    match magic {
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => Some(true),
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => Some(false),
        _ => None,
    }
}

/// Source, target, sequence number, whether it opens a connection, and the bytes of a TCP segment in an IP packet.
fn segment(ip: &[u8]) -> Option<(End, End, u32, bool, &[u8])> {
    let (source, target, tcp) = match ip.first()? >> 4 {
        4 if ip.get(9) == Some(&6) => {
            let head = usize::from(ip[0] & 15) * 4;
            let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
            // Offloading leaves 0 there; padding of short frames is beyond it.
            let end = if total == 0 { ip.len() } else { total.min(ip.len()) };
            (ip.get(12..16)?, ip.get(16..20)?, ip.get(head..end)?)
        }
        6 if ip.get(6) == Some(&6) => {
            let length = usize::from(u16::from_be_bytes([*ip.get(4)?, *ip.get(5)?]));
            let end = if length == 0 { ip.len() } else { (40 + length).min(ip.len()) };
            (ip.get(8..24)?, ip.get(24..40)?, ip.get(40..end)?)
        }
        _ => return None,
    };
    let short = |at: usize| Some(u16::from_be_bytes([*tcp.get(at)?, *tcp.get(at + 1)?]));
    let sequence = u32::from_be_bytes(*tcp.get(4..)?.first_chunk::<4>()?);
    let flags = *tcp.get(13)?;
    let syn = flags & 0x12 == 0x02;
    // SYN takes a sequence number of its own.
    let sequence = if flags & 0x02 != 0 { sequence.wrapping_add(1) } else { sequence };
    let data = tcp.get(usize::from(tcp.get(12)? >> 4) * 4..)?;
    Some(((source.to_vec(), short(0)?), (target.to_vec(), short(2)?), sequence, syn, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_put_in_their_order_once_each_and_around_the_circle() {
        let mut direction = Direction::default();
        direction.push(u32::MAX - 1, b"ab");
        direction.push(2, b"ef");
        direction.push(u32::MAX - 1, b"ab");
        direction.push(u32::MAX, b"bcd");
        direction.push(3, b"fg");
        assert_eq!(direction.bytes, b"abcdefg");
    }

    #[test]
    fn a_file_that_is_cut_off_or_senseless_gives_what_it_has() {
        assert!(!is_pcap(b"{}"));
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1];
        file.resize(24, 0);
        file[20] = 1;
        assert_eq!(conversations(&file).map(|found| found.len()), Ok(0));
        file.extend_from_slice(&[0xff; 16]);
        assert_eq!(conversations(&file).map(|found| found.len()), Ok(0));
        file[20] = 200;
        assert!(conversations(&file).is_ok());
    }
}
