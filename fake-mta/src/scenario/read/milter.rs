//! The `[milter]` table of a scenario: what it hands to the milter under test.

use super::Fields;
use crate::{
    diag::Diag,
    scenario::{
        MilterSection,
        node::{Node, Value},
        problems::Problems,
    },
};

/// Reads the table; everything in it may be left out.
pub(super) fn read(node: Option<&Node>, problems: &mut Problems) -> MilterSection {
    let Some(node) = node else { return MilterSection::default() };
    for key in ["command", "build", "config_file", "files", "netns", "process"] {
        if let Some(wrong) = node.entries().iter().find(|entry| entry.key == key) {
            let diag = Diag::error(format!("`{key}` belongs in fake-mta.toml")).label(&wrong.key_span, "");
            problems.add(diag.help("the milter under test is named once for all scenarios of a folder"));
            return MilterSection::default();
        }
    }
    let mut fields = Fields::open(node, "[milter] of a scenario", &["config", "args", "env"], problems);
    let config = fields.node("config");
    MilterSection {
        config: config.and_then(|config| fields.problems().take(to_toml_table(config, "[milter.config]"))),
        args: fields.texts("args").unwrap_or_default(),
        env: fields.strings("env", "[milter.env]"),
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
