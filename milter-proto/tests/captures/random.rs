//! Properties: any split of a stream is the same stream, and no bytes do harm.

use milter_proto::{
    Command, Frame, FrameDecoder, Negotiate, Reply,
    filter::{FilterOptions, FilterSession},
    mta::MtaSession,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    filter_session::events_of,
    recording::{Recording, bytes_of, recordings},
};

/// The MTA's side of a connection whose packets are not huge.
fn stream(recording: &Recording) -> Vec<u8> {
    recording.mta_packets().filter(|frame| frame.payload.len() < 4096).flat_map(bytes_of).collect()
}

/// Frames with codes and payloads that are often nearly right.
fn any_frames() -> impl Strategy<Value = Vec<Frame>> {
    let known: Vec<Frame> = recordings()
        .iter()
        .flat_map(|recording| recording.mta_packets().chain(recording.filter_packets()))
        .filter(|frame| frame.payload.len() < 200)
        .cloned()
        .collect();
    let frame = (any::<Index>(), any::<Index>(), any::<u8>(), 0..4_u8).prop_map(move |(which, at, byte, change)| {
        let mut frame = which.get(&known).clone();
        let at = at.index(frame.payload.len() + 1);
        match change {
            0 => frame.payload.truncate(at),
            1 => frame.payload.insert(at, byte),
            2 => frame.code = byte,
            _ => {}
        }
        frame
    });
    vec(frame, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_a_stream_gives_the_same_events(which in any::<Index>(), pieces in vec(1..400_usize, 0..60)) {
        let stream = stream(which.get(recordings()));
        prop_assert_eq!(events_of(&stream, pieces), events_of(&stream, []));
        prop_assert_eq!(events_of(&stream, std::iter::repeat(1)), events_of(&stream, []));
    }

    #[test]
    fn what_is_decoded_is_encoded_to_the_same_bytes(frames in any_frames()) {
        for frame in frames {
            let mut bytes = Vec::new();
            if let Ok(command) = Command::decode(&frame) {
                command.encode(&mut bytes);
                prop_assert_eq!(&bytes, &bytes_of(&frame));
                prop_assert!(!command.to_string().chars().any(char::is_control));
            }
            bytes.clear();
            if let Ok(reply) = Reply::decode(&frame) {
                reply.encode(&mut bytes);
                prop_assert_eq!(&bytes, &bytes_of(&frame));
                prop_assert!(!reply.to_string().chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn no_packets_harm_a_filter(frames in any_frames(), tail in vec(any::<u8>(), 0..20)) {
        let mut session = FilterSession::new(FilterOptions::default());
        let mut stream = bytes_of(&Frame { code: b'O', payload: vec![0, 0, 0, 6, 0, 0, 1, 255, 0, 31, 255, 255] });
        stream.extend(frames.iter().flat_map(bytes_of));
        stream.extend(tail);
        session.receive(&stream);
        while let Ok(Some(_)) = session.next_event() {
            if session.awaits_reply() {
                session.reply(&Reply::Tempfail).expect("tempfail answers everything");
            }
        }
        session.close();
        while let Ok(Some(_)) = session.next_event() {}
        prop_assert!(session.next_event() == Ok(None));
    }

    #[test]
    fn no_packets_harm_an_mta(frames in any_frames(), tail in vec(any::<u8>(), 0..20)) {
        let mut session = MtaSession::new(Negotiate::offer(6));
        let mut out = Vec::new();
        frames.iter().for_each(|frame| session.receive(&bytes_of(frame)));
        session.receive(&tail);
        for frame in &frames {
            if let Ok(command) = Command::decode(frame) {
                // Most of them have no place: that is an error, and no more.
                let _ = session.send(&command, &mut out);
            }
            let Ok(Some(received)) = session.next_reply() else { break };
            session.agree(Negotiate::parse_lenient(&received.frame.payload));
        }
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..300), limit in 0..100_usize) {
        let mut decoder = FrameDecoder::new(limit);
        for byte in &bytes {
            decoder.push(&[*byte]);
            while let Ok(Some(frame)) = decoder.next() {
                prop_assert!(frame.payload.len() <= limit);
                let _ = (Command::decode(&frame), Reply::decode(&frame), Negotiate::parse_lenient(&frame.payload));
            }
        }
        prop_assert!(decoder.pending() <= bytes.len());
    }
}
