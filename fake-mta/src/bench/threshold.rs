//! `--threshold 'p99<20ms'`: what a run has to come to.

use std::{fmt, str::FromStr};

use milter_proto::codes;

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
    /// The time, in milliseconds, that so many percent keep: of whole messages, or of the answers to a command.
    Percentile(Option<u8>, f64),
    /// Messages a second.
    Rate,
    /// Messages that came to nothing.
    Errors,
}

/// What a run came to at a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Checked {
    /// Whether it is kept. What nothing is known of is not.
    pub(super) kept: bool,
    /// In milliseconds, or a number; `None` if no answer came.
    pub(super) value: Option<f64>,
    unit: &'static str,
}

impl Threshold {
    /// Whether a run keeps it, and what it came to.
    pub(super) fn check(&self, stats: &Stats) -> Checked {
        let (value, unit) = match self.metric {
            Metric::Percentile(stage, percent) => (stats.ms(stage, percent), " ms"),
            Metric::Rate => (Some(stats.rate()), ""),
            #[expect(clippy::cast_precision_loss, reason = "nobody counts so many errors")]
            Metric::Errors => (Some(stats.errors as f64), ""),
        };
        let keeps = |value: f64| if self.below { value < self.limit } else { value > self.limit };
        Checked { kept: value.is_some_and(keeps), value, unit }
    }

    /// Whether it says how many errors there may be.
    pub(super) fn is_about_errors(&self) -> bool {
        self.metric == Metric::Errors
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.kept { "kept" } else { "NOT KEPT" };
        match self.value {
            Some(value) => write!(f, "{word}, {value:.3}{}", self.unit),
            None => write!(f, "{word}, no answer came"),
        }
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let below = text.contains('<');
        let (name, value) = text
            .split_once(['<', '>'])
            .ok_or_else(|| "write it as `p99<20ms`, `eom.p99<20ms`, `rate>1000` or `errors<1`".to_owned())?;
        let (name, value) = (name.trim(), value.trim());
        let metric = metric(name)?;
        let limit = match metric {
            Metric::Percentile(..) => milliseconds(value)?,
            Metric::Rate | Metric::Errors => number(value)?,
        };
        Ok(Self { metric, below, limit, text: text.to_owned() })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A time; a milter on the same machine may answer in less than a millisecond: `500us`, `0.5ms`.
fn milliseconds(text: &str) -> Result<f64, String> {
    let short = [("us", 0.001), ("ms", 1.0)].into_iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, ms)));
    match short.and_then(|(count, ms)| Some(count.trim_end().parse::<f64>().ok()? * ms)) {
        Some(ms) if ms.is_finite() && ms >= 0.0 => Ok(ms),
        _ => Ok(parse_duration(text)?.as_secs_f64() * 1000.0),
    }
}

/// `p99`, `max`, `rate`, `errors`; the first two also of one stage, as in `eom.p99`.
fn metric(name: &str) -> Result<Metric, String> {
    if let Some(percent) = percent(name) {
        return Ok(Metric::Percentile(None, percent));
    }
    let of_stage = name.split_once('.').and_then(|(stage, rest)| Some((stage, percent(rest)?)));
    match (name, of_stage) {
        (_, Some((stage, percent))) => Ok(Metric::Percentile(Some(stage_code(stage)?), percent)),
        ("rate", _) => Ok(Metric::Rate),
        ("errors", _) => Ok(Metric::Errors),
        _ => Err(told(&Unknown::new("metric", name, ["p50", "p90", "p99", "p99.9", "max", "rate", "errors"]))),
    }
}

fn percent(name: &str) -> Option<f64> {
    if name == "max" {
        return Some(100.0);
    }
    let number = name.strip_prefix('p').and_then(|number| number.parse::<f64>().ok());
    number.filter(|percent| (0.0..=100.0).contains(percent))
}

fn stage_code(word: &str) -> Result<u8, String> {
    let code = codes::STAGES.into_iter().find(|(_, known)| *known == word).map(|(code, _)| code);
    code.ok_or_else(|| told(&Unknown::new("stage", word, codes::STAGES.map(|(_, known)| known))))
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("`{text}` is no number"))
}

fn told(unknown: &Unknown) -> String {
    format!("{unknown}, {}", unknown.help)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_threshold_names_a_metric_and_its_limit() {
        for text in
            ["p99<20ms", "p99.9 < 1s", "max<2s", "rate>1000", "errors<1", "eom.p99.9<20ms", "mail.max<1s", "p50<500us"]
        {
            assert!(text.parse::<Threshold>().is_ok(), "{text}");
        }
        for text in [
            "p99",
            "p101<1s",
            "p99<20",
            "p99<xus",
            "p99<-1ms",
            "p99<infms",
            "rate>x",
            "rate>inf",
            "speed>1",
            "eon.p99<1s",
            "eom.rate>1",
        ] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }

    fn check(text: &str, stats: &Stats) -> String {
        text.parse::<Threshold>().expect("a threshold").check(stats).to_string()
    }

    #[test]
    fn it_is_kept_or_not() {
        let mut stats = Stats::default();
        stats.done(Duration::from_millis(4));
        stats.answered(codes::BODY_EOB, Duration::from_millis(2));
        assert_eq!(check("errors<1", &stats), "kept, 0.000");
        assert_eq!(check("rate>0", &stats), "NOT KEPT, 0.000");
        assert!(check("max<3ms", &stats).starts_with("NOT KEPT, 4.0"));
        assert!(check("eom.max<3ms", &stats).starts_with("kept, 2.0"));
        assert!(
            check("eom.max<1999us", &stats).starts_with("NOT KEPT")
                && check("eom.max<2.01ms", &stats).starts_with("kept")
        );
    }

    #[test]
    fn what_no_answer_came_for_is_not_kept() {
        assert_eq!(check("p99<20ms", &Stats::default()), "NOT KEPT, no answer came");
        assert_eq!(check("eom.p99>1ms", &Stats::default()), "NOT KEPT, no answer came");
    }
}
