//! A recorded connection in the form that `fake-mta replay` reads.

use std::{
    collections::BTreeSet,
    fmt,
    io::{self, Write},
};

use milter_proto::Frame;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{
    Entry, mta, routes,
    seen::Recording,
    story::{Said, Session, Story},
};
use crate::profile::Personality;

/// Writes the capture as JSON, piece by piece: a body may be long. The SMTP side of it is what the packets tell of it; the MTA's
/// replies are not known.
///
/// # Errors
/// What `out` says.
pub(super) fn write(out: &mut impl Write, name: &str, recording: &Recording, story: &Story) -> io::Result<()> {
    let entries = &recording.entries;
    let mta = mta::personality(entries);
    let capture = Capture {
        name,
        mta: if mta == Personality::Postfix { "postfix" } else { "sendmail" },
        group: "basic",
        about: "Recorded between an MTA and a milter: packets alone.",
        cut_off: recording.cut_off.as_deref(),
        config: config(entries, story),
        volatile: volatile(entries, story),
        client: client(story.sessions().first()),
        smtp: smtp(recording, story),
        filters: [Filter { connections: [Connection { packets: entries.iter().map(packet).collect() }] }],
        packets_only: true,
    };
    serde_json::to_writer_pretty(&mut *out, &capture)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Capture<'a> {
    name: &'a str,
    mta: &'static str,
    group: &'static str,
    about: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_off: Option<&'a str>,
    config: Value,
    volatile: Value,
    client: Value,
    smtp: Vec<Step<'a>>,
    filters: [Filter<'a>; 1],
    packets_only: bool,
}

#[derive(Serialize)]
struct Filter<'a> {
    connections: [Connection<'a>; 1],
}

#[derive(Serialize)]
struct Connection<'a> {
    packets: Vec<Packet<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Packet<'a> {
    Close([&'static str; 1]),
    RawOfMta(&'static str, Hex<'a>),
    Frame(&'static str, String, Hex<'a>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Step<'a> {
    Plain(Value),
    Message { c_message_hex: Hex<'a> },
    Line { c_hex: Hex<'a> },
}

/// Bytes that are written in hex.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chunks(1024).try_for_each(|chunk| f.write_str(&data_encoding::HEXLOWER.encode(chunk)))
    }
}

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn packet(entry: &Entry) -> Packet<'_> {
    let frame = |arrow, frame: &'_ Frame| (arrow, char::from(frame.code).to_string());
    match entry {
        Entry::Sent(sent) => {
            let (arrow, code) = frame(">", sent);
            Packet::Frame(arrow, code, Hex(&sent.payload))
        }
        Entry::Received(received) => {
            let (arrow, code) = frame("<", received);
            Packet::Frame(arrow, code, Hex(&received.payload))
        }
        Entry::Raw(true, bytes) => Packet::RawOfMta(">raw", Hex(bytes)),
        Entry::Raw(false, bytes) => Packet::Frame("<raw", String::new(), Hex(bytes)),
        Entry::Closed(true) => Packet::Close([">eof"]),
        Entry::Closed(false) => Packet::Close(["<close"]),
    }
}

/// Who connected.
fn client(session: Option<&Session>) -> Value {
    if session.is_some_and(|session| session.is_local) {
        return json!({ "local": true });
    }
    let hostname = session.and_then(|session| session.hostname.as_deref());
    json!({
        "address": session.and_then(|session| session.ip.as_deref()).unwrap_or("127.0.0.2"),
        "port": session.map_or(0, |session| session.port),
        "hostname": hostname,
        "dns": match hostname {
            Some(_) if session.is_some_and(|session| session.is_forged) => "forged",
            Some(_) => "ok",
            None => "none",
        },
    })
}

/// Queue ids, the message ids that the MTA makes of them, and its dates.
fn volatile(entries: &[Entry], story: &Story) -> Value {
    let queue_ids = mta::values(entries, "i");
    let is_made = |id: &String| queue_ids.iter().any(|queue_id| id.contains(&format!(".{queue_id}@")));
    let mut message_ids: BTreeSet<String> = mta::values(entries, "msg_id").into_iter().filter(is_made).collect();
    let (mut dates, moments) = (mta::values(entries, "b"), mta::values(entries, "t"));
    for (name, value) in story.made() {
        let value = String::from_utf8_lossy(value).into_owned();
        match name.to_ascii_lowercase().as_slice() {
            b"message-id" => drop(message_ids.insert(value)),
            b"date" => drop(dates.insert(value)),
            _ => {}
        }
    }
    json!({ "queue_id": queue_ids, "message_id": message_ids, "date": dates, "date_t_macro": moments })
}

/// What the client must have said.
fn smtp<'a>(recording: &Recording, story: &'a Story) -> Vec<Step<'a>> {
    let Some(session) = story.sessions().first() else { return Vec::new() };
    if session.is_local {
        return submission(session, story.messages());
    }
    let mut entries = Vec::new();
    for step in &session.steps {
        match &step.said {
            Said::Connect => {}
            Said::Line(line) => entries.push(match std::str::from_utf8(line) {
                Ok(text) => Step::Plain(json!({ "c": text })),
                Err(_) => Step::Line { c_hex: Hex(line) },
            }),
            Said::Message(number) => {
                entries.push(Step::Plain(json!({ "c": "DATA" })));
                entries.push(Step::Message { c_message_hex: Hex(&story.messages()[*number]) });
            }
            Said::Tls(values) => {
                // Without a greeting before it TLS was there from the first byte.
                if !entries.is_empty() {
                    entries.push(Step::Plain(json!({ "c": "STARTTLS" })));
                }
                let values: serde_json::Map<String, Value> =
                    values.iter().cloned().map(|(name, value)| (name, value.into())).collect();
                entries.push(Step::Plain(json!({ "tls": values })));
            }
            Said::Auth { mechanism, user } => entries.push(Step::Plain(json!({ "auth": [mechanism, user] }))),
        }
    }
    if recording.cut_off.is_none() {
        entries.extend([json!({ "c": "QUIT" }), json!({ "c_close": true })].map(Step::Plain));
    }
    entries
}

/// The command of a user who handed in a message.
fn submission<'a>(session: &Session, messages: &'a [Vec<u8>]) -> Vec<Step<'a>> {
    let mut command = String::from("sendmail -i");
    let mut text: &[u8] = b"";
    for step in &session.steps {
        match &step.said {
            Said::Line(line) => {
                let line = String::from_utf8_lossy(line);
                let path = |verb: &str| line.strip_prefix(verb).map(|path| path.split(' ').next().unwrap_or_default());
                command.extend(path("MAIL FROM:").map(|sender| format!(" -f {sender}")));
                command.extend(path("RCPT TO:").map(|recipient| format!(" {recipient}")));
            }
            Said::Message(number) => text = &messages[*number],
            _ => {}
        }
    }
    vec![Step::Plain(json!({ "run": command })), Step::Message { c_message_hex: Hex(text) }]
}

/// What the macros tell of the MTA's configuration: its name, which macros it sends at which stage, and the values that are not of
/// the message.
fn config(entries: &[Entry], story: &Story) -> Value {
    let settled = FIXED.iter().filter_map(|name| {
        let mut values = mta::values(entries, name).into_iter();
        let value = values.next().filter(|_| values.len() == 0)?;
        Some(((*name).to_owned(), Value::String(value)))
    });
    let routes = routes::values(entries, mta::personality(entries)).into_iter().map(|(name, values)| {
        let values = match values {
            routes::Values::Same(value) => value.into(),
            routes::Values::Of(values) => json!(values),
        };
        (name.to_owned(), values)
    });
    let macros: serde_json::Map<String, Value> = settled.chain(routes).collect();
    let mut config = json!({ "macros": macros, "macro_lists": mta::macro_lists(entries) });
    if let Some(hostname) = mta::hostname(entries) {
        config["hostname"] = Value::String(hostname);
    }
    let unknown = routes::unknown_recipients(entries);
    if !unknown.is_empty() {
        config["unknown_recipients"] = json!(unknown);
    }
    let is_local = story.sessions().first().is_some_and(|session| session.is_local);
    if is_local {
        // Where the filter really listens is not known, and makes no difference.
        config["non_smtpd_milters"] = "inet:127.0.0.1:9900".into();
    }
    if !story.made().is_empty() && !is_local {
        config["always_add_missing_headers"] = "yes".into();
    }
    if let Some(version) = mta::offered_version(entries).filter(|version| *version != 6) {
        config["protocol_version"] = version.into();
    }
    config
}

/// Macros whose values come from the MTA's configuration, or from what is not recorded, and not from the message.
const FIXED: [&str; 12] = [
    "j",
    "v",
    "daemon_name",
    "daemon_addr",
    "daemon_port",
    "if_name",
    "if_addr",
    "client_connections",
    "auth_type",
    "auth_authen",
    "auth_author",
    "auth_ssf",
];
