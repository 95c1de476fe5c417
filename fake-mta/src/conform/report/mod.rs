//! What came of the battery, for people and for machines.

mod fault;
mod html;
pub(super) mod human;
mod json;
mod junit;
mod markdown;

use super::{
    battery::{Battery, CaseResult, MilterResult, NOT_TRIED, Verdict},
    case::Level,
};
use crate::report::Formats;

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines for people, as the cases end.
    Human,
    /// A matrix in Markdown.
    Markdown,
    /// One JSON document.
    Json,
    /// JUnit's XML.
    Junit,
    /// A page that needs nothing beside itself.
    Html,
}

impl Formats for Format {
    const ALL: &'static [(&'static str, Self)] = &[
        ("human", Self::Human),
        ("md", Self::Markdown),
        ("json", Self::Json),
        ("junit", Self::Junit),
        ("html", Self::Html),
    ];
}

/// Draws a report.
pub(super) fn render(format: Format, battery: &Battery) -> String {
    match format {
        Format::Human => human::render(battery),
        Format::Markdown => markdown::render(battery),
        Format::Json => json::render(battery),
        Format::Junit => junit::render(battery),
        Format::Html => html::render(battery),
    }
}

/// `70 pass, 2 fail, 3 not tried`: what there is of each, and how often less was sent than there was to send.
fn counts(battery: &Battery, milter: &MilterResult) -> String {
    let counts = listed(battery.counts(milter, None));
    match milter.ended_early() {
        0 => counts,
        early => format!("{counts} (in {early} the milter's own verdict came before the end)"),
    }
}

/// `must: 131 pass; should: 60 pass, 2 fail`: the same for each level, if there are several.
fn counts_by_level(battery: &Battery, milter: &MilterResult) -> Option<String> {
    let levels = Level::ALL.into_iter().map(|(word, level)| (word, listed(battery.counts(milter, Some(level)))));
    let some = levels.filter(|(_, counts)| !counts.is_empty());
    let some: Vec<String> = some.map(|(word, counts)| format!("{word}: {counts}")).collect();
    (some.len() > 1).then(|| some.join("; "))
}

fn listed(counts: impl Iterator<Item = (&'static str, usize)>) -> String {
    let some = counts.filter(|(_, count)| *count > 0);
    some.map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// Which program says so, and of which day.
fn made_by(battery: &Battery) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match &battery.date {
        Some(date) => format!("fake-mta {version}, {date}"),
        None => format!("fake-mta {version}"),
    }
}

/// The results of a case, one for each milter; none where it was not tried.
fn row(battery: &Battery, index: usize) -> impl Iterator<Item = Option<&CaseResult>> {
    battery.milters.iter().map(move |milter| milter.results.get(index))
}

/// The word of a result, for a cell.
fn word(result: Option<&CaseResult>) -> String {
    match result {
        None => NOT_TRIED.to_owned(),
        Some(result) if result.ended_early.is_some() => format!("{} (early)", result.verdict),
        Some(result) => result.verdict.to_string(),
    }
}

/// What the milter's fault is, in one line.
fn first_line(result: &CaseResult) -> &str {
    result.why.as_deref().and_then(|why| why.lines().next()).unwrap_or_default()
}
