//! What came of the battery, for people and for machines.

mod html;
pub(super) mod human;
mod json;
mod junit;
mod markdown;

use super::battery::{Battery, CaseResult, MilterResult, Verdict};
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
    let tried = Verdict::ALL.into_iter().map(|(word, verdict)| (milter.count(verdict), word));
    let left = battery.cases.len().saturating_sub(milter.results.len());
    let some = tried.chain([(left, NOT_TRIED)]).filter(|(count, _)| *count > 0);
    let counts = some.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ");
    match milter.ended_early() {
        0 => counts,
        early => format!("{counts} (in {early} the milter's own verdict came before the end)"),
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

/// Where somebody stopped it, or the milter was gone.
const NOT_TRIED: &str = "not tried";

/// What the milter's fault is, in one line.
fn first_line(result: &CaseResult) -> &str {
    result.why.as_deref().and_then(|why| why.lines().next()).unwrap_or_default()
}

/// Text for an element or an attribute of XML and HTML.
fn escaped(text: &str) -> String {
    let text: Vec<_> = text.split('\n').map(crate::diag::escape).collect();
    text.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
