//! Every recorded connection passes the MTA's session.

use std::collections::BTreeMap;

use milter_proto::{
    Command, Frame, Negotiate,
    mta::{Due, MtaSession, Standing},
};

use super::recording::{Entry, Recording, bytes_of, recordings};

#[test]
fn every_recorded_mta_keeps_to_the_table() {
    let mut standings = BTreeMap::new();
    let recordings = recordings();
    for recording in recordings {
        Replay::new(recording, &mut standings).run();
    }
    let lines: Vec<_> = standings.iter().map(|(standing, count)| format!("{count:5} {standing}")).collect();
    insta::assert_snapshot!(format!("{}\n{} connections", lines.join("\n"), recordings.len()));
}

/// Plays a recording against a session, the MTA's packets as commands to send and the filter's as bytes to receive.
struct Replay<'a> {
    recording: &'a Recording,
    standings: &'a mut BTreeMap<String, usize>,
    session: MtaSession,
}

impl<'a> Replay<'a> {
    fn new(recording: &'a Recording, standings: &'a mut BTreeMap<String, usize>) -> Self {
        let offer = recording.mta_packets().next().map(Command::decode);
        let Some(Ok(Command::Negotiate(offer))) = offer else { panic!("{}: no offer", recording.name) };
        Self { recording, standings, session: MtaSession::new(offer) }
    }

    fn run(mut self) {
        for entry in &self.recording.entries {
            match entry {
                Entry::FromMta(frame) => self.send(frame),
                Entry::FromFilter(frame) => self.session.receive(&bytes_of(frame)),
                Entry::Raw(bytes) => self.session.receive(bytes),
                Entry::Closed => {}
            }
        }
        self.read_answers();
    }

    fn send(&mut self, frame: &Frame) {
        self.read_answers();
        let command = Command::decode(frame).expect("MTAs send well-formed packets");
        let mut bytes = Vec::new();
        let due = self.session.send(&command, &mut bytes);
        let due = due.unwrap_or_else(|error| panic!("{}: {error}", self.recording.name));
        assert_ne!(due, Due::Suppressed, "{}: {command}", self.recording.name);
        assert!(bytes == bytes_of(frame), "{}: {command}", self.recording.name);
    }

    /// Reads until no command waits, as an MTA does before it sends the next one.
    fn read_answers(&mut self) {
        while self.session.awaits_reply() {
            let received = match self.session.next_reply() {
                Ok(Some(received)) => received,
                Ok(None) => return,
                Err(error) => return self.count(format!("unreadable: {error}")),
            };
            self.count(match &received.standing {
                Standing::Violation(error) => format!("violation: {error}"),
                standing => format!("{standing:?}"),
            });
            if !self.session.awaits_reply() && self.session.agreed() == &Negotiate::default() {
                self.agree(&received.frame);
            }
        }
    }

    fn agree(&mut self, answer: &Frame) {
        let agreed = Negotiate::parse_lenient(&answer.payload);
        let version = agreed.version;
        self.session.agree(agreed);
        if self.recording.is_postfix() && version < 2 {
            self.session.set_events_version(6);
        }
    }

    fn count(&mut self, standing: String) {
        *self.standings.entry(standing).or_default() += 1;
    }
}
