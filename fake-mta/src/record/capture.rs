//! A recorded connection in the form that `fake-mta replay` reads.

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
        "config": {},
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
