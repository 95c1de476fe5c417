//! GitHub's workflow commands.

use super::{flaky_text, human, warnings};
use crate::{
    diag::{Diag, Span},
    run::{Status, Summary, UnitResult},
};

/// An annotation for each run in which something is wrong, at the first line of the scenario file that has to do with it. GitHub
/// shows ten of a step.
pub(super) fn render(summary: &Summary) -> String {
    summary.results.iter().map(unit).collect()
}

fn unit(result: &UnitResult) -> String {
    let mut text = String::new();
    if result.status() == Status::Failed {
        let diags = human::diags(result);
        let first = diags.iter().find_map(|diag| diag.labels.first()).map(|(span, _)| span);
        let all: Vec<String> = diags.iter().map(in_lines).collect();
        text += &command("error", result, first, &all.join("\n"));
    }
    if let Some(known) = &result.played.known_deviation {
        text += &command("notice", result, None, &format!("known deviation: {known}"));
    }
    // Where warnings are failures they are told above.
    let lines = if result.strict { Vec::new() } else { warnings::lines(result) };
    if !lines.is_empty() {
        let first = result.warnings.iter().find_map(|warning| warnings::place(result, warning));
        let at = first.unwrap_or_else(|| result.unit.scenario.name.span.clone());
        text += &command("warning", result, Some(&at), &lines.join("\n"));
    }
    text
}

/// `the milter's answer differs, line 12: came instead: reject`.
fn in_lines(diag: &Diag) -> String {
    let at = |(span, label): &(Span, String)| {
        let label = if label.is_empty() { String::new() } else { format!(": {label}") };
        format!(", line {}{label}", span.line())
    };
    format!("{}{}", diag.title, diag.labels.first().map(at).unwrap_or_default())
}

fn command(kind: &str, result: &UnitResult, at: Option<&Span>, text: &str) -> String {
    let path = result.unit.scenario.path().to_string_lossy().into_owned();
    let at = at.map(|span| format!(",line={},col={}", span.line(), span.column())).unwrap_or_default();
    let flaky = flaky_text(result).map(|text| format!(" (flaky: {text})")).unwrap_or_default();
    let title = format!("{}{flaky}", result.unit.name());
    format!("::{kind} file={}{at},title={}::{}\n", property(&path), property(&title), message(text))
}

/// The text of a command: `%` and line ends are spelled out, and nothing else may end the line.
fn message(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(crate::diag::escape).collect();
    lines.join("\n").replace('%', "%25").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_command() {
        assert_eq!(message("50% a\nb\r::error::x"), "50%25 a%0Ab\\r::error::x");
        assert_eq!(property("a: b, c"), "a%3A b%2C c");
    }
}
