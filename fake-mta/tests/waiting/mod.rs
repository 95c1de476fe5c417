//! Waiting for what another process does.

use std::time::{Duration, Instant};

/// Waits until it holds; after a minute the test fails with what was waited for.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "waited a minute until {what}");
        std::thread::yield_now();
    }
}
