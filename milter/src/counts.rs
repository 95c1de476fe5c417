//! [`Monitor`]: what a server has done and has under way.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What a server did while it ran, and what it has under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Connections that were accepted.
    pub connections: u64,
    /// Connections that are open.
    pub connections_open: u64,
    /// Messages that came to their end.
    pub messages: u64,
    /// Messages that have begun and not ended.
    pub messages_open: u64,
    /// Panics in methods of filters.
    pub panics: u64,
    /// Methods of filters that took too long.
    pub timeouts: u64,
    /// Connections that were given up: broken protocol, broken sockets, silence.
    pub failures: u64,
    /// Connections that were cut when the grace period was over.
    pub cut: u64,
    /// Connections that were turned away because there were too many.
    pub connections_refused: u64,
    /// Messages that were turned away because there were too many.
    pub messages_refused: u64,
}

/// A view of a running server: what [`ServerOptions::monitor`](crate::ServerOptions::monitor) holds a clone of.
#[derive(Debug, Clone, Default)]
pub struct Monitor {
    pub(crate) counts: Arc<Counts>,
}

impl Monitor {
    /// What the server has done so far.
    pub fn summary(&self) -> Summary {
        let counts = &self.counts;
        Summary {
            connections: counts.connections.get(),
            connections_open: counts.connections_open.get(),
            messages: counts.messages.get(),
            messages_open: counts.messages_open.get(),
            panics: counts.panics.get(),
            timeouts: counts.timeouts.get(),
            failures: counts.failures.get(),
            cut: counts.cut.get(),
            connections_refused: counts.connections_refused.get(),
            messages_refused: counts.messages_refused.get(),
        }
    }
}

/// The same, still counting.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: Count,
    pub(crate) connections_open: Arc<Count>,
    pub(crate) messages: Count,
    pub(crate) messages_open: Arc<Count>,
    pub(crate) panics: Count,
    pub(crate) timeouts: Count,
    pub(crate) failures: Count,
    pub(crate) cut: Count,
    pub(crate) connections_refused: Count,
    pub(crate) messages_refused: Count,
}

/// A number that goes up, and down again where something ends.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds one and gives the new number.
    pub(crate) fn add(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Adds one for as long as the returned value lives.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        self.add();
        Held(self.clone())
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that is counted while this lives.
#[derive(Debug)]
pub(crate) struct Held(Arc<Count>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
