//! TAP version 14.

use super::{human, warnings};
use crate::run::{Status, Summary, UnitResult};

/// One test point for each unit.
pub(super) fn render(summary: &Summary) -> String {
    let points = summary.results.iter().enumerate().map(|(index, result)| point(index + 1, result));
    format!("TAP version 14\n1..{}\n{}", summary.results.len(), points.collect::<String>())
}

/// Warnings are comments behind the test point.
fn notes(result: &UnitResult) -> String {
    warnings::lines(result).iter().map(|line| format!("# warning: {line}\n")).collect()
}

fn point(number: usize, result: &UnitResult) -> String {
    // `#` begins a directive, and a backslash escapes it.
    let name = crate::diag::escape(&result.unit.name()).replace('\\', "\\\\").replace('#', "\\#");
    match result.status() {
        Status::Passed if let Some(known) = &result.played.known_deviation => {
            format!("not ok {number} - {name} # TODO {}\n{}", crate::diag::escape(known), notes(result))
        }
        Status::Passed => format!("ok {number} - {name}\n{}", notes(result)),
        Status::Skipped => {
            let reason = result.played.skipped.as_deref().unwrap_or("stopped");
            format!("ok {number} - {name} # SKIP {}\n", crate::diag::escape(reason))
        }
        Status::Failed => {
            let text: String = human::diags(result).iter().map(|diag| diag.render(false)).collect();
            let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
            let flaky = if result.is_flaky() { "  flaky: true\n" } else { "" };
            format!("not ok {number} - {name}\n  ---\n{flaky}  message: |\n{lines}  ...\n")
        }
    }
}
