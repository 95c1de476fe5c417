//! What the project's documents say holds: paths are there, examples are good, and shown output is what comes out.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use fake_mta::{diag::Source, scenario};

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
fn the_readmes_scenario_is_read_without_a_complaint() {
    let text = read("README.md");
    let (_, rest) = text.split_once("```toml\n").expect("the tour has a scenario");
    let (example, _) = rest.split_once("```").expect("the block ends");
    if let Err(problems) = scenario::parse(&Source::new("README.md", example)) {
        panic!("{}", problems[0].render(false));
    }
}

#[test]
fn the_readmes_explanation_is_what_spf_milter_prints() {
    const COMMAND: &str = "$ cargo run -q -p spf-milter -- ";
    let text = read("README.md");
    let (_, rest) = text.split_once(COMMAND).expect("the tour calls spf-milter");
    let (block, _) = rest.split_once("```").expect("the block ends");
    let (command, shown) = split_command(block);
    let run = Command::new(env!("CARGO_BIN_EXE_spf-milter-under-test"))
        .args(command.split_whitespace())
        .current_dir(root())
        .output()
        .expect("the program starts");
    assert_eq!(String::from_utf8_lossy(&run.stdout), shown);
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

/// The command, whose lines but the last end in a backslash, and the output under it.
fn split_command(block: &str) -> (String, &str) {
    let mut command = String::new();
    let mut rest = block;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        match line.strip_suffix('\\') {
            Some(part) => command.push_str(part),
            None => {
                command.push_str(line);
                break;
            }
        }
    }
    (command, rest)
}

/// A word with a slash and nothing that paths of this project do not have.
fn looks_like_a_path(word: &str) -> bool {
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    // The reader of the tour makes this one.
    plain && word.contains('/') && !word.starts_with('/') && word != "scenarios/mine.toml"
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
