//! Each key is shown at work: in a scenario of `scenarios/spf-milter/`, or, where no SMTP session can show it, in a test of the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Config;
use super::effective::SHIPPED;

/// Keys that say how the process runs, and the test that shows it.
const SHOWN_ELSEWHERE: [(&str, &str); 19] = [
    ("listen", "tests/real-milter/cases/balancer.rs"),
    ("metrics", "spf-milter/tests/program/metrics.rs"),
    ("socket.mode", "spf-milter/tests/program/service.rs"),
    ("socket.owner", "spf-milter/tests/program/service.rs"),
    ("socket.group", "spf-milter/tests/program/service.rs"),
    ("process.user", "spf-milter/tests/program/service.rs"),
    ("process.group", "spf-milter/tests/program/service.rs"),
    ("process.pid_file", "spf-milter/tests/program/service.rs"),
    ("process.landlock", "spf-milter/tests/program/service.rs"),
    ("limits.connections", "spf-milter/tests/program/service.rs"),
    ("limits.messages", "spf-milter/tests/program/service.rs"),
    ("limits.over", "spf-milter/tests/program/service.rs"),
    ("limits.stage_ms", "spf-milter/tests/program/service.rs"),
    ("limits.idle_s", "spf-milter/tests/program/service.rs"),
    ("limits.write_s", "spf-milter/tests/program/service.rs"),
    ("limits.drain_s", "spf-milter/tests/program/service.rs"),
    ("log.target", "tests/real-milter/cases/logs.rs"),
    ("log.format", "spf-milter/tests/program/logging.rs"),
    ("log.level", "spf-milter/tests/program/logging.rs"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The keys of a table, as the reader names them to who writes another one; none if it is no table of fixed keys.
fn keys_of(table: &str) -> Option<Vec<String>> {
    let dot = if table.is_empty() { "" } else { "." };
    let said = Config::parse("x", &format!("{table}{dot}xxxxxxxxxxxx = 1")).err()?.to_string();
    let (_, keys) = said.split_once("the keys here are ")?;
    Some(keys.lines().next()?.split(", ").map(|key| format!("{table}{dot}{key}")).collect())
}

/// All keys that hold a value, by their paths; of those that hold a word or a table both.
fn known(table: &str) -> Vec<String> {
    let mut all = Vec::new();
    for key in keys_of(table).unwrap_or_default() {
        let inner = known(&key);
        let is_section = inner.iter().any(|inner| !is_rule_key(inner));
        all.extend((!is_section).then_some(key));
        all.extend(inner);
    }
    all
}

/// The keys of a configuration that a scenario hands to the milter.
fn used(path: &str, table: &Table, keys: &mut BTreeSet<String>) {
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if let Value::Table(inner) = value {
            used(&path, inner, keys);
        }
        keys.insert(path);
    }
}

/// Looks for `milter.config` in a scenario, its variants and cases.
fn configured(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Table(table) => {
            if let Some(config) = table.get("milter").and_then(|milter| milter.get("config")?.as_table()) {
                used("", config, keys);
            }
            table.values().for_each(|value| configured(value, keys));
        }
        Value::Array(list) => list.iter().for_each(|value| configured(value, keys)),
        _ => {}
    }
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

fn is_rule_key(key: &str) -> bool {
    ["action", "code", "enhanced", "text", "text_explained"].contains(&last(key))
}

/// Rules are made alike, whatever they are for: `policy.helo.fail.code` is `(rule).code`, and `policy.helo.fail` is one of
/// `policy.helo`.
fn alike(key: &str) -> String {
    if is_rule_key(key) {
        return format!("(rule).{}", last(key));
    }
    let table = ["policy.null_sender", "policy.helo"].into_iter().find(|table| key.starts_with(&format!("{table}.")));
    table.unwrap_or(key).to_owned()
}

fn scenario_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            scenario_files(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
}

/// The keys that scenarios use.
fn shown() -> BTreeSet<String> {
    let mut files = Vec::new();
    scenario_files(&root().join("scenarios/spf-milter"), &mut files);
    let mut keys = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("scenarios are text");
        let scenario: Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        configured(&Value::Table(scenario), &mut keys);
    }
    keys.iter().map(|key| alike(key)).collect()
}

#[test]
fn every_key_is_shown_at_work() {
    let shown = shown();
    let known: BTreeSet<_> = known("").iter().map(|key| alike(key)).collect();
    assert!(known.len() > 75, "{} keys: {known:?}", known.len());
    let elsewhere = |key: &str| SHOWN_ELSEWHERE.iter().any(|(known, _)| *known == key);
    let missing: Vec<_> = known.iter().filter(|key| !shown.contains(*key) && !elsewhere(key)).collect();
    assert!(missing.is_empty(), "no scenario in scenarios/spf-milter/ sets {missing:?}");
    for (key, test) in SHOWN_ELSEWHERE {
        assert!(known.contains(key), "there is no key {key}");
        let text = std::fs::read_to_string(root().join(test)).unwrap_or_else(|error| panic!("{test}: {error}"));
        assert!(text.contains(last(key)), "{test} does not set {key}");
    }
}

#[test]
fn the_shipped_file_names_every_key() {
    for key in known("").iter().map(|key| alike(key)).filter(|key| !is_rule_key(key)) {
        let named = SHIPPED.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ']);
            line.starts_with(&format!("{} = ", last(&key))) || line == format!("[{key}]")
        });
        assert!(named, "{key}");
    }
}
