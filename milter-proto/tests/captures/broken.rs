//! Every packet that some filter broke on purpose, and what is said about it.

use milter_proto::{FrameDecoder, Reply, limits};

use super::recording::{Entry, recordings};

#[test]
fn broken_packets_give_these_errors() {
    let mut lines = Vec::new();
    for recording in recordings() {
        for frame in recording.filter_packets() {
            if let Err(error) = Reply::decode(frame) {
                lines.push(format!("{}: {error}", recording.name));
            }
        }
    }
    lines.push(format!("{} packets", lines.len()));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn bytes_that_are_not_one_packet_give_these_errors() {
    let mut lines = Vec::new();
    for recording in recordings() {
        for entry in &recording.entries {
            if let Entry::Raw(bytes) = entry {
                lines.push(format!("{}: {}", recording.name, outcome(bytes)));
            }
        }
    }
    lines.push(format!("{} entries", lines.len()));
    insta::assert_snapshot!(lines.join("\n"));
}

fn outcome(bytes: &[u8]) -> String {
    let mut decoder = FrameDecoder::new(limits::REPLY_PAYLOAD_MAX);
    decoder.push(bytes);
    let mut packets = 0;
    loop {
        match decoder.next() {
            Ok(Some(_)) => packets += 1,
            Ok(None) => return format!("{packets} packets, {} bytes of an unfinished one", decoder.pending()),
            Err(error) => return error.to_string(),
        }
    }
}
