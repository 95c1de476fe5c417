//! What a run came to, for people and for machines.

mod cause;
pub(crate) mod differences;
mod github;
mod html;
pub(crate) mod human;
mod json;
mod junit;
mod mismatch;
mod tap;
pub(crate) mod text;
pub(crate) mod warnings;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    diag::{self, Diag},
    run::{FatalKind, Status, Summary, UnitResult},
    scenario::Unknown,
};

/// A report, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<F = Format> {
    /// Its format.
    pub format: F,
    /// The file; standard output if `None`, where the report for people then goes to standard error.
    pub file: Option<PathBuf>,
}

/// The formats of one kind of report, with their words.
pub trait Formats: Copy + 'static {
    /// All of them.
    const ALL: &'static [(&'static str, Self)];
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

impl<F: Formats> FromStr for Target<F> {
    type Err = TargetError;

    /// `FORMAT` or `FORMAT=FILE`; the file `-` is standard output.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (format, file) = match text.split_once('=') {
            Some((format, file)) => (format, Some(file).filter(|file| *file != "-").map(PathBuf::from)),
            None => (text, None),
        };
        match F::ALL.iter().find(|(name, _)| *name == format) {
            Some((_, format)) => Ok(Self { format: *format, file }),
            None => {
                let names = F::ALL.iter().map(|(name, _)| *name);
                Err(TargetError { unknown: Unknown::new("report", format, names) })
            }
        }
    }
}

impl<F> Target<F> {
    /// Looks, before anything is run, whether every report has a place of its own that can be written to.
    ///
    /// # Errors
    /// Two reports for one place, or a file that cannot be written.
    pub(crate) fn check(targets: &[Self]) -> Result<(), Diag> {
        for (index, target) in targets.iter().enumerate() {
            if targets[..index].iter().any(|other| other.file == target.file) {
                let place =
                    target.file.as_ref().map_or_else(|| "standard output".into(), |file| file.to_string_lossy());
                return Err(Diag::error(format!("two reports are to go to {place}"))
                    .help("give each a file of its own, as in `--report json=FILE`"));
            }
            if let Some(file) = target.file.as_deref().filter(|file| file.is_file() || !file.exists()) {
                let opened = folder_of(file).and_then(|()| fs::OpenOptions::new().append(true).create(true).open(file));
                opened.map_err(|error| cannot_write(file, &error))?;
            }
        }
        Ok(())
    }
}

/// Writes a report to its file; the folder is made if it is not there.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(file: &Path, text: &str) -> Result<(), Diag> {
    folder_of(file).and_then(|()| fs::write(file, text)).map_err(|error| cannot_write(file, &error))
}

fn folder_of(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}

fn cannot_write(file: &Path, error: &io::Error) -> Diag {
    diag::cannot("write the report to", file, error)
}

impl Formats for Format {
    const ALL: &'static [(&'static str, Self)] = &[
        ("junit", Self::Junit),
        ("tap", Self::Tap),
        ("json", Self::Json),
        ("html", Self::Html),
        ("github", Self::Github),
    ];
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, format)| format == self).map(|(name, _)| *name);
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
            write(file, &render(target.format, summary))?;
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
    Format::ALL.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_named_with_or_without_a_file() {
        assert_eq!("tap".parse(), Ok(Target { format: Format::Tap, file: None }));
        assert_eq!("junit=a=b.xml".parse(), Ok(Target { format: Format::Junit, file: Some("a=b.xml".into()) }));
        assert_eq!("html=-".parse(), Ok(Target { format: Format::Html, file: None }));
        assert_eq!(
            "jnuit".parse::<Target>().map_err(|e| e.to_string()),
            Err("unknown report `jnuit`, did you mean `junit`?".into())
        );
    }
    #[test]
    fn two_reports_for_one_place_are_refused() {
        let check = |texts: &[&str]| {
            let targets: Vec<Target> = texts.iter().map(|text| text.parse().expect("a report")).collect();
            Target::check(&targets).is_ok()
        };
        assert!(check(&["tap", "json=/dev/null"]));
        assert!(!check(&["tap", "json=-"]));
        assert!(!check(&["tap=/dev/null", "json=/dev/null"]));
        assert!(!check(&["tap=/dev/null/report"]));
    }
}
