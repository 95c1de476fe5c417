//! What a run came to, for people and for machines.

pub(crate) mod differences;
mod github;
mod html;
pub(crate) mod human;
mod json;
mod junit;
mod mismatch;
mod tap;
pub(crate) mod warnings;

use std::{fmt, path::PathBuf, str::FromStr};

use crate::{
    diag::{self, Diag},
    run::{FatalKind, Status, Summary, UnitResult},
    scenario::Unknown,
};

/// A report for machines, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its format.
    pub format: Format,
    /// The file; standard output if `None`, where the report for people then goes to standard error.
    pub file: Option<PathBuf>,
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JUnit's XML, as continuous integration reads it.
    Junit,
    /// TAP version 14.
    Tap,
    /// One JSON object on each line: one for each unit, then the totals.
    Json,
    /// A page that needs nothing beside itself, with each session as a sequence diagram.
    Html,
    /// GitHub's workflow commands: a failure shows at its line.
    Github,
}

/// Why a text names no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{unknown}, {}", unknown.help)]
pub struct TargetError {
    unknown: Unknown,
}

impl FromStr for Target {
    type Err = TargetError;

    /// `FORMAT` or `FORMAT=FILE`.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (format, file) = match text.split_once('=') {
            Some((format, file)) => (format, Some(file.into())),
            None => (text, None),
        };
        match FORMATS.into_iter().find(|(name, _)| *name == format) {
            Some((_, format)) => Ok(Self { format, file }),
            None => Err(TargetError { unknown: Unknown::new("report", format, FORMATS.map(|(name, _)| name)) }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FORMATS.into_iter().find(|(_, format)| format == self).map(|(name, _)| name);
        f.write_str(name.unwrap_or_default())
    }
}

/// Draws a report.
pub fn render(format: Format, summary: &Summary) -> String {
    match format {
        Format::Junit => junit::render(summary),
        Format::Tap => tap::render(summary),
        Format::Json => json::render(summary),
        Format::Html => html::render(summary),
        Format::Github => github::render(summary),
    }
}

/// Writes the reports that have a file.
pub(crate) fn write_files(targets: &[Target], summary: &Summary) -> Result<(), Diag> {
    for target in targets {
        if let Some(file) = &target.file {
            let dir = file.parent().unwrap_or(file);
            std::fs::create_dir_all(dir)
                .and_then(|()| std::fs::write(file, render(target.format, summary)))
                .map_err(|error| diag::cannot("write the report to", file, error))?;
        }
    }
    Ok(())
}

/// The word for a status.
fn word(result: &UnitResult) -> &'static str {
    match result.status() {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
    }
}

/// The word for a reason to break off.
fn fatal_word(kind: FatalKind) -> &'static str {
    match kind {
        FatalKind::Harness => "harness",
        FatalKind::Milter => "milter",
        FatalKind::Timeout => "timeout",
        FatalKind::Cancelled => "cancelled",
    }
}

/// How often a run failed that passes by turns.
fn flaky_text(result: &UnitResult) -> Option<String> {
    let (failed, all) = (result.rounds.failed, result.rounds.failed + result.rounds.passed);
    result.is_flaky().then(|| format!("failed in {failed} of {all} rounds"))
}

/// The words for all formats.
pub(crate) fn format_names() -> impl Iterator<Item = &'static str> {
    FORMATS.into_iter().map(|(name, _)| name)
}

const FORMATS: [(&str, Format); 5] = [
    ("junit", Format::Junit),
    ("tap", Format::Tap),
    ("json", Format::Json),
    ("html", Format::Html),
    ("github", Format::Github),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_named_with_or_without_a_file() {
        assert_eq!("tap".parse(), Ok(Target { format: Format::Tap, file: None }));
        assert_eq!("junit=a=b.xml".parse(), Ok(Target { format: Format::Junit, file: Some("a=b.xml".into()) }));
        assert_eq!(
            "jnuit".parse::<Target>().map_err(|e| e.to_string()),
            Err("unknown report `jnuit`, did you mean `junit`?".into())
        );
    }
}
