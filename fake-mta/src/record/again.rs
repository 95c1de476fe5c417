//! What was captured of real MTAs, recorded again: packets alone are left of each session, and they replay equal.

use std::{fs, path::Path};

use milter_proto::{FrameDecoder, limits};
use serde_json::Value;

use super::{Entry, capture, decode::entry, seen::Recording, story::Story};
use crate::replay::{Capture, Medium, Verdict, payload, replay};

/// Each connection of the captures, as a recorder would have seen it.
fn connections(mta: &str) -> Vec<(String, Vec<Entry>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/captures").join(format!("{mta}.jsonl"));
    let text = fs::read_to_string(path).expect("captures");
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let capture: Value = serde_json::from_str(line).expect("a capture");
        let name = capture["name"].as_str().expect("a name");
        for (number, filter) in capture["filters"].as_array().expect("filters").iter().enumerate() {
            for (turn, connection) in filter["connections"].as_array().expect("connections").iter().enumerate() {
                let packets = connection["packets"].as_array().expect("packets");
                found.push((format!("{mta}/{name}/{number}/{turn}"), packets.iter().flat_map(entries).collect()));
            }
        }
    }
    found
}

/// What a recorder sees of an entry: bytes that the filter sent as they were may be several packets.
fn entries(packet: &Value) -> Vec<Entry> {
    if packet[0] != "<raw" {
        return entry(packet).into_iter().collect();
    }
    let mut decoder = FrameDecoder::new(limits::PAYLOAD_MAX_1M);
    decoder.push(&payload(&packet[2]).expect("bytes"));
    std::iter::from_fn(|| decoder.next().ok().flatten()).map(Entry::Received).collect()
}

async fn again(name: &str, entries: &[Entry]) -> (Verdict, String) {
    let recording = Recording { number: 1, entries: entries.to_vec(), cut_off: None };
    let mut text = Vec::new();
    capture::write(&mut text, name, &recording, &Story::of(entries)).expect("memory takes it");
    let capture = Capture::parse(std::str::from_utf8(&text).expect("text")).expect("a capture");
    let judged = replay(&capture, Medium::Memory).await;
    (judged.verdict(), judged.to_string())
}

#[test]
fn what_real_mtas_sent_replays_equal_when_it_is_recorded_again() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let connections: Vec<_> = ["sendmail", "postfix"].iter().flat_map(|mta| connections(mta)).collect();
    assert!(connections.len() > 500, "{} connections", connections.len());
    for (name, entries) in connections {
        let (verdict, text) = runtime.block_on(again(&name, &entries));
        let wanted = if UNTOLD.contains(&name.as_str()) { Verdict::Differs } else { Verdict::Equal };
        assert_eq!(verdict, wanted, "{text}");
    }
}

/// Sessions of which the packets do not tell all: a user at `sendmail -bs`, the sizes of fields without their leading space, XCLIENT.
const UNTOLD: [&str; 4] =
    ["sendmail/sm-stdin-bs/0/0", "sendmail/symlist-all/0/0", "postfix/pf-xclient/0/0", "postfix/pf-xclient/0/1"];
