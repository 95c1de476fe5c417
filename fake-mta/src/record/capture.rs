//! A recorded connection in the form that `fake-mta replay` reads.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use milter_proto::{Command, Frame};
use serde_json::{Value, json};

use super::{Entry, scenario::Story};

/// The capture as JSON. The SMTP side of it is what the packets tell of it; the MTA's replies are not known.
pub(super) fn capture(name: &str, entries: &[Entry], story: &Story) -> Value {
    let packets: Vec<Value> = entries.iter().map(packet).collect();
    json!({
        "name": name,
        "mta": mta(entries),
        "group": "basic",
        "about": "Recorded between an MTA and a milter: packets alone.",
        "config": surroundings(entries),
        "volatile": { "queue_id": values(entries, "i") },
        "client": story.client(),
        "smtp": story.smtp(),
        "filters": [{ "connections": [{ "packets": packets }] }],
        "delivered": [],
        "log": [],
        "packets_only": true,
    })
}

fn packet(entry: &Entry) -> Value {
    let frame = |arrow: &str, frame: &Frame| {
        json!([arrow, char::from(frame.code).to_string(), HEXLOWER.encode(&frame.payload)])
    };
    match entry {
        Entry::Sent(sent) => frame(">", sent),
        Entry::Received(received) => frame("<", received),
        Entry::Raw(true, bytes) => json!([">raw", HEXLOWER.encode(bytes)]),
        Entry::Raw(false, bytes) => json!(["<raw", "", HEXLOWER.encode(bytes)]),
        Entry::Closed(true) => json!([">eof"]),
        Entry::Closed(false) => json!(["<close"]),
    }
}

/// Postfix says who it is in the macro `v`; sendmail never sends it a name of that kind.
fn mta(entries: &[Entry]) -> &'static str {
    let is_postfix = entries.iter().any(|entry| match entry {
        Entry::Sent(frame) => matches!(Command::decode(frame), Ok(Command::Macro { pairs, .. })
            if pairs.iter().any(|(name, value)| name == b"v" && value.starts_with(b"Postfix"))),
        _ => false,
    });
    if is_postfix { "postfix" } else { "sendmail" }
}

/// What the macros tell of the MTA's configuration: its name, which macros it sends at which stage, and the values that are not of the
/// message.
fn surroundings(entries: &[Entry]) -> Value {
    let mut lists: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (for_command, pairs) in entries.iter().filter_map(macros) {
        let Some((_, stage)) = STAGES.iter().find(|(code, _)| *code == for_command) else { continue };
        let list = lists.entry(stage).or_default();
        for name in pairs.into_iter().map(|(name, _)| name) {
            if !list.contains(&name) {
                list.push(name);
            }
        }
    }
    // Nothing to send may also mean that none of the usual ones had a value.
    lists.retain(|_, names| !names.is_empty());
    let settled = FIXED.iter().filter_map(|name| {
        let mut values = values(entries, name).into_iter();
        let value = values.next().filter(|_| values.len() == 0)?;
        Some(((*name).to_owned(), Value::String(value)))
    });
    let mut config = json!({ "macros": serde_json::Map::from_iter(settled), "macro_lists": lists });
    if let Some(hostname) = values(entries, "j").into_iter().next() {
        config["hostname"] = Value::String(hostname);
    }
    config
}

/// All values that a macro had.
fn values(entries: &[Entry], name: &str) -> BTreeSet<String> {
    let pairs = entries.iter().filter_map(macros).flat_map(|(_, pairs)| pairs);
    pairs.filter(|(given, _)| given.trim_matches(['{', '}']) == name).map(|(_, value)| value).collect()
}

fn macros(entry: &Entry) -> Option<(u8, Vec<(String, String)>)> {
    let Entry::Sent(frame) = entry else { return None };
    let Ok(Command::Macro { for_command, pairs }) = Command::decode(frame) else { return None };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((for_command, pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect()))
}

/// The stages whose lists an administrator can set, by the command that the macros go with.
const STAGES: [(u8, &str); 7] =
    [(b'C', "connect"), (b'H', "helo"), (b'M', "mail"), (b'R', "rcpt"), (b'T', "data"), (b'N', "eoh"), (b'E', "eom")];

/// Macros whose values come from the MTA's configuration and not from the message.
const FIXED: [&str; 15] = [
    "j",
    "v",
    "daemon_name",
    "daemon_addr",
    "daemon_port",
    "if_name",
    "if_addr",
    "auth_type",
    "auth_authen",
    "auth_author",
    "auth_ssf",
    "mail_host",
    "mail_mailer",
    "rcpt_host",
    "rcpt_mailer",
];
