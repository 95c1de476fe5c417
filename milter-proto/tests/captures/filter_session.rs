//! Every recorded connection passes the filter's session.

use milter_proto::{
    Frame, Negotiate, Reply, codes,
    filter::{Event, FilterOptions, FilterSession},
};

use super::recording::{Entry, Recording, bytes_of, recordings};

#[test]
fn every_recorded_mta_is_understood_and_gets_the_recorded_answers() {
    let (mut alike, mut events) = (0, 0);
    let recordings = recordings();
    let mut others = Vec::new();
    for recording in recordings {
        let replay = Replay::new(recording).run();
        events += replay.events;
        if replay.output == replay.recorded {
            alike += 1;
        } else {
            others.push(recording.name.as_str());
        }
    }
    let head =
        format!("{} connections, {events} events, {alike} with the recorded answers to the byte", recordings.len());
    insta::assert_snapshot!(format!(
        "{head}\nother answers, because the recorded filter broke the rules:\n{}",
        others.join("\n")
    ));
}

/// Plays a recording against a session that gives the recorded answers, as far as they are allowed.
struct Replay<'a> {
    recording: &'a Recording,
    session: FilterSession,
    output: Vec<u8>,
    recorded: Vec<u8>,
    events: usize,
}

impl<'a> Replay<'a> {
    fn new(recording: &'a Recording) -> Self {
        let session = FilterSession::new(options(recording));
        Self { recording, session, output: Vec::new(), recorded: Vec::new(), events: 0 }
    }

    fn run(mut self) -> Self {
        for entry in &self.recording.entries {
            match entry {
                Entry::FromMta(frame) => self.receive(frame),
                Entry::FromFilter(frame) => self.answer(frame),
                Entry::Raw(bytes) => self.recorded.extend(bytes),
                Entry::Closed => {}
            }
        }
        assert_eq!(self.session.pending(), 0, "{}", self.recording.name);
        self
    }

    fn receive(&mut self, frame: &Frame) {
        if self.session.awaits_reply() {
            self.session.reply(&Reply::Continue).expect("continue answers everything");
        }
        self.session.receive(&bytes_of(frame));
        loop {
            match self.session.next_event() {
                Ok(Some(_)) => self.events += 1,
                Ok(None) => break,
                Err(error) => panic!("{}: {error}", self.recording.name),
            }
        }
        self.output.extend(self.session.take_output());
    }

    fn answer(&mut self, frame: &Frame) {
        self.recorded.extend(bytes_of(frame));
        let Ok(reply) = Reply::decode(frame) else { return };
        if self.session.awaits_reply() && self.session.reply(&reply).is_ok() {
            self.output.extend(self.session.take_output());
        }
    }
}

/// What the recorded filter asked for, if it could be had.
fn options(recording: &Recording) -> FilterOptions {
    let answer = recording.filter_packets().find(|frame| frame.code == codes::NEGOTIATE);
    let wanted = answer.map(|frame| Negotiate::parse_lenient(&frame.payload)).unwrap_or_default();
    let lists = wanted.symlists.iter().filter_map(|(stage, names)| {
        let stage = milter_proto::MacroStage::from_u32(*stage)?;
        Some((stage, String::from_utf8(names.clone()).expect("recorded macro names are ASCII")))
    });
    let options = FilterOptions {
        version_max: wanted.version,
        actions: wanted.actions,
        protocol: wanted.protocol,
        symlists: lists.collect(),
        ..FilterOptions::default()
    };
    if is_possible(&options, recording) { options } else { FilterOptions::default() }
}

fn is_possible(options: &FilterOptions, recording: &Recording) -> bool {
    let mut session = FilterSession::new(options.clone());
    recording.mta_packets().take(1).for_each(|frame| session.receive(&bytes_of(frame)));
    session.next_event().is_ok() && options.version_max >= 2
}

/// All events of a stream that comes in pieces of these sizes.
pub(crate) fn events_of(stream: &[u8], pieces: impl IntoIterator<Item = usize>) -> Vec<Event> {
    let mut session = FilterSession::new(FilterOptions::default());
    let mut events = Vec::new();
    let mut rest = stream;
    let mut pieces = pieces.into_iter();
    while !rest.is_empty() {
        let size = pieces.next().unwrap_or(usize::MAX).clamp(1, rest.len());
        session.receive(&rest[..size]);
        rest = &rest[size..];
        while let Some(event) = session.next_event().expect("the stream is good") {
            events.push(event);
            if session.awaits_reply() {
                session.reply(&Reply::Continue).expect("continue answers everything");
            }
        }
    }
    events
}
