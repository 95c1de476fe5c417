//! The text format that Prometheus reads.

use std::fmt::{self, Write as _};

use super::value::Histogram;

/// What kind of numbers a family holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow; the name ends in `_total`.
    Counter,
    /// They go up and down.
    Gauge,
    /// Times by bounds; the name ends in `_seconds`.
    Histogram,
}

/// Text of the Prometheus exposition format 0.0.4 under construction: families of numbers that differ in their labels.
#[derive(Debug, Default)]
pub struct MetricsText {
    text: String,
    /// The name of the family that samples belong to.
    family: &'static str,
}

impl MetricsText {
    /// What an HTTP answer with such a text gives as its type.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Opens a family: the samples that follow belong to it. `help` is one line that says what is counted.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.family = name;
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// A number of the family.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        self.line("", labels, None, format_args!("{value}"));
    }

    /// The times of the family.
    pub fn times(&mut self, labels: &[(&str, &str)], times: &Histogram) {
        // The last bucket is read after the others: it must not be less than they are.
        for (bound, count) in times.cumulative() {
            self.line("_bucket", labels, Some(&bound.as_secs_f64().to_string()), format_args!("{count}"));
        }
        let count = times.count();
        self.line("_bucket", labels, Some("+Inf"), format_args!("{count}"));
        self.line("_sum", labels, None, format_args!("{}", times.sum().as_secs_f64()));
        self.line("_count", labels, None, format_args!("{count}"));
    }

    /// The text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<&str>, value: fmt::Arguments<'_>) {
        let labels = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let labels: Vec<_> = labels.map(|(name, value)| format!("{name}=\"{}\"", Escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let family = self.family;
        self.push(format_args!("{family}{suffix}{labels} {value}\n"));
    }

    fn push(&mut self, text: fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("writing to a string cannot fail");
    }
}

/// The value of a label with the three characters escaped that would end it.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_forms_of_a_family() {
        let mut text = MetricsText::default();
        text.family("a_total", Kind::Counter, "Things that were counted.");
        text.sample(&[], 3);
        text.sample(&[("kind", "x"), ("name", "a\"b\\c\nd")], 4);
        text.family("b_seconds", Kind::Histogram, "Times.");
        let times = Histogram::default();
        times.observe(Duration::from_millis(3));
        times.observe(Duration::from_secs(30));
        text.times(&[("server", "192.0.2.1:53")], &times);
        insta::assert_snapshot!(text.into_string());
    }
}
