//! Every packet is read, and comes out again byte for byte.

use std::collections::BTreeMap;

use milter_proto::{Command, Frame, FrameDecoder, Reply};

use super::recording::{Entry, bytes_of, recordings};

/// How many packets of each code there are.
type Counts = BTreeMap<char, usize>;

#[test]
fn every_command_comes_out_as_it_went_in() {
    let mut counts = Counts::new();
    for recording in recordings() {
        for frame in recording.mta_packets() {
            let command = Command::decode(frame).unwrap_or_else(|error| panic!("{}: {error}", recording.name));
            let mut bytes = Vec::new();
            command.encode(&mut bytes);
            assert!(bytes == bytes_of(frame), "{}: {command}", recording.name);
            assert_eq!(command.code(), frame.code);
            count(&mut counts, frame);
        }
    }
    insta::assert_snapshot!(shown(&counts));
}

#[test]
fn every_well_formed_reply_comes_out_as_it_went_in() {
    let mut counts = Counts::new();
    for recording in recordings() {
        for frame in recording.filter_packets() {
            let Ok(reply) = Reply::decode(frame) else { continue };
            let mut bytes = Vec::new();
            reply.encode(&mut bytes);
            assert!(bytes == bytes_of(frame), "{}: {reply}", recording.name);
            assert_eq!(reply.code(), frame.code);
            assert_eq!(reply.payload_size(), frame.payload.len());
            count(&mut counts, frame);
        }
    }
    insta::assert_snapshot!(shown(&counts));
}

#[test]
fn streams_are_cut_into_the_packets_they_were_made_of() {
    for recording in recordings() {
        let frames: Vec<&Frame> = recording.mta_packets().collect();
        let mut decoder = FrameDecoder::new(milter_proto::limits::PAYLOAD_MAX);
        for frame in &frames {
            decoder.push(&bytes_of(frame));
        }
        for frame in frames {
            assert_eq!(decoder.next().as_ref(), Ok(&Some(frame.clone())), "{}", recording.name);
        }
        assert_eq!(decoder.pending(), 0);
    }
}

#[test]
fn transcripts_read_like_this() {
    let recording = recordings().iter().find(|recording| recording.name == "postfix replbody-then-header 0 0");
    let recording = recording.expect("the recording is there");
    let lines: Vec<String> = recording
        .entries
        .iter()
        .map(|entry| match entry {
            Entry::FromMta(frame) => format!("> {}", Command::decode(frame).expect("a command")),
            Entry::FromFilter(frame) => format!("< {}", Reply::decode(frame).expect("a reply")),
            Entry::Raw(_) => "< raw".to_owned(),
            Entry::Closed => "closed".to_owned(),
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

fn count(counts: &mut Counts, frame: &Frame) {
    *counts.entry(char::from(frame.code)).or_default() += 1;
}

fn shown(counts: &Counts) -> String {
    let lines: Vec<_> = counts.iter().map(|(code, count)| format!("{code} {count}")).collect();
    format!("{}\n{} packets", lines.join("\n"), counts.values().sum::<usize>())
}
