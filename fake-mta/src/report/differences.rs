//! The scenarios in which sendmail and Postfix part: a line each, and both forms where they are few.

use std::path::Path;

use crate::{
    diag::{Diag, escape, shown},
    run::{Difference, Summary, UnitResult},
};

/// All of them, but those that scenarios know of, and what the milter did differently by itself.
pub(crate) fn section(summary: &Summary, verbose: bool) -> String {
    of_the_mtas(summary, verbose) + &of_the_milter(summary)
}

/// Where the milter did not answer both MTAs alike: a clock, a random number or a macro went into its answer, or it is not steady.
fn of_the_milter(summary: &Summary) -> String {
    let mut text = String::new();
    for result in summary.results.iter().filter(|result| result.unit.scenario.differs.is_none()) {
        for differs in &result.milter_differs {
            text += &format!("  --> {}\n", escape(&placed(result, differs)));
        }
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "\nthe milter itself answered sendmail and Postfix differently, though both told it the same (macros apart):\n{text}\n"
    )
}

/// Failed units have told theirs already, if differences are failures.
fn of_the_mtas(summary: &Summary, verbose: bool) -> String {
    let told = |result: &&UnitResult| result.untold_difference().is_some() && !result.strict;
    let results: Vec<&UnitResult> = summary.results.iter().filter(told).collect();
    let unfounded = unfounded(summary).concat();
    if results.is_empty() {
        return unfounded;
    }
    let in_full = verbose || results.len() <= IN_FULL_MAX;
    let scenarios = if results.len() == 1 { "scenario" } else { "scenarios" };
    let mut text = format!("\nsendmail and Postfix part in {} {scenarios}:\n", results.len());
    for result in results {
        let Some(difference) = &result.difference else { continue };
        text += &format!("  --> {}\n", line(result, difference));
        if in_full {
            text += &difference.diff.lines().map(|line| format!("      {}\n", cut(line))).collect::<String>();
        }
    }
    let more = if in_full { "" } else { ", and -v shows both forms" };
    text + &format!("  a scenario that knows of it says why: `differs = \"…\"`{more}\n\n{unfounded}")
}

fn cut(line: &str) -> String {
    let more = if line.chars().nth(SHOWN_CHARS).is_some() { "…" } else { "" };
    let shown: String = line.chars().take(SHOWN_CHARS).collect();
    format!("{}{more}", escape(&shown))
}

/// The files that say why the two part, though none of their scenarios shows it any more.
fn unfounded(summary: &Summary) -> Vec<String> {
    let mut files: Vec<(&Path, bool)> = Vec::new();
    let declared = |result: &&UnitResult| result.is_compared && result.unit.scenario.differs.is_some();
    for result in summary.results.iter().filter(declared) {
        let differs = result.difference.is_some() || !result.milter_differs.is_empty();
        let path = result.unit.scenario.path();
        match files.iter_mut().find(|(known, _)| *known == path) {
            Some((_, known)) => *known |= differs,
            None => files.push((path, differs)),
        }
    }
    let told = |path: &Path| format!("`differs` in {}, but sendmail and Postfix agree there\n", shown(path));
    files.into_iter().filter(|(_, differs)| !differs).map(|(path, _)| told(path)).collect()
}

/// `file:line: NAME: the delivered message`.
pub(super) fn line(result: &UnitResult, difference: &Difference) -> String {
    escape(&placed(result, &difference.places.join(", "))).into_owned()
}

fn placed(result: &UnitResult, text: &str) -> String {
    let scenario = &result.unit.scenario;
    format!("{}:{}: {}: {text}", scenario.path().display(), scenario.name.span.line(), scenario.name)
}

/// The difference of a unit as an error, if differences are failures.
pub(super) fn diag(result: &UnitResult) -> Option<Diag> {
    let difference = result.untold_difference().filter(|_| result.strict)?;
    let title = format!("sendmail and Postfix part: {}", difference.places.join(", "));
    let diag = Diag::error(title).label(&result.unit.scenario.name.span, "");
    Some(diag.note(difference.diff.trim_end()).help("if that is as it should be, say why: `differs = \"…\"`"))
}

/// So much of a line of the diff is shown.
const SHOWN_CHARS: usize = 160;

/// So many differences are shown in both forms without -v.
const IN_FULL_MAX: usize = 3;
