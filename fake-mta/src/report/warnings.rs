//! What milters did that a careful one does not, told once for all runs.

use anstyle::AnsiColor;

use super::{
    differences,
    text::{painted, put},
};
use crate::{
    diag::{Diag, Span, escape},
    lint::{Finding, Lint, MtaKind},
    run::{Summary, UnitResult, Warning},
};

/// The warnings of a run by their names: what each MTA would do, and the places, each with the number of its runs. Failed units
/// have told theirs already, if warnings are failures.
pub(crate) fn section(summary: &Summary, verbose: bool, colour: bool) -> String {
    let mut text = String::new();
    for lint in Lint::ALL {
        let places = places(summary, *lint);
        if !places.is_empty() {
            text += &one_lint(*lint, &places, verbose, colour);
        }
    }
    if !text.is_empty() {
        text.insert(0, '\n');
        text += "  a step that is meant to show this says so: `W: NAME` below its `C:` line\n";
        text += "  why it matters and what to do: fake-mta explain NAME\n\n";
    }
    text
}

fn one_lint(lint: Lint, places: &[Place], verbose: bool, colour: bool) -> String {
    let style = AnsiColor::Yellow.on_default();
    let mut text = format!("{}: {lint}: {}\n", painted("warning", style, colour), lint.title());
    for mta in MtaKind::ALL {
        put(&mut text, format_args!("  {:<9} {}\n", format!("{mta}:"), lint.outcome(mta)));
    }
    let shown = if verbose { places.len() } else { SHOWN_PLACES };
    for place in places.iter().take(shown) {
        let runs = if place.runs > 1 { format!(" ({} runs)", place.runs) } else { String::new() };
        put(&mut text, format_args!("  --> {}{runs}\n", escape(&place.text)));
    }
    if places.len() > shown {
        let more = places.len() - shown;
        let word = if more == 1 { "place" } else { "places" };
        put(&mut text, format_args!("  and at {more} more {word}: -v shows them\n"));
    }
    text.push('\n');
    text
}

/// A place where a lint was found, and in how many runs.
struct Place {
    text: String,
    runs: usize,
}

fn places(summary: &Summary, lint: Lint) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for result in summary.results.iter().filter(|result| !result.strict) {
        let mut here: Vec<String> = Vec::new();
        for warning in result.warnings.iter().filter(|warning| warning.finding.lint == lint) {
            let text = line(result, warning);
            if !here.contains(&text) {
                here.push(text);
            }
        }
        for text in here {
            match places.iter_mut().find(|place| place.text == text) {
                Some(place) => place.runs += 1,
                None => places.push(Place { text, runs: 1 }),
            }
        }
    }
    places
}

/// The warnings of a unit, one line each, for reports that have no room for more: `NAME: file:line: at STAGE: PACKET`.
pub(super) fn lines(result: &UnitResult) -> Vec<String> {
    let one = |warning: &Warning| {
        let text = format!("{}: {}", warning.finding.lint, line(result, warning));
        escape(&text).into_owned()
    };
    let mut lines: Vec<String> = result.warnings.iter().map(one).collect();
    lines.dedup();
    let difference = result.untold_difference().map(|difference| differences::line(result, difference));
    lines.extend(difference.map(|line| format!("sendmail and Postfix part: {line}")));
    lines
}

/// The warnings of a unit as messages, as errors if they are failures.
pub(super) fn diags(result: &UnitResult) -> Vec<Diag> {
    let mut diags: Vec<Diag> = Vec::new();
    for warning in &result.warnings {
        let lint = warning.finding.lint;
        let title = format!("{lint}: {}", lint.title());
        let mut diag = if result.strict { Diag::error(title) } else { Diag::warning(title) };
        if let Some(span) = place(result, warning) {
            diag = diag.label(&span, said(&warning.finding));
        }
        for mta in MtaKind::ALL {
            diag = diag.note(format!("{mta}: {}", lint.outcome(mta)));
        }
        if !diags.contains(&diag) {
            diags.push(diag);
        }
    }
    diags
}

/// Where the scenario has the step: its `C:` line, or the client of its session.
pub(super) fn place(result: &UnitResult, warning: &Warning) -> Option<Span> {
    let session = result.unit.scenario.sessions.get(warning.at.0)?;
    let step = session.steps.get(warning.at.1)?;
    let span = if step.action.span.range().is_empty() { &session.client.span } else { &step.action.span };
    Some(span.clone())
}

fn line(result: &UnitResult, warning: &Warning) -> String {
    let said = said(&warning.finding);
    match place(result, warning) {
        Some(span) => format!("{}:{}: {said}", span.source().path().display(), span.line()),
        None => said,
    }
}

/// `at eom: addheader X-A: b (it needs ADD_HEADERS)`.
fn said(finding: &Finding) -> String {
    let packet: String = finding.packet.chars().take(SHOWN_CHARS).collect();
    let more = if finding.packet.chars().nth(SHOWN_CHARS).is_some() { "…" } else { "" };
    let detail = match (finding.detail.is_empty(), packet.is_empty()) {
        (true, _) => String::new(),
        (false, true) => finding.detail.clone(),
        (false, false) => format!(" ({})", finding.detail),
    };
    let filter = if finding.filter > 0 { format!("milter {}, ", finding.filter + 1) } else { String::new() };
    format!("{filter}at {}: {packet}{more}{detail}", finding.stage)
}

/// So many places of a lint are shown without -v.
const SHOWN_PLACES: usize = 5;

/// So much of a packet is shown.
const SHOWN_CHARS: usize = 100;
