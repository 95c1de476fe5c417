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

/// `70 pass, 2 fail`: the verdicts that there are.
fn counts(milter: &MilterResult) -> String {
    let some =
        Verdict::ALL.into_iter().map(|(word, verdict)| (milter.count(verdict), word)).filter(|(count, _)| *count > 0);
    some.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// The results of a case, one for each milter; none where it was not tried.
fn row(battery: &Battery, index: usize) -> impl Iterator<Item = Option<&CaseResult>> {
    battery.milters.iter().map(move |milter| milter.results.get(index))
}

/// What the milter's fault is, in one line.
fn first_line(result: &CaseResult) -> &str {
    result.why.as_deref().and_then(|why| why.lines().next()).unwrap_or_default()
}

/// Text for an element or an attribute of XML and HTML.
fn escaped(text: &str) -> String {
    let text: Vec<_> = text.split('\n').map(crate::diag::escape).collect();
    text.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
