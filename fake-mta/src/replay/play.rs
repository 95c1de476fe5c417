//! Plays a capture's client and filters against the fake MTA.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    base,
    capture::{CUT_OFF, Capture, CapturedConnection, PACKETS_ONLY, Packet, payload, unhex},
    filter::{Medium, ScriptedFilters, Seen},
};
use crate::{
    clock::Clock,
    journal::{Event, Journal},
    message::Content,
    profile::{Mta, Submission},
    smtp::address_list,
};

/// What the fake MTA did.
pub(super) struct Outcome {
    /// What each connection saw, by filter.
    pub(super) connections: Vec<(usize, Vec<Seen>)>,
    pub(super) events: Vec<Event>,
    pub(super) clock: Clock,
}

/// Plays the capture; the error names what the fake MTA has no model of.
pub(super) async fn play(capture: &Capture, medium: Medium) -> Result<Outcome, String> {
    check_keys(capture)?;
    let settings = base::settings(capture)?;
    let clock = settings.clock;
    let filters = ScriptedFilters::new(scripts(capture)?, medium);
    let journal = Journal::new();
    let (personality, client) = (base::personality(capture)?, base::client(capture)?);
    let mut mta = Mta::new(personality, Arc::new(settings), client, Arc::clone(&filters) as _, journal.clone());
    let mut player = Player { submission: None, dot_ends: true, recipients_in_header: false };
    if !capture.client.local {
        mta.connect().await;
    }
    for entry in &capture.smtp {
        player.step(&mut mta, entry).await?;
    }
    if !mta.is_closed() && !capture.is_cut_off() {
        mta.lose_client().await;
    }
    drop(mta);
    let connections = filters.finish().await;
    Ok(Outcome { connections, events: journal.since(0), clock })
}

/// What there is no model of stands under its name.
fn check_keys(capture: &Capture) -> Result<(), String> {
    let other = capture.others.keys().find(|key| !REMARKS.contains(&key.as_str()));
    other.map_or(Ok(()), |key| Err(key.clone()))
}

fn scripts(capture: &Capture) -> Result<Vec<Vec<Vec<Packet>>>, String> {
    let connections = capture.filters.iter().map(|filter| filter.connections.iter().map(CapturedConnection::script));
    connections.map(Iterator::collect).collect()
}

struct Player {
    /// A `sendmail` command that waits for its message.
    submission: Option<Submission>,
    /// A line with nothing but a dot ends that message.
    dot_ends: bool,
    /// The recipients of that message stand in its header.
    recipients_in_header: bool,
}

impl Player {
    async fn step(&mut self, mta: &mut Mta, entry: &BTreeMap<String, Value>) -> Result<(), String> {
        for (key, value) in entry {
            let bad = || format!("smtp entry {key}: {value}");
            let text = || value.as_str().ok_or_else(bad);
            match key.as_str() {
                "s" | "s_hex" | "s_gen" | "s_close" | "note" => {}
                "c" => drop(mta.feed(format!("{}\r\n", text()?).as_bytes()).await),
                "c_hex" => drop(mta.feed(&unhex(text()?).ok_or_else(bad)?).await),
                "c_message" => self.send(mta, text()?.as_bytes()).await?,
                "c_message_hex" => self.send(mta, &unhex(text()?).ok_or_else(bad)?).await?,
                "c_message_gen" => self.send(mta, &payload(value).ok_or_else(bad)?).await?,
                "c_close" => {
                    if !mta.is_closed() {
                        mta.lose_client().await;
                    }
                }
                "tls" => mta.start_tls(tls_values(entry)),
                "auth" => {
                    let words: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                    let &[mechanism, user] = words.as_slice() else { return Err(bad()) };
                    mta.authenticate(mechanism, user);
                }
                "run" => self.run(mta, text()?).await?,
                "exit" if value.as_u64() == Some(0) => {}
                _ => return Err(key.clone()),
            }
        }
        Ok(())
    }

    /// A command on the host: `sendmail -bs`, or `sendmail` with a message on its standard input.
    async fn run(&mut self, mta: &mut Mta, command: &str) -> Result<(), String> {
        let unknown = || format!("run {command}");
        let mut words = command.split(' ');
        if words.next() != Some("sendmail") {
            return Err(unknown());
        }
        let mut submission = Submission {
            sender: base::LOCAL_USER.into(),
            recipients: Vec::new(),
            user_id: 0,
            full_name: base::LOCAL_USER.to_owned(),
        };
        while let Some(word) = words.next() {
            let mut argument = |option: &str| match &word[option.len()..] {
                "" => words.next().map(unquoted).ok_or_else(unknown),
                joined => Ok(unquoted(joined)),
            };
            match word {
                "-bs" => {
                    mta.connect().await;
                    return Ok(());
                }
                "-i" | "-oi" => self.dot_ends = false,
                "-t" => self.recipients_in_header = true,
                _ if word.starts_with("-f") => submission.sender = argument("-f")?.into(),
                _ if word.starts_with("-F") => submission.full_name = argument("-F")?.to_owned(),
                option if option.starts_with('-') => return Err(unknown()),
                recipient => submission.recipients.push(recipient.into()),
            }
        }
        self.submission = Some(submission);
        Ok(())
    }

    /// Text with LF line ends, as it goes over the wire; or the standard input of a command.
    async fn send(&mut self, mta: &mut Mta, text: &[u8]) -> Result<(), String> {
        if let Some(mut submission) = self.submission.take() {
            let text = if self.dot_ends { before_dot(text) } else { text };
            if self.recipients_in_header {
                submission.recipients.extend(recipients_in_header(text));
            }
            let taken = mta.submit(&submission, text).await;
            return taken.then_some(()).ok_or_else(|| "run sendmail".to_owned());
        }
        let mut wire = Vec::with_capacity(text.len() + text.len() / 20 + 8);
        let mut start = true;
        for &byte in text {
            if start && byte == b'.' {
                wire.push(b'.');
            }
            if byte == b'\n' {
                wire.push(b'\r');
            }
            wire.push(byte);
            start = byte == b'\n';
        }
        if !start {
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        mta.feed(&wire).await;
        Ok(())
    }
}

/// The text up to a line with nothing but a dot.
fn before_dot(text: &[u8]) -> &[u8] {
    let dot = text.windows(3).position(|bytes| bytes == b"\n.\n");
    dot.map_or(text, |at| &text[..=at])
}

/// Whom the header of a message is for.
fn recipients_in_header(text: &[u8]) -> Vec<Vec<u8>> {
    let headers = Content::parse(text).headers;
    let of_recipients =
        headers.iter().filter(|header| ["To", "Cc", "Bcc"].iter().any(|name| header.is_named(name.as_bytes())));
    of_recipients.flat_map(|header| address_list(&header.value)).collect()
}

/// A word of a command line without the quotes or the angle brackets around it.
fn unquoted(word: &str) -> &str {
    word.trim_matches(['<', '>', '\'', '"'])
}

/// The macros of a handshake, by name; or protocol and cipher as the note names them: `TLSv1.3 TLS_AES_256_GCM_SHA384`.
fn tls_values(entry: &BTreeMap<String, Value>) -> Vec<(String, String)> {
    if let Some(values) = entry.get("tls").and_then(Value::as_object) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        return values.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    }
    let note = entry.get("note").and_then(Value::as_str).unwrap_or_default();
    let words: Vec<&str> = note.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let version = words.first().copied().unwrap_or_default();
    let cipher = words.get(1).copied().unwrap_or_default();
    let bits = if cipher.contains("128") { "128" } else { "256" };
    [("tls_version", version), ("cipher", cipher), ("cipher_bits", bits)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// Keys that tell something about the capture and nothing about what happened.
const REMARKS: [&str; 6] = ["about", "version", "log_t", "note", PACKETS_ONLY, CUT_OFF];
