//! `docs/rfc7208.md` lists the requirements of RFC 7208 and the tests that hold them: the tests must exist.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folders that the list abbreviates.
const SHORT: [(&str, &str); 4] = [
    ("CH", "spf/tests/check_host"),
    ("OS", "spf/tests/data/openspf/rfc7208-tests.yml"),
    ("SM", "spf-milter/src"),
    ("SP", "spf-milter/tests/program"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn list() -> String {
    std::fs::read_to_string(root().join("docs/rfc7208.md")).expect("the list of requirements can be read")
}

/// Returns the rows of all tables: section, requirement, references.
fn rows(list: &str) -> Vec<(String, String, Vec<String>)> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = list.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.filter(|cells| cells.len() == 3 && cells[0] != "§" && cells[0] != "---")
        .map(|cells| (cells[0].clone(), cells[1].clone(), references(&cells[2])))
        .collect()
}

fn references(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(long).collect()
}

/// Writes an abbreviated folder out.
fn long(reference: &str) -> String {
    let end = reference.find(['/', ':']).unwrap_or(reference.len());
    let (folder, rest) = reference.split_at(end);
    SHORT
        .iter()
        .find(|(short, _)| *short == folder)
        .map_or_else(|| reference.to_owned(), |(_, long)| format!("{long}{rest}"))
}

/// Whether a file holds a test function, or for YAML a case, of this name.
fn holds(path: &str, text: &str, name: &str) -> bool {
    if path.ends_with(".yml") {
        text.lines().any(|line| line == format!("  {name}:"))
    } else {
        text.contains(&format!("fn {name}("))
    }
}

#[test]
fn every_requirement_names_a_test_that_exists() {
    let mut files = BTreeMap::new();
    let mut missing = Vec::new();
    for (section, requirement, references) in rows(&list()) {
        assert!(!references.is_empty(), "§{section} names no test: {requirement}");
        for reference in references {
            let (path, name) = reference.split_once("::").unwrap_or((&reference, ""));
            let text = files.entry(path.to_owned()).or_insert_with(|| std::fs::read_to_string(root().join(path)).ok());
            if !text.as_ref().is_some_and(|text| name.is_empty() || holds(path, text, name)) {
                missing.push(format!("§{section}: {reference}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/rfc7208.md names what is not there:\n{}", missing.join("\n"));
}

/// The list is about the whole RFC: each section with requirements on a verifier has rows.
#[test]
fn the_list_covers_all_sections() {
    let rows = rows(&list());
    let sections = [
        "2.2",
        "2.3",
        "2.4",
        "2.5",
        "2.6",
        "3.1",
        "3.2",
        "3.3",
        "4",
        "4.1",
        "4.3",
        "4.4",
        "4.5",
        "4.6",
        "4.6.1",
        "4.6.2",
        "4.6.3",
        "4.6.4",
        "4.7",
        "4.8",
        "5",
        "5.1",
        "5.2",
        "5.3",
        "5.4",
        "5.5",
        "5.6",
        "5.7",
        "6",
        "6.1",
        "6.2",
        "7.1",
        "7.2",
        "7.3",
        "8.2",
        "8.4, RFC 7372",
        "8.5",
        "8.6",
        "9",
        "9.1",
        "11.1",
        "RFC 8616, 4",
    ];
    for section in sections {
        assert!(rows.iter().any(|(found, ..)| found == section), "no row for §{section}");
    }
    assert!(rows.len() >= 80, "{} rows", rows.len());
}
