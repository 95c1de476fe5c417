//! The last lines that a process wrote.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    task::JoinHandle,
};

use crate::diag::escape;

/// Keeps the end of one or more output streams, in bounded memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl Tail {
    /// Reads a stream to its end in the background; only the last bytes of it are kept.
    pub(super) fn follow(&self, mut stream: impl AsyncRead + Send + Unpin + 'static) -> JoinHandle<()> {
        let tail = self.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 8192];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                tail.push(&buffer[..count]);
            }
        })
    }

    /// The last lines, escaped for a terminal.
    pub(super) fn lines(&self) -> Vec<String> {
        let bytes: Vec<u8> = self.lock().iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.len().saturating_sub(MAX_LINES);
        lines[first..].iter().map(|line| escape(line).into_owned()).collect()
    }

    fn push(&self, bytes: &[u8]) {
        let mut kept = self.lock();
        kept.extend(bytes);
        let excess = kept.len().saturating_sub(MAX_BYTES);
        kept.drain(..excess);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<u8>> {
        // A reader that panicked leaves bytes that are still good to show.
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So much of the output is kept.
const MAX_BYTES: usize = 64 * 1024;

/// So many lines of it are shown.
const MAX_LINES: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept_and_it_is_escaped() {
        let tail = Tail::default();
        for number in 0..20_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        tail.push(b"\x1b[31mred");
        let lines = tail.lines();
        assert_eq!((lines.len(), lines[28].as_str(), lines[29].as_str()), (30, "line 19999", "\\x1b[31mred"));
        assert!(tail.lock().len() <= MAX_BYTES);
    }
}
