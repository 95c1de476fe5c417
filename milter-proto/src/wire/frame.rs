//! Packets as they stand in the stream: length, code, payload.

use super::error::FrameError;

/// One packet: its code and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The code; see [`codes`](crate::codes).
    pub code: u8,
    /// Everything after the code.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Appends the packet to `out`: four bytes of length, the code, the payload.
    ///
    /// # Panics
    /// If the payload has 4 GiB or more.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_frame(out, self.code, |out| out.extend_from_slice(&self.payload));
    }
}

/// Writes a packet whose payload `fill` writes.
pub(super) fn put_frame(out: &mut Vec<u8>, code: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, code]);
    fill(out);
    let length = u32::try_from(out.len() - start - LENGTH_SIZE).expect("payloads are far below 4 GiB");
    out[start..start + LENGTH_SIZE].copy_from_slice(&length.to_be_bytes());
}

/// Cuts a stream of bytes into packets, however the bytes come.
///
/// Memory grows with what was pushed, not with what a length word declares. Whoever calls [`next`](Self::next) until
/// it gives `None` after every push never holds more than one packet and the last push.
#[derive(Debug, Clone)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    /// Where the next packet begins in the buffer.
    start: usize,
    length_max: usize,
}

impl FrameDecoder {
    /// A decoder for packets of up to `payload_max` bytes after the code.
    pub fn new(payload_max: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, length_max: payload_max.saturating_add(1) }
    }

    /// Changes the largest payload from the next packet on.
    pub fn set_payload_max(&mut self, payload_max: usize) {
        self.length_max = payload_max.saturating_add(1);
    }

    /// Takes bytes from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.compact();
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete packet; `None` until more bytes come.
    ///
    /// # Errors
    /// A length of 0 or above the limit. The error stays: nothing after it can be read.
    #[expect(clippy::should_implement_trait, reason = "None means `not yet` here, not the end")]
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let rest = &self.buffer[self.start..];
        let Some(word) = rest.first_chunk::<LENGTH_SIZE>() else { return Ok(None) };
        let length = self.checked_length(u32::from_be_bytes(*word))?;
        let Some(packet) = rest[LENGTH_SIZE..].get(..length) else { return Ok(None) };
        let frame = Frame { code: packet[0], payload: packet[1..].to_vec() };
        self.start += LENGTH_SIZE + length;
        Ok(Some(frame))
    }

    /// How many bytes of packets that were not taken yet are there: after `None`, those of an unfinished packet.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Those bytes: after an error, all that cannot be read.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn checked_length(&self, length: u32) -> Result<usize, FrameError> {
        let too_long = FrameError::TooLong { length, limit: self.length_max };
        match usize::try_from(length) {
            Ok(0) => Err(FrameError::Empty),
            Ok(bytes) if bytes <= self.length_max => Ok(bytes),
            _ => Err(too_long),
        }
    }

    /// Drops what was taken. Moving the rest to the front only once it is the smaller half keeps this linear.
    fn compact(&mut self) {
        if self.start >= self.buffer.len() - self.start {
            self.buffer.drain(..self.start);
            self.start = 0;
            if self.buffer.is_empty() {
                self.buffer.shrink_to(KEPT_BYTES);
            }
        }
    }
}

/// The size of the length word.
const LENGTH_SIZE: usize = 4;

/// The memory that an idle decoder keeps for the packets to come.
const KEPT_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        Frame { code, payload: payload.to_vec() }.encode(&mut bytes);
        bytes
    }

    #[test]
    fn a_length_of_zero_is_an_error_as_soon_as_it_is_read() {
        let mut decoder = FrameDecoder::new(10);
        decoder.push(&[0, 0, 0]);
        assert_eq!(decoder.next(), Ok(None));
        decoder.push(&[0]);
        assert_eq!(decoder.next(), Err(FrameError::Empty));
        assert_eq!(decoder.next(), Err(FrameError::Empty));
        assert_eq!(decoder.pending(), 4);
    }

    #[test]
    fn the_limit_is_that_of_the_payload() {
        let mut decoder = FrameDecoder::new(3);
        decoder.push(&packet(b'B', b"abc"));
        assert_eq!(decoder.next(), Ok(Some(Frame { code: b'B', payload: b"abc".to_vec() })));
        decoder.push(&packet(b'B', b"abcd")[..4]);
        assert_eq!(decoder.next(), Err(FrameError::TooLong { length: 5, limit: 4 }));
    }

    #[test]
    fn a_huge_length_takes_no_memory() {
        let mut decoder = FrameDecoder::new(usize::MAX);
        decoder.push(&[0xff, 0xff, 0xff, 0xff, b'y']);
        assert_eq!(decoder.next(), Ok(None));
        assert_eq!(decoder.pending(), 5);
        assert!(decoder.buffer.capacity() < 1024);
    }

    #[test]
    fn a_large_packet_may_come_byte_by_byte() {
        let bytes = packet(b'B', &vec![b'x'; 1 << 20]);
        let mut decoder = FrameDecoder::new(1 << 20);
        for byte in &bytes[..bytes.len() - 1] {
            decoder.push(&[*byte]);
            assert_eq!(decoder.next(), Ok(None));
        }
        decoder.push(&bytes[bytes.len() - 1..]);
        assert!(decoder.next().is_ok_and(|frame| frame.is_some_and(|frame| frame.payload.len() == 1 << 20)));
    }

    #[test]
    fn many_packets_of_one_push_and_what_follows_them_are_kept() {
        let mut decoder = FrameDecoder::new(10);
        let mut stream = packet(b'c', b"").repeat(1000);
        stream.extend_from_slice(&[0, 0]);
        decoder.push(&stream);
        for _ in 0..1000 {
            assert_eq!(decoder.next(), Ok(Some(Frame { code: b'c', payload: Vec::new() })));
        }
        assert_eq!((decoder.next(), decoder.pending(), decoder.rest()), (Ok(None), 2, &[0, 0][..]));
        decoder.push(&[0, 1, b'a']);
        assert_eq!(decoder.next(), Ok(Some(Frame { code: b'a', payload: Vec::new() })));
        decoder.push(&[]);
        assert!(decoder.buffer.capacity() <= 2 * KEPT_BYTES);
    }
}
