//! `--threshold 'p99<20ms'`: what a run has to come to.

use std::{fmt, str::FromStr};

use super::stats::Stats;
use crate::scenario::{Unknown, parse_duration};

/// A limit that a run must keep.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Threshold {
    metric: Metric,
    below: bool,
    /// In milliseconds, or a number.
    limit: f64,
    text: String,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Metric {
    /// The time of a whole message, in milliseconds, that so many percent keep.
    Percentile(f64),
    /// Messages a second.
    Rate,
    /// Messages that came to nothing.
    Errors,
}

impl Threshold {
    /// Whether a run keeps it, and what it came to.
    pub(super) fn check(&self, stats: &Stats) -> (bool, String) {
        let value = match self.metric {
            Metric::Percentile(percent) => stats.message_ms(percent),
            Metric::Rate => stats.rate(),
            #[expect(clippy::cast_precision_loss, reason = "nobody counts so many errors")]
            Metric::Errors => stats.errors as f64,
        };
        let kept = if self.below { value < self.limit } else { value > self.limit };
        let unit = if matches!(self.metric, Metric::Percentile(_)) { " ms" } else { "" };
        (kept, format!("{value:.3}{unit}"))
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let below = text.contains('<');
        let (name, value) = text
            .split_once(['<', '>'])
            .ok_or_else(|| "write it as `p99<20ms`, `rate>1000` or `errors<1`".to_owned())?;
        let (name, value) = (name.trim(), value.trim());
        let metric = metric(name)?;
        let limit = match metric {
            Metric::Percentile(_) => parse_duration(value)?.as_secs_f64() * 1000.0,
            Metric::Rate | Metric::Errors => value.parse().map_err(|_| format!("`{value}` is no number"))?,
        };
        Ok(Self { metric, below, limit, text: text.to_owned() })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn metric(name: &str) -> Result<Metric, String> {
    let percent = name.strip_prefix('p').and_then(|number| number.parse::<f64>().ok());
    match (name, percent.filter(|percent| (0.0..=100.0).contains(percent))) {
        (_, Some(percent)) => Ok(Metric::Percentile(percent)),
        ("max", _) => Ok(Metric::Percentile(100.0)),
        ("rate", _) => Ok(Metric::Rate),
        ("errors", _) => Ok(Metric::Errors),
        _ => {
            let unknown = Unknown::new("metric", name, ["p50", "p90", "p99", "p99.9", "max", "rate", "errors"]);
            Err(format!("{unknown}, {}", unknown.help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_names_a_metric_and_its_limit() {
        for text in ["p99<20ms", "p99.9 < 1s", "max<2s", "rate>1000", "errors<1"] {
            assert!(text.parse::<Threshold>().is_ok(), "{text}");
        }
        for text in ["p99", "p101<1s", "p99<20", "rate>x", "speed>1"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_kept_or_not() {
        let check = |text: &str| text.parse::<Threshold>().expect("a threshold").check(&Stats::default()).0;
        assert!(check("errors<1"));
        assert!(!check("rate>0"));
    }
}
