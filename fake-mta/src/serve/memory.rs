//! How much clients may leave unfinished.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What all sessions together keep of commands and messages that are not whole yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<AtomicUsize>);

/// What one session keeps.
#[derive(Debug)]
pub(super) struct Share {
    memory: Memory,
    bytes: usize,
}

impl Memory {
    /// The share of a session that keeps nothing yet.
    pub(super) fn share(&self) -> Share {
        Share { memory: self.clone(), bytes: 0 }
    }
}

impl Share {
    /// The session keeps so many bytes now; false if that, or what all sessions keep, is too much.
    pub(super) fn set(&mut self, bytes: usize) -> bool {
        let all = &self.memory.0;
        let before = all.fetch_add(bytes, Ordering::Relaxed);
        all.fetch_sub(self.bytes, Ordering::Relaxed);
        let others = before.saturating_sub(self.bytes);
        self.bytes = bytes;
        bytes <= SESSION_MAX && others.saturating_add(bytes) <= ALL_MAX
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The longest message, and the most that a client may send ahead, bytes.
const SESSION_MAX: usize = 64 << 20;

/// The most that all clients together may leave unfinished, bytes.
const ALL_MAX: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sessions_cannot_do_what_one_may_not() {
        let memory = Memory::default();
        let mut first = memory.share();
        assert!(first.set(SESSION_MAX) && !first.set(SESSION_MAX + 1) && first.set(SESSION_MAX));
        let mut shares: Vec<Share> = (0..4).map(|_| memory.share()).collect();
        let fits: Vec<bool> = shares.iter_mut().map(|share| share.set(SESSION_MAX)).collect();
        assert_eq!(fits, [true, true, true, false]);
        drop(first);
        assert!(shares[3].set(SESSION_MAX));
    }
}
