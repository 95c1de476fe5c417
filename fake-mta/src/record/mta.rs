//! What the packets of a connection tell of the MTA: which one it is, and how it is set up.

use std::collections::{BTreeMap, BTreeSet};

use milter_proto::{Command, MacroStage, Reply};

use super::Entry;
use crate::profile::Personality;

/// Postfix or sendmail. The macro `v` names them, unless somebody has set it or it is not sent; Postfix alone sends macros with header
/// fields, the body and unknown commands, and calls a client without a name unknown.
pub(super) fn personality(entries: &[Entry]) -> Personality {
    let version = values(entries, "v").into_iter().next().unwrap_or_default();
    let is_sendmail = version.starts_with("8.") || !values(entries, "if_name").is_empty();
    let is_of_postfix = |(stage, _): (u8, Vec<(String, String)>)| matches!(stage, b'L' | b'B' | b'U');
    let is_postfix = entries.iter().filter_map(macros).any(is_of_postfix)
        || values(entries, "_").iter().any(|client| client.starts_with("unknown ["));
    if version.starts_with("Postfix") || (is_postfix && !is_sendmail) {
        Personality::Postfix
    } else {
        Personality::Sendmail
    }
}

/// The protocol version that the MTA offers.
pub(super) fn offered_version(entries: &[Entry]) -> Option<u32> {
    entries.iter().find_map(|entry| match entry {
        Entry::Sent(frame) => match Command::decode(frame) {
            Ok(Command::Negotiate(offer)) => Some(offer.version),
            _ => None,
        },
        _ => None,
    })
}

/// What the MTA calls itself.
pub(super) fn hostname(entries: &[Entry]) -> Option<String> {
    values(entries, "j").into_iter().next()
}

/// All values that a macro had.
pub(super) fn values(entries: &[Entry], name: &str) -> BTreeSet<String> {
    let pairs = entries.iter().filter_map(macros).flat_map(|(_, pairs)| pairs);
    pairs.filter(|(given, _)| bare(given) == name).map(|(_, value)| value).collect()
}

/// The name of a macro without its braces.
pub(super) fn bare(name: &str) -> &str {
    name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name)
}

/// The macros that were sent at each stage, all packets of a stage taken together. Nothing is said of a stage that had none: that
/// may also mean that none of the usual ones had a value.
pub(super) fn macro_lists(entries: &[Entry]) -> BTreeMap<&'static str, Vec<String>> {
    let mut lists: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (for_command, pairs) in entries.iter().filter_map(macros) {
        let Some((_, stage, _)) = STAGES.iter().find(|(code, ..)| *code == for_command) else { continue };
        merge(lists.entry(stage).or_default(), pairs.into_iter().map(|(name, _)| name));
    }
    lists.retain(|_, names| !names.is_empty());
    lists
}

/// Puts names that are new behind those that they followed.
fn merge(list: &mut Vec<String>, names: impl Iterator<Item = String>) {
    let mut at = 0;
    for name in names {
        match list.iter().position(|known| *known == name) {
            Some(known) => at = known + 1,
            None => {
                list.insert(at, name);
                at += 1;
            }
        }
    }
}

/// Of those lists the ones that the administrator must have set: not what this MTA sends anyway, nor what the filter has asked for.
pub(super) fn set_macro_lists(entries: &[Entry], mta: Personality) -> BTreeMap<&'static str, Vec<String>> {
    let asked = asked_stages(entries);
    let mut lists = macro_lists(entries);
    lists.retain(|stage, names| {
        let Some((_, _, stage)) = STAGES.iter().find(|(_, name, _)| name == stage) else { return false };
        let mut usual = mta.default_macros(*stage).iter();
        let is_usual = names.iter().all(|name| usual.any(|known| known == name));
        !is_usual && !asked.contains(&(*stage as u32))
    });
    lists
}

/// The stages for which the filter has chosen macros.
fn asked_stages(entries: &[Entry]) -> BTreeSet<u32> {
    let answers = entries.iter().filter_map(|entry| match entry {
        Entry::Received(frame) => match Reply::decode(frame) {
            Ok(Reply::Negotiate(agreed)) => Some(agreed.symlists),
            _ => None,
        },
        _ => None,
    });
    answers.flatten().map(|(stage, _)| stage).collect()
}

/// The stage and the pairs of a packet of macros.
pub(super) fn macros(entry: &Entry) -> Option<(u8, Vec<(String, String)>)> {
    let Entry::Sent(frame) = entry else { return None };
    let Ok(Command::Macro { for_command, pairs }) = Command::decode(frame) else { return None };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((for_command, pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect()))
}

/// The stages whose lists an administrator can set, by the command that the macros go with.
const STAGES: [(u8, &str, MacroStage); 7] = [
    (b'C', "connect", MacroStage::Connect),
    (b'H', "helo", MacroStage::Helo),
    (b'M', "mail", MacroStage::Envfrom),
    (b'R', "rcpt", MacroStage::Envrcpt),
    (b'T', "data", MacroStage::Data),
    (b'N', "eoh", MacroStage::Eoh),
    (b'E', "eom", MacroStage::Eom),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_several_packets_are_merged_in_their_order() {
        let mut list = Vec::new();
        for names in [&["i", "{mail_addr}"][..], &["i", "{auth_type}", "{mail_addr}"], &["x", "i"]] {
            merge(&mut list, names.iter().map(|&name| name.to_owned()));
        }
        assert_eq!(list, ["x", "i", "{auth_type}", "{mail_addr}"]);
    }
}
