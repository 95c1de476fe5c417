//! `docs/spf-milter-features.md` says what is done and which tests hold it: the tests must exist.

use std::path::{Path, PathBuf};

/// The folders that the list abbreviates.
const SHORT: [(&str, &str); 4] = [
    ("SC/", "scenarios/spf-milter/"),
    ("TK/", "scenarios/talk/"),
    ("SM/", "spf-milter/src/"),
    ("SP/", "spf-milter/tests/program/"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn list() -> String {
    std::fs::read_to_string(root().join("docs/spf-milter-features.md")).expect("the list can be read")
}

/// The last cell of each row of the tables, and the row.
fn rows(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = list.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    rows.filter_map(|row| row.trim_end_matches(['|', ' ']).rsplit_once('|'))
        .filter(|(_, cell)| cell.trim() != "held by")
}

fn is_there(reference: &str) -> bool {
    let long = SHORT.iter().find_map(|(short, long)| reference.strip_prefix(short).map(|rest| format!("{long}{rest}")));
    let reference = long.unwrap_or_else(|| reference.to_owned());
    let (path, name) = reference.split_once("::").unwrap_or((&reference, ""));
    std::fs::read_to_string(root().join(path))
        .is_ok_and(|text| name.is_empty() || text.contains(&format!("fn {name}(")))
}

#[test]
fn every_feature_that_is_done_names_tests_that_exist() {
    let list = list();
    let mut wrong = Vec::new();
    for (row, cell) in rows(&list) {
        let references: Vec<_> = cell.split('`').skip(1).step_by(2).filter(|word| word.contains('/')).collect();
        if references.is_empty() && row.contains("| done") {
            wrong.push(format!("names no test: {row}"));
        }
        wrong.extend(references.into_iter().filter(|reference| !is_there(reference)).map(ToOwned::to_owned));
    }
    assert!(wrong.is_empty(), "docs/spf-milter-features.md:\n{}", wrong.join("\n"));
}

#[test]
fn every_row_says_what_is_so() {
    let list = list();
    let tables = list.split("\n## Security").next().expect("there is text");
    for (row, cell) in rows(tables) {
        let words = ["| done", "| refused: "];
        assert!(words.iter().any(|word| row.contains(word) || format!("|{cell}").contains(word)), "{row}");
    }
}
