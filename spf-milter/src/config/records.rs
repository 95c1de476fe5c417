//! The table `records`.

use std::cmp::Reverse;
use std::sync::Arc;

use spf::Record;
use toml::Spanned;
use toml::de::DeValue;

use super::table::TableReader;
use crate::diagnostic::Problem;
use crate::judge::LocalRecords;
use crate::pattern::Pattern;

/// Reads the administrator's own records; none if there are none.
pub(super) fn read_records(reader: &mut TableReader<'_>) -> Option<LocalRecords> {
    let mut table = reader.table("records")?;
    let records = LocalRecords {
        overrides: read_table(&mut table, "override"),
        fallbacks: read_table(&mut table, "fallback"),
        guess: read_guess(&mut table),
    };
    table.finish();
    let is_empty = records.overrides.is_empty() && records.fallbacks.is_empty() && records.guess.is_none();
    (!is_empty).then_some(records)
}

/// Domains and their records; the most exact pattern goes first.
fn read_table(table: &mut TableReader<'_>, key: &'static str) -> Vec<(Pattern, Arc<Record>)> {
    let mut entries = table.entries(key);
    entries
        .sort_by_key(|entry| (entry.key.contains(['*', '?']) || entry.key.starts_with('.'), Reverse(entry.key.len())));
    let mut list = Vec::new();
    for entry in entries {
        let pattern = match Pattern::parse(entry.key) {
            Ok(_) if entry.key.contains('@') => Err("a pattern for domains must not hold an @".to_owned()),
            parsed => parsed.map_err(|error| error.to_string()),
        };
        let pattern = table.keep(pattern.map_err(|what| Problem::new(entry.place, what)));
        let record = record(table, key, entry.value);
        list.extend(pattern.zip(record));
    }
    list
}

/// False, true for the usual guess, or a record.
fn read_guess(table: &mut TableReader<'_>) -> Option<Arc<Record>> {
    let key = "best_guess";
    let value = table.value(key)?;
    match value.get_ref() {
        DeValue::Boolean(false) => None,
        DeValue::Boolean(true) => Record::parse(BEST_GUESS).ok().map(Arc::new),
        _ => record(table, key, value),
    }
}

fn record(table: &TableReader<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Arc<Record>> {
    let Some(text) = value.get_ref().as_str() else {
        return table.wrong_type(key, "an SPF record", value);
    };
    let parsed = Record::parse(text).map_err(|error| {
        // A string without escapes stands in the file as it is, behind one quote.
        let start = value.span().start + 1 + error.offset;
        let plain = value.span().len() == text.len() + 2;
        let place = if plain { start..start + 1 } else { value.span() };
        Problem::new(place, format!("not an SPF record: {}", error.kind))
    });
    table.keep(parsed).map(Arc::new)
}

/// The record that has been taken for a guess since 2004.
const BEST_GUESS: &str = "v=spf1 a/24 mx/24 ptr";
