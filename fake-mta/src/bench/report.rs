//! What came of a load, as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    html,
    stats::{PERCENTILES, Stats},
};
use crate::{diag::escape, scenario::Unknown};

/// What came of all milters.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The line that says how the load was put on.
    pub(super) about: String,
    /// Each milter with what it came to.
    pub(super) milters: Vec<(String, Stats)>,
    /// The second milter's messages a second, divided by the first one's, in each round.
    pub(super) ratios: Vec<f64>,
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
    Html,
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "html" => Ok(Self::Html),
            _ => {
                let unknown = Unknown::new("report", text, ["text", "json", "html"]);
                Err(format!("{unknown}, {}", unknown.help))
            }
        }
    }
}

pub(super) fn render(format: Format, outcome: &Outcome) -> String {
    match format {
        Format::Text => text(outcome),
        Format::Json => format!("{:#}\n", document(outcome)),
        Format::Html => html::render(outcome),
    }
}

/// The median of the ratios, the lowest and the highest.
pub(super) fn spread(ratios: &[f64]) -> Option<(f64, f64, f64)> {
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some((*sorted.get(sorted.len() / 2)?, *sorted.first()?, *sorted.last()?))
}

/// The ratio in words.
pub(super) fn ratio_line(outcome: &Outcome) -> Option<String> {
    let (median, low, high) = spread(&outcome.ratios)?;
    let [(first, _), (second, _)] = &outcome.milters[..] else { return None };
    let (first, second) = (escape(first), escape(second));
    Some(format!(
        "{second} does {median:.2} times the messages of {first} ({low:.2} to {high:.2} in {} rounds)",
        outcome.ratios.len()
    ))
}

fn text(outcome: &Outcome) -> String {
    let mut text = format!("{}\n", outcome.about);
    for (name, stats) in &outcome.milters {
        put(
            &mut text,
            format_args!(
                "\n{}: {} messages, {:.0} a second, {} errors\n",
                escape(name),
                stats.messages,
                stats.rate(),
                stats.errors
            ),
        );
        if stats.unlike > 0 {
            put(&mut text, format_args!("  {} answers were others when the load was recorded\n", stats.unlike));
        }
        if let Some(error) = &stats.first_error {
            put(&mut text, format_args!("  first error: {}\n", escape(error)));
        }
        put(&mut text, format_args!("  {:<10} {:>9}", "ms", "answers"));
        PERCENTILES.iter().for_each(|percent| put(&mut text, format_args!(" {:>9}", heading(*percent))));
        text.push('\n');
        for (stage, count, values) in stats.rows() {
            put(&mut text, format_args!("  {stage:<10} {count:>9}"));
            values.iter().for_each(|value| put(&mut text, format_args!(" {value:>9.3}")));
            text.push('\n');
        }
    }
    if let Some(line) = ratio_line(outcome) {
        put(&mut text, format_args!("\n{line}\n"));
    }
    text
}

/// `p99`, or `max`.
pub(super) fn heading(percent: f64) -> String {
    if percent >= 100.0 { "max".to_owned() } else { format!("p{percent}") }
}

fn document(outcome: &Outcome) -> Value {
    let milters: Vec<Value> = outcome.milters.iter().map(|(name, stats)| milter(name, stats)).collect();
    let ratio =
        spread(&outcome.ratios).map(|(median, low, high)| json!({ "median": median, "lowest": low, "highest": high }));
    json!({ "load": outcome.about, "milters": milters, "ratio": ratio })
}

fn milter(name: &str, stats: &Stats) -> Value {
    let stage = |(stage, count, values): (&str, u64, [f64; PERCENTILES.len()])| {
        let times = PERCENTILES.iter().zip(values).map(|(percent, value)| (heading(*percent), json!(value)));
        json!({ "stage": stage, "answers": count, "ms": serde_json::Map::from_iter(times) })
    };
    json!({
        "name": name,
        "messages": stats.messages,
        "errors": stats.errors,
        "unlike": stats.unlike,
        "first_error": stats.first_error,
        "elapsed_ms": u64::try_from(stats.elapsed.as_millis()).unwrap_or(u64::MAX),
        "messages_per_second": stats.rate(),
        "stages": stats.rows().into_iter().map(stage).collect::<Vec<_>>(),
    })
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_told_with_its_spread() {
        let milters = vec![("a".to_owned(), Stats::default()), ("b".to_owned(), Stats::default())];
        let outcome = Outcome { about: String::new(), milters, ratios: vec![2.0, 1.0, 4.0] };
        assert_eq!(
            ratio_line(&outcome).as_deref(),
            Some("b does 2.00 times the messages of a (1.00 to 4.00 in 3 rounds)")
        );
    }
}
