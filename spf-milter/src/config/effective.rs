//! The configuration as it is in force, with every default written out.

use toml::{Table, Value};

use super::Config;
use crate::diagnostic::Problems;

/// A file that means the same as `text`, which was read from `path`, and names each default that does not depend on
/// other keys.
///
/// # Errors
/// Something in `text` is wrong.
pub(crate) fn effective(path: &str, text: &str) -> Result<String, Problems> {
    let meaning = format!("{:?}", Config::parse(path, text)?);
    // What can be read as a configuration can be read as a table.
    let mut table: Table = text.parse().unwrap_or_default();
    // Twice, as some mean the same only beside others.
    for (section, key, value) in [defaults(), defaults()].concat() {
        let mut longer = table.clone();
        if !insert(&mut longer, section.as_deref(), &key, value) {
            continue;
        }
        // Some defaults mean something else once they are written: texts, for instance, that end in the why-link.
        if means(&longer).is_some_and(|longer| longer == meaning) {
            table = longer;
        }
    }
    Ok(table.to_string())
}

fn means(table: &Table) -> Option<String> {
    Config::parse("(defaults written out)", &table.to_string()).ok().map(|config| format!("{config:?}"))
}

/// Adds a key that is not there yet.
fn insert(table: &mut Table, section: Option<&str>, key: &str, value: Value) -> bool {
    let target = match section {
        None => Some(table),
        Some(section) => table.entry(section).or_insert_with(|| Value::Table(Table::new())).as_table_mut(),
    };
    match target {
        Some(target) if !target.contains_key(key) => target.insert(key.to_owned(), value).is_none(),
        _ => false,
    }
}

/// The keys of the shipped file that have defaults: table, key, value.
fn defaults() -> Vec<(Option<String>, String, Value)> {
    let shipped: Table = in_force(SHIPPED).parse().expect("a test reads the shipped file");
    let mut keys = Vec::new();
    for (name, value) in shipped {
        match value {
            Value::Table(section) => {
                keys.extend(section.into_iter().map(|(key, value)| (Some(name.clone()), key, value)));
            }
            value => keys.push((None, name, value)),
        }
    }
    keys
}

/// The shipped file with its defaults in force: they stand behind a `#` without a blank.
pub(super) fn in_force(shipped: &str) -> String {
    let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    shipped.lines().map(|line| if is_key(line) { &line[1..] } else { line }).map(|line| format!("{line}\n")).collect()
}

/// The shipped file.
pub(crate) const SHIPPED: &str = include_str!("../../spf-milter.toml");

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(text: &str) -> String {
        format!("{:?}", Config::parse("x", text).unwrap_or_else(|problems| panic!("{problems}")))
    }

    #[test]
    fn what_is_printed_means_the_same() {
        for text in [
            "",
            "listen = \"inet:8891@127.0.0.1\"",
            "why_link = \"https://example.com/?%{S}\"",
            "reject_text = \"no\"\n[policy]\nfail = { action = \"reject\", code = 554 }\nhelo.fail = \"reject\"",
            "received_spf.add = false\nauthentication_results.add = true",
            "records.fallback = { \"example.com\" = \"v=spf1 -all\" }\nexempt.senders = [\"a@b.example\"]",
            "mode = \"dry-run\"\nlimits = { connections = 5, stage_ms = 20_001 }\nlog.format = \"json\"",
        ] {
            let printed = effective("x", text).unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(meaning(&printed), meaning(text), "{text}\n->\n{printed}");
        }
    }

    #[test]
    fn every_default_is_printed() {
        let printed: Table = effective("x", "").unwrap_or_else(|problems| panic!("{problems}")).parse().unwrap();
        for (section, key, value) in defaults() {
            let found = section.as_ref().map_or_else(|| Some(&printed), |section| printed.get(section)?.as_table());
            assert_eq!(found.and_then(|table| table.get(&key)), Some(&value), "{section:?} {key}");
        }
    }
}
