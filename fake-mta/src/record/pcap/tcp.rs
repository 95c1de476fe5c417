//! Segments of TCP, and the stream that those of one direction make.

use std::{collections::BTreeMap, net::SocketAddr};

use super::{file::Packet, socket_addr};

/// A segment.
#[derive(Debug)]
pub(super) struct Segment<'a> {
    pub(super) source: SocketAddr,
    pub(super) target: SocketAddr,
    /// The number of its first byte.
    pub(super) sequence: u32,
    /// It opens a connection.
    pub(super) opens: bool,
    /// It agrees to one.
    pub(super) answers_open: bool,
    pub(super) data: &'a [u8],
    /// Bytes that were sent behind those, and not captured.
    cut_off: usize,
}

/// The segment in a packet of IP, if there is one.
pub(super) fn segment<'a>(packet: &Packet<'a>) -> Option<Segment<'a>> {
    let ip = packet.ip;
    let (source, target, tcp, length) = match ip.first()? >> 4 {
        4 if ip.get(9) == Some(&6) => {
            let head = usize::from(ip[0] & 15) * 4;
            let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
            // Offloading leaves 0 there; padding of short frames is beyond it.
            let end = if total == 0 { ip.len() } else { total };
            (ip.get(12..16)?, ip.get(16..20)?, ip.get(head..end.min(ip.len()))?, end.checked_sub(head)?)
        }
        6 if ip.get(6) == Some(&6) => {
            let length = usize::from(u16::from_be_bytes([*ip.get(4)?, *ip.get(5)?]));
            let end = if length == 0 { ip.len() } else { 40 + length };
            (ip.get(8..24)?, ip.get(24..40)?, ip.get(40..end.min(ip.len()))?, end.checked_sub(40)?)
        }
        _ => return None,
    };
    let short = |at: usize| Some(u16::from_be_bytes([*tcp.get(at)?, *tcp.get(at + 1)?]));
    let sequence = u32::from_be_bytes(*tcp.get(4..)?.first_chunk::<4>()?);
    let flags = *tcp.get(13)?;
    let data = tcp.get(usize::from(tcp.get(12)? >> 4) * 4..)?;
    Some(Segment {
        source: socket_addr(source, short(0)?)?,
        target: socket_addr(target, short(2)?)?,
        // SYN takes a sequence number of its own.
        sequence: if flags & 0x02 != 0 { sequence.wrapping_add(1) } else { sequence },
        opens: flags & 0x12 == 0x02,
        answers_open: flags & 0x12 == 0x12,
        data,
        cut_off: length.saturating_sub(tcp.len()),
    })
}

/// What one side sent, put together.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) bytes: Vec<u8>,
    /// How many bytes were not captured; zeros stand for them.
    pub(crate) missing: usize,
    /// How long the stream was when which packet had been taken, and its time.
    marks: Vec<(usize, Mark)>,
    /// The sequence number that the stream goes on with.
    next: Option<u32>,
    /// Pieces that came too early wait for what is between, by their places in the stream.
    early: BTreeMap<usize, (Vec<u8>, Mark)>,
    early_bytes: usize,
}

/// A packet of the file: its number, and its time in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Mark {
    pub(crate) number: usize,
    pub(crate) time: u64,
}

impl Stream {
    pub(super) fn push(&mut self, segment: &Segment<'_>, number: usize, time: u64) {
        let is_empty = segment.data.is_empty() && segment.cut_off == 0;
        if is_empty && !segment.opens && !segment.answers_open {
            return;
        }
        let next = *self.next.get_or_insert(segment.sequence);
        if is_empty {
            return;
        }
        // Sequence numbers go round: what lies behind by less than half the circle has been here.
        let ahead = segment.sequence.wrapping_sub(next);
        let mark = Mark { number, time };
        if ahead < 1 << 31 {
            let place = self.bytes.len() + usize::try_from(ahead).unwrap_or(usize::MAX);
            self.wait(place, segment.data, mark);
        } else {
            let skip = usize::try_from(next.wrapping_sub(segment.sequence)).unwrap_or(usize::MAX);
            self.wait(self.bytes.len(), segment.data.get(skip..).unwrap_or_default(), mark);
        }
        self.advance(mark);
        if self.early_bytes > EARLY_MAX {
            self.fill_gap(mark);
        }
    }

    fn wait(&mut self, place: usize, data: &[u8], mark: Mark) {
        let known = self.early.get(&place).map_or(0, |(data, _)| data.len());
        if data.len() > known {
            self.early_bytes += data.len() - known;
            self.early.insert(place, (data.to_vec(), mark));
        }
    }

    /// Takes the pieces whose turn it is; `mark` is the packet that made it theirs.
    fn advance(&mut self, mark: Mark) {
        while let Some(entry) = self.early.first_entry().filter(|entry| *entry.key() <= self.bytes.len()) {
            let (place, (data, _)) = entry.remove_entry();
            self.early_bytes -= data.len();
            let new = data.get(self.bytes.len() - place..).unwrap_or_default();
            self.extend(new, mark);
        }
    }

    fn extend(&mut self, new: &[u8], mark: Mark) {
        if !new.is_empty() {
            self.bytes.extend_from_slice(new);
            self.next = self.next.map(|next| next.wrapping_add(u32::try_from(new.len()).unwrap_or(0)));
            self.marks.push((self.bytes.len(), mark));
        }
    }

    /// What is between was not captured.
    fn fill_gap(&mut self, mark: Mark) {
        let Some((&place, (_, of_piece))) = self.early.first_key_value() else { return };
        let (gap, of_piece) = (place - self.bytes.len(), *of_piece);
        self.missing += gap;
        // Whole packets of the protocol are smaller than this; no more is made up.
        self.extend(&vec![0; gap.min(GAP_MAX)], of_piece);
        if gap > GAP_MAX {
            let skipped = gap - GAP_MAX;
            self.next = self.next.map(|next| next.wrapping_add(u32::try_from(skipped).unwrap_or(0)));
            self.early = std::mem::take(&mut self.early).into_iter().map(|(at, piece)| (at - skipped, piece)).collect();
        }
        self.advance(mark.min(of_piece));
    }

    /// Nothing more comes: what is still missing was not captured.
    pub(super) fn finish(&mut self) {
        while let Some((_, (_, mark))) = self.early.first_key_value() {
            let mark = *mark;
            self.fill_gap(mark);
        }
    }

    /// Which packet brought the last of so many bytes.
    pub(crate) fn mark(&self, length: usize) -> Mark {
        let index = self.marks.partition_point(|(reached, _)| *reached < length);
        self.marks.get(index).map_or_else(Mark::default, |(_, mark)| *mark)
    }
}

/// So much waits for what is between, bytes.
const EARLY_MAX: usize = 16 << 20;

/// So much of a gap is filled, bytes.
const GAP_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn push(stream: &mut Stream, sequence: u32, data: &[u8]) {
        let end = SocketAddr::from(([127, 0, 0, 1], 1));
        let opens = data.is_empty();
        let segment = Segment { source: end, target: end, sequence, opens, answers_open: false, data, cut_off: 0 };
        stream.push(&segment, stream.marks.len() + 1, 0);
    }

    #[test]
    fn pieces_are_put_in_their_order_once_each_and_around_the_circle() {
        let mut stream = Stream::default();
        for (sequence, data) in [
            (u32::MAX - 1, &b""[..]),
            (2, b"ef"),
            (u32::MAX - 1, b"ab"),
            (u32::MAX - 1, b"ab"),
            (u32::MAX, b"bcd"),
            (3, b"fg"),
        ] {
            push(&mut stream, sequence, data);
        }
        stream.finish();
        assert_eq!((stream.bytes.as_slice(), stream.missing), (&b"abcdefg"[..], 0));
        assert_eq!([stream.mark(1).number, stream.mark(3).number, stream.mark(7).number], [1, 2, 4]);
    }

    #[test]
    fn what_was_not_captured_is_counted_and_zeros_stand_for_it() {
        let mut stream = Stream::default();
        push(&mut stream, 10, b"ab");
        push(&mut stream, 15, b"fg");
        push(&mut stream, 13, b"d");
        stream.finish();
        assert_eq!((stream.bytes.as_slice(), stream.missing), (&b"ab\0d\0fg"[..], 2));
    }

    #[test]
    fn a_gap_that_is_never_filled_holds_back_so_much_and_no_more() {
        let mut stream = Stream::default();
        push(&mut stream, 0, b"a");
        let piece = vec![b'x'; 1 << 16];
        for number in 0..512 {
            push(&mut stream, 2 + number * (1 << 16), &piece);
        }
        assert!(stream.bytes.len() > 16 << 20 && stream.early_bytes <= EARLY_MAX, "{}", stream.bytes.len());
    }
}
