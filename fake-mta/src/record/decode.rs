//! `fake-mta decode FILE`.

use std::{fs, path::Path};

use milter_proto::{Command, FrameDecoder, limits};
use serde_json::Value;

use super::{DecodeArgs, Entry, pcap};
use crate::{
    diag::{Diag, escape},
    run::{Console, Exit},
};

/// Shows what is in the files.
pub fn decode(args: &DecodeArgs, console: &mut Console) -> Exit {
    let mut exit = Exit::PASSED;
    for path in &args.files {
        match file(path) {
            Ok(text) => console.results(&text),
            Err(problem) => {
                console.diags(&[Diag::error(format!("{}: {problem}", path.display()))]);
                exit = Exit::UNREADABLE;
            }
        }
    }
    exit
}

fn file(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    if pcap::is_pcap(&bytes) {
        return pcap::conversations(&bytes).map(|found| found.iter().map(conversation).collect());
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.trim_start().starts_with('{') => captures(text),
        _ => stream(&bytes),
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
    let word = |index: usize| packet.get(index).and_then(Value::as_str);
    let code = packet.get(1).and_then(crate::replay::packet_code);
    let payload = packet.get(2).and_then(crate::replay::payload);
    match (word(0), code, payload) {
        (Some(">"), Some(code), Some(payload)) => Entry::Sent(milter_proto::Frame { code, payload }).line(),
        (Some("<"), Some(code), Some(payload)) => Entry::Received(milter_proto::Frame { code, payload }).line(),
        (Some(">eof" | ">reset"), ..) => Entry::Closed(true).line(),
        (Some("<close" | "<eof"), ..) => Entry::Closed(false).line(),
        _ => packet.to_string(),
    }
}

/// A connection of a pcap file. Time is not kept: each side's packets go on until the other has to answer.
fn conversation(conversation: &pcap::Conversation) -> String {
    let sent = frames(&conversation.from_client, limits::PAYLOAD_MAX_1M);
    let received = frames(&conversation.from_server, limits::REPLY_PAYLOAD_MAX);
    if sent.0.first().is_none_or(|frame| frame.code != b'O') {
        return String::new();
    }
    let mut text = format!("{}\n", conversation.title);
    let mut answers = received.0.into_iter();
    for frame in sent.0 {
        let command = Command::decode(&frame);
        let is_answered = answers_to(&command);
        text.push_str(&format!("  {}\n", escape(&Entry::Sent(frame).line())));
        if is_answered {
            for answer in answers.by_ref() {
                let is_last =
                    milter_proto::Reply::decode(&answer).is_ok_and(|reply| reply.is_final()) || answer.code == b'O';
                text.push_str(&format!("  {}\n", escape(&Entry::Received(answer).line())));
                if is_last {
                    break;
                }
            }
        }
    }
    for answer in answers {
        text.push_str(&format!("  {}\n", escape(&Entry::Received(answer).line())));
    }
    for (left, who) in [(sent.1, "> "), (received.1, "< ")] {
        if left > 0 {
            text.push_str(&format!("  {who}{left} bytes that are no whole packet\n"));
        }
    }
    text
}

/// Whether a filter that negotiated nothing away answers to it.
fn answers_to(command: &Result<Command, milter_proto::DecodeError>) -> bool {
    !matches!(command, Ok(Command::Macro { .. } | Command::Abort | Command::Quit | Command::QuitNc))
}

/// The bytes of one direction.
fn stream(bytes: &[u8]) -> Result<String, String> {
    let (sent, left) = frames(bytes, limits::PAYLOAD_MAX_1M);
    if sent.is_empty() {
        return Err("neither a capture, nor a pcap file, nor milter packets".to_owned());
    }
    let is_mta = sent.iter().filter(|frame| Command::decode(frame).is_ok()).count() * 2 >= sent.len();
    let entries = sent.into_iter().map(|frame| if is_mta { Entry::Sent(frame) } else { Entry::Received(frame) });
    let mut text: String = entries.map(|entry| format!("{}\n", escape(&entry.line()))).collect();
    if left > 0 {
        text.push_str(&format!("{left} bytes that are no whole packet\n"));
    }
    Ok(text)
}

/// The whole packets, and how many bytes are left behind them.
fn frames(bytes: &[u8], payload_max: usize) -> (Vec<milter_proto::Frame>, usize) {
    let mut decoder = FrameDecoder::new(payload_max);
    decoder.push(bytes);
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = decoder.next() {
        frames.push(frame);
    }
    (frames, decoder.pending())
}
