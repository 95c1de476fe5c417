//! The `[milter]` table of a scenario: what it hands to the milter under test.

use super::{Fields, mta};
use crate::{
    diag::Diag,
    format::{self, Table},
    scenario::{
        DefaultAction, MilterSection,
        node::{Node, Value},
        problems::Problems,
    },
};

/// Reads `[milter]`, or each `[[milter]]` of a chain: the first one, and the others.
pub(super) fn read_all(node: Option<&Node>, problems: &mut Problems) -> (MilterSection, Vec<MilterSection>) {
    match node.map(|node| &node.value) {
        None => (MilterSection::default(), Vec::new()),
        Some(Value::Array(items)) => {
            if items.len() > MILTERS_MAX {
                let title = format!("a scenario has at most {MILTERS_MAX} milters");
                problems.add(Diag::error(title).label(&items[MILTERS_MAX].span, ""));
            }
            let mut sections = items.iter().map(|item| read(item, &format::CHAINED, problems));
            (sections.next().unwrap_or_default(), sections.collect())
        }
        Some(_) => (node.map(|node| read(node, &format::MILTER, problems)).unwrap_or_default(), Vec::new()),
    }
}

/// Reads one table; everything in it may be left out.
fn read(node: &Node, table: &Table, problems: &mut Problems) -> MilterSection {
    for key in ["command", "build", "config_file", "files", "netns", "process"] {
        if let Some(wrong) = node.entries().iter().find(|entry| entry.key == key) {
            let diag = Diag::error(format!("`{key}` belongs in fake-mta.toml")).label(&wrong.key_span, "");
            problems.add(diag.help("the milter under test is named once for all scenarios of a folder"));
            return MilterSection::default();
        }
    }
    let mut fields = Fields::open(node, "[milter] of a scenario", &table.names(), problems);
    let config = fields.node("config");
    MilterSection {
        config: config.and_then(|config| fields.problems().take(to_toml_table(config, "[milter.config]"))),
        args: fields.texts("args").unwrap_or_default(),
        env: fields.strings("env", "[milter.env]"),
        name: fields.text("name"),
        default_action: fields.word("default_action", &DefaultAction::ALL),
        timeouts: mta::timeouts(fields.node("timeouts"), fields.problems()),
    }
}

/// A free table, as TOML values.
pub(crate) fn to_toml_table(node: &Node, what: &str) -> Result<toml::Table, Diag> {
    match to_toml(node) {
        toml::Value::Table(table) => Ok(table),
        _ => Err(super::wrong_type(node, what, "a table")),
    }
}

fn to_toml(node: &Node) -> toml::Value {
    match &node.value {
        Value::Text(text) => toml::Value::String(text.value.clone()),
        Value::Integer(number) => toml::Value::Integer(*number),
        Value::Boolean(yes) => toml::Value::Boolean(*yes),
        Value::Other(other) => other.clone(),
        Value::Array(items) => toml::Value::Array(items.iter().map(to_toml).collect()),
        Value::Table(entries) => {
            toml::Value::Table(entries.iter().map(|entry| (entry.key.clone(), to_toml(&entry.node))).collect())
        }
    }
}

/// `M9:` is the last line letter.
const MILTERS_MAX: usize = 9;
