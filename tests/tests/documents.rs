//! What the project's documents say holds: paths are there, and settings and exit codes are those of the programs.

use std::path::{Path, PathBuf};

#[test]
fn every_path_named_in_a_document_is_there() {
    let mut missing = Vec::new();
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = read(document);
        let code = text.split('`').skip(1).step_by(2).filter(|word| looks_like_a_path(word));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        let named = code.chain(links.filter(|link| !link.contains("://")));
        missing.extend(named.filter(|path| !root().join(path).exists()).map(|path| format!("{document}: {path}")));
    }
    assert!(missing.is_empty(), "named, but not there: {missing:#?}");
}

#[test]
fn the_migration_guide_names_settings_that_there_are() {
    let shipped = read("spf-milter/spf-milter.toml");
    let guide = read("docs/migration.md");
    let cells = guide.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split(" | ").nth(1));
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).filter_map(|word| word.split(' ').next());
    let settings = words.filter(|word| word.contains(['.', '_']) && !word.contains(['/', '%', '$']));
    let missing: Vec<&str> = settings.filter(|setting| !is_setting(&shipped, setting)).collect();
    assert!(missing.is_empty(), "not in spf-milter.toml: {missing:?}");
}

#[test]
fn the_exit_codes_in_the_book_are_those_of_the_program() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_fake-mta-under-test")).arg("--help").output();
    let help = String::from_utf8(help.expect("the program runs").stdout).expect("the help is text");
    let (_, told) = help.split_once("Exit status:").expect("the help has exit codes");
    let told: Vec<u8> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let page = read("docs/howto/ci.md");
    let (_, table) = page.split_once("| exit code | |\n| --- | --- |\n").expect("the page has the table");
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok());
    assert_eq!(rows.collect::<Vec<u8>>(), told);
}

/// Whether the shipped configuration speaks of it: `mode`, `exempt.networks`, or a table such as `policy.helo`.
fn is_setting(shipped: &str, setting: &str) -> bool {
    let (table, key) = setting.rsplit_once('.').unwrap_or(("", setting));
    let opens = |line: &str, name: &str| line.trim_start_matches(['#', ' ']).trim_end() == format!("[{name}]");
    let mut lines = shipped
        .lines()
        .skip_while(|line| !table.is_empty() && !opens(line, table))
        .skip(usize::from(!table.is_empty()));
    let is_key = |line: &str| {
        let line = line.trim_start_matches(['#', ' ']);
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    // In the table of a result, `policy.fail = { … }`.
    let within = || shipped.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_').any(|word| word == key);
    lines.any(is_key) || shipped.lines().any(|line| opens(line, setting)) || (table.is_empty() && within())
}

/// A word with a slash and nothing that paths of this project do not have.
fn looks_like_a_path(word: &str) -> bool {
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    plain && word.contains('/') && !word.starts_with('/')
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
