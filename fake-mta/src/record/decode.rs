//! `fake-mta decode FILE`.

use std::{io, path::Path};

use milter_proto::{Command, Frame, FrameDecoder, limits};
use serde_json::Value;

use super::{
    DecodeArgs, Entry,
    pcap::{self, Conversation, Stream},
};
use crate::{
    diag::{self, Diag, escape},
    run::{Console, Exit},
};

/// Shows what is in the files.
pub fn decode(args: &DecodeArgs, console: &mut Console) -> Exit {
    let mut exit = Exit::PASSED;
    for path in &args.files {
        match file(path) {
            Ok(text) => console.results(&text),
            Err(problem) => {
                console.diags(&[problem]);
                exit = Exit::UNREADABLE;
            }
        }
    }
    exit
}

fn file(path: &Path) -> Result<String, Diag> {
    let bytes = if path == Path::new("-") {
        let read = diag::read_stream(io::stdin(), diag::MAX_CAPTURE_BYTES);
        read.map_err(|error| diag::cannot("read", Path::new("standard input"), error))?
    } else {
        diag::read_named(path, diag::MAX_CAPTURE_BYTES)?
    };
    let problem = |problem| Diag::error(format!("{}: {problem}", diag::shown(path)));
    shown(&bytes).map_err(problem)
}

fn shown(bytes: &[u8]) -> Result<String, String> {
    if pcap::is_capture(bytes) {
        return conversations(pcap::conversations(bytes)?);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.trim_start().starts_with('{') => captures(text),
        _ => stream(bytes),
    }
}

/// One capture, or one on each line.
fn captures(text: &str) -> Result<String, String> {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return Ok(capture(&value));
    }
    let values: Result<Vec<Value>, _> =
        text.lines().filter(|line| !line.is_empty()).map(serde_json::from_str).collect();
    Ok(values.map_err(|error| error.to_string())?.iter().map(capture).collect())
}

fn capture(value: &Value) -> String {
    let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or("?");
    let mut text = format!("{} ({})\n", escape(word("name")), escape(word("mta")));
    let none = Vec::new();
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).unwrap_or(&none).clone();
    for (number, filter) in list(value, "filters").iter().enumerate() {
        for connection in list(filter, "connections") {
            text.push_str(&format!("filter {}\n", number + 1));
            for packet in list(&connection, "packets") {
                text.push_str(&format!("  {}\n", escape(&packet_line(&packet))));
            }
        }
    }
    text
}

/// An entry of a capture; what is no packet is shown as it stands.
fn packet_line(packet: &Value) -> String {
    entry(packet).map_or_else(|| packet.to_string(), |entry| entry.line())
}

/// What an entry of a capture says.
pub(super) fn entry(packet: &Value) -> Option<Entry> {
    let frame = || {
        let code = packet.get(1).and_then(crate::replay::packet_code)?;
        Some(Frame { code, payload: packet.get(2).and_then(crate::replay::payload)? })
    };
    Some(match packet.get(0)?.as_str()? {
        ">" => Entry::Sent(frame()?),
        "<" => Entry::Received(frame()?),
        ">eof" | ">reset" => Entry::Closed(true),
        "<close" | "<eof" => Entry::Closed(false),
        _ => return None,
    })
}

/// The connections of a pcap file that carry milter packets.
fn conversations(found: Vec<Conversation>) -> Result<String, String> {
    let count = found.len();
    let is_offered = |stream: &Stream| {
        frames(&stream.bytes, limits::PAYLOAD_MAX_1M).0.first().is_some_and(|(frame, _)| frame.code == b'O')
    };
    let shown = found.into_iter().filter_map(|conversation| match conversation {
        forth if is_offered(&forth.from_client) => Some(conversation_text(&forth)),
        // The beginning was not captured, and the milter spoke first.
        back if back.from_client.bytes.is_empty() && is_offered(&back.from_server) => {
            Some(conversation_text(&back.turned()))
        }
        _ => None,
    });
    let text: String = shown.collect();
    if text.is_empty() {
        return Err(format!(
            "{count} TCP connections, none of which begins with milter packets (was the capture begun before the MTA connected?)"
        ));
    }
    Ok(text)
}

/// A connection, packet by packet in the order of their coming, each with its time in seconds.
fn conversation_text(conversation: &Conversation) -> String {
    let Conversation { from_client, from_server, client, server, .. } = conversation;
    let (sent, sent_left) = frames(&from_client.bytes, limits::PAYLOAD_MAX_1M);
    let (received, received_left) = frames(&from_server.bytes, limits::REPLY_PAYLOAD_MAX);
    let sent = sent.into_iter().map(|(frame, end)| (from_client.mark(end), Entry::Sent(frame)));
    let received = received.into_iter().map(|(frame, end)| (from_server.mark(end), Entry::Received(frame)));
    let mut entries: Vec<_> = sent.chain(received).collect();
    entries.sort_by_key(|(mark, _)| *mark);
    let start = entries.first().map_or(0, |(mark, _)| mark.time);
    let mut text = format!("{client} to {server}\n");
    for (mark, entry) in entries {
        let time = mark.time.saturating_sub(start);
        let (seconds, rest) = (time / 1_000_000, time % 1_000_000);
        text.push_str(&format!("  {seconds}.{rest:06} {}\n", escape(&entry.line())));
    }
    for (stream, left, who) in [(from_client, sent_left, '>'), (from_server, received_left, '<')] {
        if left > 0 {
            text.push_str(&format!("  {who} {left} bytes that are no whole packet\n"));
        }
        if stream.missing > 0 {
            text.push_str(&format!("  {who} {} bytes were not captured: zeros stand for them\n", stream.missing));
        }
    }
    text
}

/// The bytes of one direction.
fn stream(bytes: &[u8]) -> Result<String, String> {
    let (sent, left) = frames(bytes, limits::PAYLOAD_MAX_1M);
    if sent.is_empty() {
        return Err("neither a capture, nor a pcap file, nor milter packets".to_owned());
    }
    let is_mta = sent.iter().filter(|(frame, _)| Command::decode(frame).is_ok()).count() * 2 >= sent.len();
    let entries = sent.into_iter().map(|(frame, _)| if is_mta { Entry::Sent(frame) } else { Entry::Received(frame) });
    let mut text: String = entries.map(|entry| format!("{}\n", escape(&entry.line()))).collect();
    if left > 0 {
        text.push_str(&format!("{left} bytes that are no whole packet\n"));
    }
    Ok(text)
}

/// The whole packets with the place where each ends, and how many bytes are left behind them.
fn frames(bytes: &[u8], payload_max: usize) -> (Vec<(Frame, usize)>, usize) {
    let mut decoder = FrameDecoder::new(payload_max);
    decoder.push(bytes);
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = decoder.next() {
        frames.push((frame, bytes.len() - decoder.pending()));
    }
    (frames, decoder.pending())
}
