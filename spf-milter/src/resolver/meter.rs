//! What one event of the MTA cost in DNS.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// What the DNS cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsCost {
    /// Questions asked.
    pub questions: u32,
    /// Those of them that the cache could answer.
    pub cached: u32,
    /// The time that was spent waiting for answers.
    pub time: Duration,
    /// Whether a question came to nothing as no name server answers at all.
    pub outage: bool,
}

/// Adds up what the questions of one event cost.
#[derive(Debug, Default)]
pub(super) struct Meter {
    questions: AtomicU32,
    cached: AtomicU32,
    time_us: AtomicU64,
    outage: AtomicBool,
}

impl Meter {
    /// Notes a question and the time until its answer.
    pub(super) fn asked(&self, time: Duration) {
        self.questions.fetch_add(1, Ordering::Relaxed);
        self.time_us.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Notes that the cache had the answer.
    pub(super) fn cached(&self) {
        self.cached.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that no name server answers.
    pub(super) fn outage(&self) {
        self.outage.store(true, Ordering::Relaxed);
    }

    /// What it came to so far.
    pub(super) fn cost(&self) -> DnsCost {
        DnsCost {
            questions: self.questions.load(Ordering::Relaxed),
            cached: self.cached.load(Ordering::Relaxed),
            time: Duration::from_micros(self.time_us.load(Ordering::Relaxed)),
            outage: self.outage.load(Ordering::Relaxed),
        }
    }
}
