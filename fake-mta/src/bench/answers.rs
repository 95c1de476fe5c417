//! Final answers out of a milter's stream, without a copy of any packet: the load must cost next to nothing.

use std::io;

use milter_proto::{codes, limits};

/// What came from a milter and was not looked at yet.
#[derive(Debug)]
pub(super) struct Answers {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// So much of the packet that is being read is still to come.
    rest: usize,
    /// Its code, if it is a final answer.
    code: Option<u8>,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; BUFFER].into(), start: 0, end: 0, rest: 0, code: None }
    }

    /// Where the next bytes go; never empty after [`next`](Self::next) gave `None`.
    pub(super) fn space(&mut self) -> &mut [u8] {
        &mut self.buffer[self.end..]
    }

    /// So many bytes were put there.
    pub(super) fn filled(&mut self, count: usize) {
        self.end = self.buffer.len().min(self.end + count);
    }

    /// The code of the next final answer that has come in full; edits and progress are passed over.
    pub(super) fn next(&mut self) -> io::Result<Option<u8>> {
        loop {
            let there = self.rest.min(self.end - self.start);
            self.start += there;
            self.rest -= there;
            if self.rest == 0
                && let Some(code) = self.code.take()
            {
                return Ok(Some(code));
            }
            if self.rest > 0 || !self.begin_packet()? {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
                return Ok(None);
            }
        }
    }

    /// Reads length and code, if they are there.
    fn begin_packet(&mut self) -> io::Result<bool> {
        let Some([a, b, c, d, code]) = self.buffer[self.start..self.end].first_chunk::<HEAD>().copied() else {
            return Ok(false);
        };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length == 0 || length > PACKET_MAX {
            return Err(io::Error::other(format!("the milter sent a packet of {length} bytes")));
        }
        self.start += HEAD;
        self.rest = length - 1;
        self.code = FINAL.contains(&code).then_some(code);
        Ok(true)
    }
}

/// What ends the wait for an answer.
pub(super) const FINAL: [u8; 9] = [
    codes::NEGOTIATE,
    codes::CONTINUE,
    codes::ACCEPT,
    codes::REJECT,
    codes::TEMPFAIL,
    codes::DISCARD,
    codes::REPLY_CODE,
    codes::SKIP,
    codes::SHUTDOWN,
];

/// The largest packet that a milter may send, with its code.
const PACKET_MAX: usize = limits::PAYLOAD_MAX_1M + 1;

/// Length and code.
const HEAD: usize = 5;

const BUFFER: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that is found when the stream comes in pieces of `size` bytes.
    fn found(stream: &[u8], size: usize) -> io::Result<Vec<u8>> {
        let mut answers = Answers::new();
        let mut codes = Vec::new();
        for piece in stream.chunks(size) {
            answers.space()[..piece.len()].copy_from_slice(piece);
            answers.filled(piece.len());
            while let Some(code) = answers.next()? {
                codes.push(code);
            }
        }
        Ok(codes)
    }

    #[test]
    fn answers_are_found_behind_edits_however_the_stream_is_cut() {
        let mut stream = b"\0\0\0\x01c\0\0\0\x01p\0\0\0\x07hX-A\0b\0\0\0\0\x0by550 5.7.1\0".to_vec();
        stream.extend_from_slice(b"\0\x01\0\0b");
        stream.extend(vec![b'c'; 0xffff]);
        stream.extend_from_slice(b"\0\0\0\x01a\0\0\0\x01");
        for size in [1, 2, 3, 5, 7, 4096, BUFFER - 4] {
            assert_eq!(found(&stream, size).expect("good packets"), b"cya", "pieces of {size}");
        }
    }

    #[test]
    fn an_answer_counts_when_all_of_it_has_come() {
        assert_eq!(found(b"\0\0\0\x0by550 5.7.", 64).expect("good so far"), b"");
    }

    #[test]
    fn lengths_that_make_no_sense_are_told() {
        assert!(found(b"\0\0\0\0c", 64).is_err());
        assert!(found(b"\xff\xff\xff\xffc", 64).is_err());
    }
}
