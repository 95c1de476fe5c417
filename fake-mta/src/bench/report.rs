//! What came of a load, as text and as JSON.

use serde_json::{Map, Value, json};

use super::{
    html,
    load::{End, Shape},
    stats::{PERCENTILES, Row, Stats},
    threshold::Threshold,
};
use crate::{
    diag::escape,
    report::{Formats, text::put},
    run::{Fatal, duration_text},
};

/// What came of all milters.
#[derive(Debug)]
pub(super) struct Outcome {
    /// What the load is called.
    pub(super) name: String,
    /// The scenarios whose packets are the load.
    pub(super) scenarios: Vec<Scenario>,
    /// How the load was put on, all rounds together.
    pub(super) shape: Shape,
    /// Each milter with what it came to.
    pub(super) milters: Vec<Figures>,
    /// Why it was not put on to its end.
    pub(super) broken_off: Option<Fatal>,
}

/// A scenario whose packets are sent.
#[derive(Debug)]
pub(super) struct Scenario {
    /// The name of the run, with its profile.
    pub(super) name: String,
    /// The profile.
    pub(super) profile: String,
}

/// What one milter came to.
#[derive(Debug)]
pub(super) struct Figures {
    /// Its name.
    pub(super) name: String,
    /// Which of the sessions it lets come to no end of a message.
    pub(super) cut_short: Option<String>,
    /// All rounds together.
    pub(super) total: Stats,
    /// Each round.
    pub(super) rounds: Vec<Round>,
}

/// What one round came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Round {
    pub(super) messages: u64,
    pub(super) errors: u64,
    pub(super) per_second: f64,
}

impl Figures {
    /// Nothing yet.
    pub(super) fn new(name: &str, cut_short: Option<String>) -> Self {
        Self { name: name.to_owned(), cut_short, total: Stats::default(), rounds: Vec::new() }
    }

    /// Adds another round.
    pub(super) fn add(&mut self, stats: &Stats) {
        self.rounds.push(Round { messages: stats.messages, errors: stats.errors, per_second: stats.rate() });
        self.total.merge(stats);
        self.total.elapsed += stats.elapsed;
    }
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
    Html,
}

impl Formats for Format {
    const ALL: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json), ("html", Self::Html)];
}

pub(super) fn render(format: Format, outcome: &Outcome, thresholds: &[Threshold]) -> String {
    match format {
        Format::Text => text(outcome),
        Format::Json => format!("{:#}\n", document(outcome, thresholds)),
        Format::Html => html::render(outcome),
    }
}

/// How the load was put on, in a line.
pub(super) fn about(outcome: &Outcome) -> String {
    let Shape { rate, ahead, end, connections, reuse, .. } = outcome.shape;
    let loop_kind = match rate {
        Some(rate) => format!("open loop, {rate} messages a second"),
        None if ahead > 0 => format!("{ahead} messages ahead"),
        None => "closed loop".to_owned(),
    };
    let size = match end {
        End::After(time) => duration_text(time),
        End::Messages(count) => format!("{count} messages"),
    };
    let name = escape(&outcome.name);
    format!("{name}: {loop_kind}, {connections} connections, {reuse} messages on each, {size}")
}

/// What else there is to say of a milter's figures.
pub(super) fn remarks(outcome: &Outcome, figures: &Figures) -> Vec<String> {
    let stats = &figures.total;
    let mut lines: Vec<String> = figures.cut_short.iter().cloned().collect();
    if let Some(rate) = outcome.shape.rate.filter(|_| stats.behind) {
        lines.push(format!("{rate} a second was not reached: {:.0}; more connections (-c)?", stats.rate()));
    }
    if stats.not_sent > 0 {
        lines.push(format!("{} messages were due and could not be sent in time", stats.not_sent));
    }
    if stats.unlike > 0 {
        lines.push(format!("{} answers were others when the load was recorded", stats.unlike));
    }
    lines.extend(stats.first_error.as_ref().map(|error| format!("first error: {}", escape(error))));
    lines
}

/// The ratio in words.
pub(super) fn ratio_line(outcome: &Outcome) -> Option<String> {
    let ratios = ratios(outcome);
    let (median, low, high) = spread(&ratios)?;
    let [first, second] = &outcome.milters[..] else { return None };
    let (first, second) = (escape(&first.name), escape(&second.name));
    Some(format!(
        "{second} does {median:.2} times the messages of {first} ({low:.2} to {high:.2} in {} rounds)",
        ratios.len()
    ))
}

/// The second milter's messages a second, divided by the first one's, in each round in which that did any.
fn ratios(outcome: &Outcome) -> Vec<f64> {
    let [first, second] = &outcome.milters[..] else { return Vec::new() };
    let rounds = first.rounds.iter().zip(&second.rounds).filter(|(first, _)| first.per_second > 0.0);
    rounds.map(|(first, second)| second.per_second / first.per_second).collect()
}

/// The median, the lowest and the highest.
fn spread(ratios: &[f64]) -> Option<(f64, f64, f64)> {
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some((*sorted.get(sorted.len() / 2)?, *sorted.first()?, *sorted.last()?))
}

fn text(outcome: &Outcome) -> String {
    let mut text = format!("{}\n", about(outcome));
    for figures in &outcome.milters {
        let Figures { name, total, .. } = figures;
        let Stats { messages, errors, .. } = total;
        let name = escape(name);
        put(&mut text, format_args!("\n{name}: {messages} messages, {:.0} a second, {errors} errors\n", total.rate()));
        remarks(outcome, figures).iter().for_each(|line| put(&mut text, format_args!("  {line}\n")));
        put(&mut text, format_args!("  {:<10} {:>9}", "ms", "answers"));
        PERCENTILES.iter().for_each(|percent| put(&mut text, format_args!(" {:>9}", heading(*percent))));
        text.push('\n');
        for Row { stage, answers, ms, .. } in total.rows() {
            put(&mut text, format_args!("  {stage:<10} {answers:>9}"));
            ms.iter().for_each(|value| put(&mut text, format_args!(" {value:>9.3}")));
            text.push('\n');
        }
    }
    if let Some(line) = ratio_line(outcome) {
        put(&mut text, format_args!("\n{line}\n"));
    }
    if let Some(fatal) = &outcome.broken_off {
        put(&mut text, format_args!("\nbroken off: {}\n", escape(&fatal.text)));
    }
    text
}

/// `p99`, or `max`.
pub(super) fn heading(percent: f64) -> String {
    if percent >= 100.0 { "max".to_owned() } else { format!("p{percent}") }
}

fn document(outcome: &Outcome, thresholds: &[Threshold]) -> Value {
    let ratios = ratios(outcome);
    let ratio = spread(&ratios).map(
        |(median, lowest, highest)| json!({ "median": median, "lowest": lowest, "highest": highest, "rounds": ratios }),
    );
    json!({
        "load": load(outcome),
        "broken_off": outcome.broken_off.as_ref().map(|fatal| &fatal.text),
        "milters": outcome.milters.iter().map(|figures| milter(figures, thresholds)).collect::<Vec<_>>(),
        "ratio": ratio,
    })
}

fn load(outcome: &Outcome) -> Value {
    let Shape { rate, ahead, end, connections, reuse, timeout } = outcome.shape;
    let (duration, messages) = match end {
        End::After(time) => (Some(millis(time)), None),
        End::Messages(count) => (None, Some(count)),
    };
    json!({
        "about": about(outcome),
        "scenarios": outcome.scenarios.iter().map(scenario).collect::<Vec<_>>(),
        "connections": connections,
        "rate": rate,
        "reuse": reuse,
        "ahead": ahead,
        "duration_ms": duration,
        "messages": messages,
        "timeout_ms": millis(timeout),
    })
}

fn scenario(scenario: &Scenario) -> Value {
    json!({ "name": scenario.name, "profile": scenario.profile })
}

fn milter(figures: &Figures, thresholds: &[Threshold]) -> Value {
    let stats = &figures.total;
    let round = |round: &Round| json!({ "messages": round.messages, "errors": round.errors, "messages_per_second": round.per_second });
    let threshold = |threshold: &Threshold| {
        let checked = threshold.check(stats);
        json!({ "threshold": threshold.to_string(), "kept": checked.kept, "value": checked.value })
    };
    json!({
        "name": figures.name,
        "cut_short": figures.cut_short,
        "messages": stats.messages,
        "errors": stats.errors,
        "not_sent": stats.not_sent,
        "unlike": stats.unlike,
        "first_error": stats.first_error,
        "elapsed_ms": millis(stats.elapsed),
        "messages_per_second": stats.rate(),
        "rate_reached": !stats.behind,
        "rounds": figures.rounds.iter().map(round).collect::<Vec<_>>(),
        "thresholds": thresholds.iter().map(threshold).collect::<Vec<_>>(),
        "stages": stats.rows().iter().map(stage).collect::<Vec<_>>(),
    })
}

fn stage(row: &Row) -> Value {
    let times = PERCENTILES.iter().zip(row.ms).map(|(percent, value)| (heading(*percent), json!(value)));
    let ms: Map<_, _> = std::iter::once(("mean".to_owned(), json!(row.mean_ms))).chain(times).collect();
    json!({ "stage": row.stage, "answers": row.answers, "ms": ms })
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(first: &[f64], second: &[f64]) -> Outcome {
        let round = |per_second: &f64| Round { messages: 1, errors: 0, per_second: *per_second };
        let figures = |name: &str, rates: &[f64]| Figures {
            rounds: rates.iter().map(round).collect(),
            ..Figures::new(name, None)
        };
        let second_long = std::time::Duration::from_secs(1);
        let end = End::After(second_long);
        Outcome {
            name: "s".to_owned(),
            scenarios: Vec::new(),
            shape: Shape { connections: 1, reuse: 1, ahead: 0, rate: None, end, timeout: second_long },
            milters: vec![figures("a", first), figures("b", second)],
            broken_off: None,
        }
    }

    #[test]
    fn the_ratio_is_told_with_its_spread() {
        assert_eq!(
            ratio_line(&outcome(&[1.0, 2.0, 1.0], &[2.0, 2.0, 4.0])).as_deref(),
            Some("b does 2.00 times the messages of a (1.00 to 4.00 in 3 rounds)")
        );
    }

    #[test]
    fn no_ratio_is_taken_to_a_milter_that_did_nothing() {
        assert_eq!(ratio_line(&outcome(&[0.0, 0.0], &[0.0, 2.0])), None);
        assert_eq!(document(&outcome(&[0.0], &[2.0]), &[])["ratio"], Value::Null);
    }
}
