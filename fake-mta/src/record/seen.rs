//! What was seen of a connection while it lasted.

use std::{
    io::Write as _,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use milter_proto::{Frame, FrameDecoder, limits};

use super::{Entry, files::Numbers};
use crate::diag::escape;

/// A connection as it was seen.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pub(super) number: u32,
    pub(super) entries: Vec<Entry>,
    /// Why it ends before the connection did.
    pub(super) cut_off: Option<String>,
}

/// What is seen of one connection, from both directions.
#[derive(Clone)]
pub(super) struct Seen {
    state: Arc<Mutex<State>>,
    number: Number,
    quiet: bool,
}

#[derive(Default)]
struct State {
    recording: Recording,
    /// What the entries take in memory.
    bytes: usize,
}

impl Seen {
    pub(super) fn new(number: Number, quiet: bool) -> Self {
        Self { state: Arc::default(), number, quiet }
    }

    /// Reads what one side sends.
    pub(super) fn direction(&self, from_mta: bool) -> Direction {
        let payload_max = if from_mta { limits::PAYLOAD_MAX_1M } else { BYTES_MAX };
        Direction { decoder: FrameDecoder::new(payload_max), from_mta, is_readable: true, seen: self.clone() }
    }

    /// Nothing more is recorded of the connection.
    pub(super) fn cut_off(&self, reason: &str) {
        let mut state = self.lock();
        // Whoever has said nothing has no record that could be cut off.
        if !state.recording.entries.is_empty() && state.recording.cut_off.is_none() {
            state.recording.cut_off = Some(reason.to_owned());
            tell(self.number.get(), &format!("the recording ends here: {reason}"));
        }
    }

    /// All that was seen.
    pub(super) fn finish(&self) -> Recording {
        let mut recording = std::mem::take(&mut self.lock().recording);
        if !recording.entries.is_empty() {
            recording.number = self.number.get();
        }
        recording
    }

    fn note(&self, entry: Entry) {
        let mut state = self.lock();
        // Whoever only looked whether somebody listens has said nothing.
        let is_nothing = state.recording.entries.is_empty() && matches!(entry, Entry::Closed(_));
        if is_nothing || state.recording.cut_off.is_some() {
            return;
        }
        state.bytes += entry.size();
        if state.bytes > BYTES_MAX {
            drop(state);
            return self.cut_off(&format!("it holds {} MiB", BYTES_MAX >> 20));
        }
        if !self.quiet {
            tell(self.number.get(), &entry.line());
        }
        state.recording.entries.push(entry);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one side of a connection sends, cut into packets.
pub(super) struct Direction {
    decoder: FrameDecoder,
    from_mta: bool,
    /// What comes are packets: behind a length that makes no sense nothing is one any more.
    is_readable: bool,
    seen: Seen,
}

impl Direction {
    /// Takes bytes as they came.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if !self.is_readable {
            return self.seen.note(Entry::Raw(self.from_mta, bytes.to_vec()));
        }
        self.decoder.push(bytes);
        loop {
            match self.decoder.next() {
                Ok(Some(frame)) => self.packet(frame),
                Ok(None) => return,
                Err(_) => {
                    self.is_readable = false;
                    return self.rest();
                }
            }
        }
    }

    /// The side has closed: what is left is no whole packet.
    pub(super) fn end(&mut self) {
        if self.is_readable {
            self.rest();
        }
        self.seen.note(Entry::Closed(self.from_mta));
    }

    fn packet(&self, frame: Frame) {
        self.seen.note(if self.from_mta { Entry::Sent(frame) } else { Entry::Received(frame) });
    }

    fn rest(&self) {
        let rest = self.decoder.rest();
        if !rest.is_empty() {
            self.seen.note(Entry::Raw(self.from_mta, rest.to_vec()));
        }
    }
}

/// The number of a connection, which it gets when something is said of it.
#[derive(Clone)]
pub(super) struct Number {
    drawn: Arc<OnceLock<u32>>,
    numbers: Arc<Numbers>,
}

impl Number {
    pub(super) fn of(numbers: &Arc<Numbers>) -> Self {
        Self { drawn: Arc::default(), numbers: Arc::clone(numbers) }
    }

    pub(super) fn get(&self) -> u32 {
        *self.drawn.get_or_init(|| self.numbers.next())
    }
}

/// Many connections write at once; a reader that went away is no reason to stop.
pub(super) fn tell(number: u32, line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "[{number}] {}", escape(line));
}

/// So much of one connection is kept, bytes: one that is kept for ever must not fill the memory.
const BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        Seen::new(Number::of(&Arc::default()), true)
    }

    fn frame(code: u8, payload: &[u8]) -> Frame {
        Frame { code, payload: payload.to_vec() }
    }

    fn bytes(frame: &Frame) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        bytes
    }

    #[test]
    fn bytes_that_are_no_packet_are_kept_once_however_they_come() {
        let seen = seen();
        let mut milter = seen.direction(false);
        milter.take(&[&bytes(&frame(b'c', b""))[..], b"\0\0"].concat());
        milter.take(b"\0\0HTTP");
        milter.take(b"/1.0");
        milter.end();
        let mut mta = seen.direction(true);
        mta.take(&bytes(&frame(b'T', b""))[..4]);
        mta.end();
        let wanted = [
            Entry::Received(frame(b'c', b"")),
            Entry::Raw(false, b"\0\0\0\0HTTP".to_vec()),
            Entry::Raw(false, b"/1.0".to_vec()),
            Entry::Closed(false),
            Entry::Raw(true, b"\0\0\0\x01".to_vec()),
            Entry::Closed(true),
        ];
        assert_eq!(seen.finish().entries, wanted);
    }

    #[test]
    fn a_recording_ends_at_its_limit_and_says_so() {
        let seen = seen();
        let mut mta = seen.direction(true);
        let body = bytes(&frame(b'B', &vec![b'x'; 1 << 20]));
        for _ in 0..65 {
            mta.take(&body);
        }
        mta.end();
        let recording = seen.finish();
        assert_eq!((recording.entries.len(), recording.cut_off.as_deref()), (63, Some("it holds 64 MiB")));
    }
}
