//! Numbers that many threads change at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Sets the number.
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// Adds one.
    pub fn inc(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one away; at 0 it stays there.
    pub fn dec(&self) {
        let less = |n: u64| Some(n.saturating_sub(1));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many times something took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    /// By bound; those above all bounds come last.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Notes a time.
    pub fn observe(&self, time: Duration) {
        let bucket = BOUNDS.iter().position(|bound| time <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many times were noted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_us.load(Ordering::Relaxed))
    }

    /// Each bound, and how many times did not exceed it.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut total = 0;
        BOUNDS.iter().zip(&self.buckets).map(move |(bound, bucket)| {
            total += bucket.load(Ordering::Relaxed);
            (*bound, total)
        })
    }
}

/// The upper bounds: from an answer out of the cache to the longest budget.
const BOUNDS: [Duration; 12] = [
    Duration::from_micros(100),
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(20),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_does_not_go_below_zero() {
        let gauge = Gauge::default();
        gauge.dec();
        gauge.inc();
        gauge.inc();
        gauge.dec();
        assert_eq!(gauge.get(), 1);
    }

    #[test]
    fn times_are_counted_at_their_bound_and_above_all_of_them() {
        let histogram = Histogram::default();
        for ms in [1, 2, 60_000] {
            histogram.observe(Duration::from_millis(ms));
        }
        let bounds: Vec<_> = histogram.cumulative().map(|(_, count)| count).collect();
        assert_eq!(bounds, [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!((histogram.count(), histogram.sum()), (3, Duration::from_millis(60_003)));
    }
}
