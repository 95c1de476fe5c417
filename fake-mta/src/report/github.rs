//! GitHub's workflow commands.

use super::{human, warnings};
use crate::{
    diag::Diag,
    run::{Status, Summary, UnitResult},
};

/// An annotation for each thing that is wrong, at its line in the scenario file.
pub(super) fn render(summary: &Summary) -> String {
    summary.results.iter().map(unit).collect()
}

fn unit(result: &UnitResult) -> String {
    let name = result.unit.name();
    let path = result.unit.scenario.path().to_string_lossy().into_owned();
    let mut text = String::new();
    if result.status() == Status::Failed {
        let line = |diag: &Diag| {
            let at = diag.labels.first().map(|(span, _)| format!(",line={},col={}", span.line(), span.column()));
            let label = diag.labels.first().map(|(_, label)| format!("\n{label}")).unwrap_or_default();
            let place = format!("file={}{}", property(&path), at.unwrap_or_default());
            format!("::error {place},title={}::{}\n", property(&name), message(&format!("{}{label}", diag.title)))
        };
        text.extend(human::diags(result).iter().map(line));
    }
    if let Some(known) = &result.played.known_deviation {
        let known = message(&format!("known deviation: {known}"));
        text += &format!("::notice file={},title={}::{known}\n", property(&path), property(&name));
    }
    let warning =
        |line: &String| format!("::warning file={},title={}::{}\n", property(&path), property(&name), message(line));
    text.extend(warnings::lines(result).iter().map(warning));
    text
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
