//! `known_deviation`: one text for all profiles, or one for each.

use super::{Fields, as_text};
use crate::{
    format,
    scenario::{KnownDeviation, node::Value, vocabulary::Unknown},
};

/// Reads the key; an empty text is none, so that a variant can take one back.
pub(super) fn read(fields: &mut Fields<'_>) -> Vec<KnownDeviation> {
    let Some(node) = fields.node(KEY) else { return Vec::new() };
    if !matches!(node.value, Value::Table(_)) {
        let reason = fields.text(KEY).filter(|reason| !reason.trim().is_empty());
        return reason.into_iter().map(|reason| KnownDeviation { only: None, reason }).collect();
    }
    let profiles = format::profiles();
    Fields::open(node, "`known_deviation`", &profiles, fields.problems());
    let mut known = Vec::new();
    for entry in node.entries() {
        let reason = fields.problems().take(as_text(&entry.node, &entry.key));
        let profile: Result<_, Unknown> = entry.key.parse();
        if let (Some(reason), Ok(only)) = (reason, profile)
            && !reason.trim().is_empty()
        {
            known.push(KnownDeviation { only: Some(only), reason });
        }
    }
    // What is said of a release comes before what is said of the MTA.
    known.sort_by_key(|known| known.only.as_ref().is_none_or(|only| only.version.is_none()));
    known
}

const KEY: &str = "known_deviation";
