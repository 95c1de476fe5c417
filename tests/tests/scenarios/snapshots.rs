//! The transcripts as insta's snapshots.

use std::{collections::BTreeSet, fs, path::Path, path::PathBuf};

use libtest_mimic::Failed;

use crate::collect::Entry;

/// Compares a transcript with its snapshot; panics as insta does if they differ.
pub(crate) fn assert(entry: &Entry, transcript: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(dir());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(entry.unit.name());
    settings.set_input_file(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&entry.file));
    settings.bind(|| insta::assert_snapshot!(entry.snapshot.as_str(), transcript));
}

/// Every snapshot has a unit, and no two units have the same one.
pub(crate) fn check(names: &[String]) -> Result<(), Failed> {
    let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut problems: Vec<String> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            problems.push(format!("two scenarios share the snapshot {name}: give them other names"));
        }
    }
    for file in fs::read_dir(dir())?.flatten() {
        let file = file.file_name().to_string_lossy().into_owned();
        if file.strip_suffix(".snap").is_some_and(|name| !known.contains(name)) {
            problems.push(format!("{file} belongs to no scenario: remove it from {}", dir().display()));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Failed::from(problems.join("\n"))) }
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}
