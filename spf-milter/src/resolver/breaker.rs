//! Whether a server is worth asking.

use std::time::Duration;

use tokio::time::Instant;

/// What is known of a server's health.
///
/// A server that did not answer is asked after the others for a while. When it did not answer several times in a row it
/// is to be probed: asked something that it must know. Time-outs alone prove nothing, as a recursive server is as silent
/// as the servers of the domain it is asked about, and anybody can send mail from such domains. A probe without an answer
/// does: then nothing is put to the server but further probes, until one is answered.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Tries without an answer, in a row.
    failures: u32,
    failures_max: u32,
    /// How long a server that did not answer comes last.
    pause: Duration,
    last_until: Option<Instant>,
    /// Whether somebody is probing.
    probed: bool,
    open: bool,
}

/// When a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// In its turn.
    First,
    /// After those that answer.
    Last,
    /// Not at all.
    Never,
}

impl Breaker {
    /// Makes the breaker of a server of which nothing is known; with `failures_max` 0 it never opens.
    pub(super) fn new(failures_max: u32, pause: Duration) -> Self {
        Self { failures: 0, failures_max, pause, last_until: None, probed: false, open: false }
    }

    /// When the server is asked.
    pub(super) fn turn(&self, now: Instant) -> Turn {
        match self.last_until {
            _ if self.open => Turn::Never,
            Some(until) if now < until => Turn::Last,
            _ => Turn::First,
        }
    }

    /// Notes that the server said something. Returns whether it was left alone until now.
    pub(super) fn answered(&mut self) -> bool {
        self.failures = 0;
        self.last_until = None;
        std::mem::replace(&mut self.open, false)
    }

    /// Notes that the server said nothing. Returns whether the caller has to probe it.
    pub(super) fn silent(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.last_until = Some(now + self.pause);
        let suspect = self.failures_max > 0 && self.failures >= self.failures_max;
        suspect && !std::mem::replace(&mut self.probed, true)
    }

    /// Notes that a probe was not answered. Returns whether the server is left alone from now on.
    pub(super) fn probe_failed(&mut self) -> bool {
        !std::mem::replace(&mut self.open, true)
    }

    /// Notes that a probe was answered, so that nobody probes any more. Returns whether the server was left alone until
    /// now.
    pub(super) fn probe_answered(&mut self) -> bool {
        self.probed = false;
        self.answered()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn a_server_that_did_not_answer_comes_last_for_a_while() {
        let (mut breaker, now) = (Breaker::new(3, PAUSE), Instant::now());
        assert_eq!(breaker.turn(now), Turn::First);
        assert!(!breaker.silent(now));
        assert_eq!((breaker.turn(now), breaker.turn(now + PAUSE)), (Turn::Last, Turn::First));
        assert!(!breaker.answered());
        assert_eq!(breaker.turn(now), Turn::First);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_alone_does_not_open_it_and_is_probed_once() {
        let (mut breaker, now) = (Breaker::new(3, PAUSE), Instant::now());
        let probes: Vec<_> = (0..5).map(|_| breaker.silent(now)).collect();
        assert_eq!(probes, [false, false, true, false, false]);
        assert_eq!(breaker.turn(now), Turn::Last);
        assert!(!breaker.probe_answered());
        assert_eq!(breaker.turn(now), Turn::First);
        // From the start: three more make it suspect again.
        let probes: Vec<_> = (0..3).map(|_| breaker.silent(now)).collect();
        assert_eq!(probes, [false, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_without_an_answer_opens_it_until_one_is_answered() {
        let (mut breaker, now) = (Breaker::new(1, PAUSE), Instant::now());
        assert!(breaker.silent(now));
        assert!(breaker.probe_failed());
        assert!(!breaker.probe_failed());
        assert_eq!(breaker.turn(now + PAUSE), Turn::Never);
        assert!(breaker.probe_answered());
        assert_eq!(breaker.turn(now), Turn::First);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_closes_it_as_well() {
        let (mut breaker, now) = (Breaker::new(1, PAUSE), Instant::now());
        assert!(breaker.silent(now) && breaker.probe_failed());
        assert!(breaker.answered());
        assert_eq!(breaker.turn(now), Turn::First);
        assert!(!breaker.silent(now), "it is still being probed");
    }

    #[tokio::test(start_paused = true)]
    async fn it_can_be_switched_off() {
        let (mut breaker, now) = (Breaker::new(0, PAUSE), Instant::now());
        assert!((0..100).all(|_| !breaker.silent(now)));
    }
}
