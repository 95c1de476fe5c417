//! What a server has done.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a server did while it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Connections that were accepted.
    pub connections: u64,
    /// Messages that came to their end.
    pub messages: u64,
    /// Panics in methods of filters.
    pub panics: u64,
    /// Methods of filters that took too long.
    pub timeouts: u64,
    /// Connections that were given up: broken protocol, broken sockets, silence.
    pub failures: u64,
    /// Connections that were cut when the grace period was over.
    pub cut: u64,
}

/// The same, still counting.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: Count,
    pub(crate) messages: Count,
    pub(crate) panics: Count,
    pub(crate) timeouts: Count,
    pub(crate) failures: Count,
    pub(crate) cut: Count,
}

/// A number that goes up.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Counts {
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            connections: self.connections.get(),
            messages: self.messages.get(),
            panics: self.panics.get(),
            timeouts: self.timeouts.get(),
            failures: self.failures.get(),
            cut: self.cut.get(),
        }
    }
}

impl Count {
    /// Adds one and gives the new number.
    pub(crate) fn add(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
