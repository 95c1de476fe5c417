//! Latencies by stage.

use std::time::Duration;

use hdrhistogram::Histogram;
use milter_proto::codes;

/// What a run came to.
#[derive(Clone, Debug)]
pub(super) struct Stats {
    /// Messages that came to their end.
    pub(super) messages: u64,
    /// Messages that did not: the milter closed, was silent, sent what is no answer, or left no time to send them.
    pub(super) errors: u64,
    /// Those of them that were due and never sent.
    pub(super) not_sent: u64,
    /// The rate of an open loop was not reached.
    pub(super) behind: bool,
    /// Answers that were others when the load was recorded.
    pub(super) unlike: u64,
    /// What went wrong first.
    pub(super) first_error: Option<String>,
    /// How long it was sent.
    pub(super) elapsed: Duration,
    /// The time of each whole message; in an open loop from when it was due.
    message: Histogram<u64>,
    stages: Vec<(u8, Histogram<u64>)>,
}

impl Default for Stats {
    fn default() -> Self {
        let stages = codes::STAGES.iter().map(|(code, _)| (*code, histogram())).collect();
        Self {
            messages: 0,
            errors: 0,
            not_sent: 0,
            behind: false,
            unlike: 0,
            first_error: None,
            elapsed: Duration::ZERO,
            message: histogram(),
            stages,
        }
    }
}

impl Stats {
    /// The answer to a command came after so long.
    pub(super) fn answered(&mut self, code: u8, time: Duration) {
        if let Some((_, histogram)) = self.stages.iter_mut().find(|(known, _)| *known == code) {
            histogram.saturating_record(micros(time));
        }
    }

    /// A message came to its end after so long.
    pub(super) fn done(&mut self, time: Duration) {
        self.messages += 1;
        self.message.saturating_record(micros(time));
    }

    /// So many messages came to nothing.
    pub(super) fn failed(&mut self, count: u64, why: impl FnOnce() -> String) {
        self.errors += count;
        self.first_error.get_or_insert_with(why);
    }

    /// So many messages were due, and the connections had no time for them.
    pub(super) fn not_sent(&mut self, count: u64) {
        self.not_sent += count;
        self.failed(count, || "the message was due and could not be sent in time".to_owned());
    }

    /// Adds what others measured, at the same time or another.
    pub(super) fn merge(&mut self, other: &Self) {
        self.messages += other.messages;
        self.errors += other.errors;
        self.not_sent += other.not_sent;
        self.behind |= other.behind;
        self.unlike += other.unlike;
        self.first_error = self.first_error.take().or_else(|| other.first_error.clone());
        // All have the same bounds, so that nothing can be lost.
        let _ = self.message.add(&other.message);
        for ((_, mine), (_, theirs)) in self.stages.iter_mut().zip(&other.stages) {
            let _ = mine.add(theirs);
        }
    }

    /// Messages a second.
    #[expect(clippy::cast_precision_loss, reason = "a count of messages is far below 2^52")]
    pub(super) fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.messages as f64 / seconds } else { 0.0 }
    }

    /// The time that so many percent of the messages keep, or of the answers to a command; `None` if there are none.
    pub(super) fn ms(&self, stage: Option<u8>, percent: f64) -> Option<f64> {
        let histogram = match stage {
            None => Some(&self.message),
            Some(code) => self.stages.iter().find(|(known, _)| *known == code).map(|(_, histogram)| histogram),
        };
        let histogram = histogram.filter(|histogram| !histogram.is_empty())?;
        Some(ms(histogram.value_at_percentile(percent)))
    }

    /// The rows of the table: the whole message, and every stage that was answered.
    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |stage, histogram: &Histogram<u64>| Row {
            stage,
            answers: histogram.len(),
            mean_ms: histogram.mean() / US_PER_MS,
            ms: PERCENTILES.map(|percent| ms(histogram.value_at_percentile(percent))),
        };
        let name = |code: u8| codes::stage(code).unwrap_or_default();
        let stages = self.stages.iter().filter(|(_, histogram)| !histogram.is_empty());
        std::iter::once(row("message", &self.message))
            .chain(stages.map(|(code, histogram)| row(name(*code), histogram)))
            .collect()
    }
}

/// The times of a stage.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its word; `message` is all of it.
    pub(super) stage: &'static str,
    /// How many answers came.
    pub(super) answers: u64,
    /// Their mean.
    pub(super) mean_ms: f64,
    /// Milliseconds at [`PERCENTILES`].
    pub(super) ms: [f64; PERCENTILES.len()],
}

/// What is shown of each stage, in percent.
pub(super) const PERCENTILES: [f64; 6] = [50.0, 90.0, 99.0, 99.9, 99.99, 100.0];

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect("the bounds are in order")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[expect(clippy::cast_precision_loss, reason = "a time in microseconds is far below 2^52")]
fn ms(micros: u64) -> f64 {
    micros as f64 / US_PER_MS
}

/// Microseconds.
const US_PER_MS: f64 = 1000.0;

/// Ten minutes; whatever takes longer counts as that.
const LONGEST_US: u64 = 600_000_000;
const DIGITS: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_measured_is_one() {
        let (mut one, mut other) = (Stats::default(), Stats::default());
        one.done(Duration::from_millis(1));
        other.done(Duration::from_millis(3));
        other.answered(codes::MAIL, Duration::from_micros(10));
        other.failed(1, || "why".to_owned());
        one.merge(&other);
        let rows = one.rows();
        assert_eq!((one.messages, one.errors, one.first_error.as_deref()), (2, 1, Some("why")));
        assert_eq!((rows.len(), rows[1].stage, rows[1].answers), (2, "mail", 1));
        assert!(one.ms(None, 100.0).is_some_and(|ms| (ms - 3.0).abs() < 0.01), "{:?}", one.ms(None, 100.0));
        assert_eq!(one.ms(Some(codes::RCPT), 100.0), None);
    }
}
