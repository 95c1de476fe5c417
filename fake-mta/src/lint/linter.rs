//! A whole SMTP session, with all connections to all filters.

use std::collections::BTreeMap;

use super::{Finding, conversation::Conversation};
use crate::journal::{Channel, Event};

/// Watches what filters send in one SMTP session.
#[derive(Debug, Default)]
pub struct Linter {
    conversations: BTreeMap<Channel, Conversation>,
}

impl Linter {
    /// Takes the next event of the session; says what is wrong with it.
    pub fn observe(&mut self, event: &Event) -> Vec<Finding> {
        match event {
            Event::Sent(channel, command) => {
                self.conversation(*channel).sent(command);
                Vec::new()
            }
            Event::Received(channel, frame) => self.conversation(*channel).received(channel.filter, frame),
            Event::Unread(channel, frame) => {
                self.conversation(*channel).unread(channel.filter, frame).into_iter().collect()
            }
            Event::LinkFailed(channel, failure, problem) => {
                self.conversation(*channel).failed(channel.filter, *failure, problem).into_iter().collect()
            }
            Event::LinkClosed(channel) => {
                self.conversation(*channel).closed();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// The connections on which an answer is due.
    pub(crate) fn waiting(&self) -> Vec<Channel> {
        let waiting = self.conversations.iter().filter(|(_, conversation)| conversation.is_waited_for());
        waiting.map(|(channel, _)| *channel).collect()
    }

    fn conversation(&mut self, channel: Channel) -> &mut Conversation {
        self.conversations.entry(channel).or_default()
    }
}

#[cfg(test)]
mod tests {
    use milter_proto::{Actions, Address, Command, Frame, Negotiate, Protocol, Reply};

    use super::*;
    use crate::{journal::LinkFailure, lint::Lint};

    const CHANNEL: Channel = Channel { filter: 0, connection: 0 };

    /// A conversation that is being written down.
    struct Talk {
        linter: Linter,
        found: Vec<Finding>,
    }

    impl Talk {
        fn agreed(actions: Actions, protocol: Protocol) -> Self {
            let mut talk = Self { linter: Linter::default(), found: Vec::new() };
            talk.sent(Command::Negotiate(Negotiate::offer(6)));
            talk.said(&Reply::Negotiate(Negotiate { version: 6, actions, protocol, symlists: Vec::new() }));
            talk
        }

        fn willing() -> Self {
            Self::agreed(Negotiate::offer(6).actions, Protocol::SKIP)
        }

        fn event(&mut self, event: &Event) {
            let found = self.linter.observe(event);
            self.found.extend(found);
        }

        fn sent(&mut self, command: Command) {
            self.event(&Event::Sent(CHANNEL, command));
        }

        fn said(&mut self, reply: &Reply) {
            let mut packet = Vec::new();
            reply.encode(&mut packet);
            self.packet(packet[4], &packet[5..]);
        }

        fn packet(&mut self, code: u8, payload: &[u8]) {
            self.event(&Event::Received(CHANNEL, Frame { code, payload: payload.to_vec() }));
        }

        /// `Subject`, then the end of the message.
        fn message(&mut self) {
            self.asked(Command::Mail { sender: b"<a@b>".to_vec(), args: Vec::new() });
            self.asked(Command::Header { name: b"Subject".to_vec(), value: b"x".to_vec() });
            self.sent(Command::BodyEob(Vec::new()));
        }

        fn asked(&mut self, command: Command) {
            self.sent(command);
            self.said(&Reply::Continue);
        }

        fn ids(&self) -> Vec<&'static str> {
            self.found.iter().map(|finding| finding.lint.id()).collect()
        }
    }

    fn connect() -> Command {
        Command::Connect { hostname: b"client".to_vec(), address: Address::Unknown }
    }

    fn add(name: &str) -> Reply {
        Reply::AddHeader { name: name.into(), value: b"v".to_vec() }
    }

    #[test]
    fn a_polite_filter_is_left_alone() {
        let mut talk = Talk::willing();
        talk.asked(connect());
        talk.message();
        talk.said(&Reply::Progress);
        talk.said(&add("X-A"));
        talk.said(&Reply::ReplaceBody(b"a".to_vec()));
        talk.said(&Reply::ReplaceBody(b"b".to_vec()));
        talk.said(&Reply::AddRcpt(b"<c@d>".to_vec()));
        talk.said(&Reply::ReplyCode(b"550 5.7.1 no".to_vec()));
        talk.sent(Command::Quit);
        assert_eq!(talk.ids(), [""; 0]);
    }

    #[test]
    fn what_has_no_place_at_a_stage_is_named() {
        for (reply, command, id) in [
            (Reply::Discard, connect(), "discard-too-early"),
            (Reply::Skip, Command::Helo(b"x".to_vec()), "skip-outside-body"),
            (Reply::Skip, Command::BodyEob(Vec::new()), "skip-outside-body"),
            (Reply::Progress, Command::Data, "progress-outside-eom"),
            (add("X"), Command::Eoh, "edit-outside-eom"),
            (Reply::Quarantine(b"x".to_vec()), Command::Data, "edit-outside-eom"),
            (Reply::Shutdown, Command::Data, "reply-shutdown"),
            (Reply::ConnFail, Command::Data, "reply-unknown"),
            (Reply::Negotiate(Negotiate::offer(6)), Command::Data, "reply-unknown"),
        ] {
            let mut talk = Talk::willing();
            talk.sent(command);
            talk.said(&reply);
            assert_eq!(talk.ids(), [id], "{reply}");
        }
    }

    #[test]
    fn what_was_not_negotiated_is_named() {
        let mut talk = Talk::agreed(Actions::NONE, Protocol::NONE);
        talk.message();
        talk.said(&add("X-A"));
        talk.said(&Reply::DeleteRcpt(b"<a@b>".to_vec()));
        talk.said(&Reply::Continue);
        talk.sent(Command::Body(b"x".to_vec()));
        talk.said(&Reply::Skip);
        assert_eq!(talk.ids(), ["edit-not-negotiated", "edit-not-negotiated", "skip-not-negotiated"]);
        assert_eq!(talk.found[0].detail, "it needs ADD_HEADERS");
        assert_eq!((talk.found[0].stage, talk.found[0].packet.as_str()), ("eom", "addheader X-A: v"));
    }

    #[test]
    fn packets_that_cannot_be_read_are_named() {
        let mut talk = Talk::willing();
        talk.message();
        talk.packet(b'h', b"X-A");
        talk.packet(b'b', &vec![b'x'; 65_536]);
        talk.packet(b'c', b"more");
        assert_eq!(talk.ids(), ["edit-malformed", "packet-too-large", "reply-with-payload"]);
        assert_eq!(talk.found[0].packet, "h 68 582d41");
    }

    #[test]
    fn a_body_comes_in_one_go() {
        let mut talk = Talk::willing();
        talk.message();
        talk.said(&Reply::ReplaceBody(b"a".to_vec()));
        talk.said(&add("X-A"));
        talk.said(&Reply::ReplaceBody(b"b".to_vec()));
        assert_eq!(talk.ids(), ["body-interleaved"]);
    }

    #[test]
    fn answers_that_nobody_asked_for_are_named() {
        let mut talk = Talk::willing();
        talk.asked(connect());
        talk.said(&Reply::Continue);
        talk.event(&Event::Unread(CHANNEL, Frame { code: b'c', payload: Vec::new() }));
        assert_eq!(talk.ids(), ["reply-unasked"], "the second one may follow from the first");
        talk.sent(Command::Quit);
        talk.event(&Event::Unread(CHANNEL, Frame { code: b'c', payload: Vec::new() }));
        assert_eq!(talk.ids(), ["reply-unasked", "reply-unasked"]);
        let mut talk = Talk::agreed(Actions::NONE, Protocol::NR_CONNECT);
        talk.sent(connect());
        talk.sent(Command::Quit);
        talk.event(&Event::Unread(CHANNEL, Frame { code: b'c', payload: Vec::new() }));
        assert_eq!(talk.ids(), ["reply-after-no-reply"]);
        assert!(talk.found[0].detail.contains("it had promised NR_CONNECT;"), "{}", talk.found[0].detail);
    }

    #[test]
    fn an_answer_that_does_not_come_is_named() {
        for (failure, lint) in [
            (LinkFailure::Timeout, Lint::ReplyMissing),
            (LinkFailure::Closed, Lint::ConnectionLost),
            (LinkFailure::Garbage, Lint::PacketLength),
        ] {
            let mut talk = Talk::willing();
            talk.sent(connect());
            talk.event(&Event::LinkFailed(CHANNEL, failure, "gone".to_owned()));
            assert_eq!(talk.found[0].lint, lint);
        }
        let mut idle = Talk::willing();
        idle.event(&Event::LinkFailed(CHANNEL, LinkFailure::Closed, "gone".to_owned()));
        assert_eq!(idle.ids(), [""; 0]);
    }

    #[test]
    fn an_answer_is_due_until_it_comes_or_the_connection_ends() {
        let mut talk = Talk::willing();
        talk.asked(connect());
        assert_eq!(talk.linter.waiting(), []);
        talk.sent(Command::Data);
        talk.said(&Reply::Progress);
        assert_eq!(talk.linter.waiting(), [CHANNEL], "an MTA may wait on behind a report of progress");
        talk.event(&Event::LinkClosed(CHANNEL));
        assert_eq!(talk.linter.waiting(), []);
    }

    #[test]
    fn the_count_of_fields_begins_anew_with_each_message() {
        let mut talk = Talk::willing();
        for _ in 0..2 {
            talk.message();
            talk.said(&Reply::ChangeHeader { index: 1, name: b"subject".to_vec(), value: b"y".to_vec() });
            talk.said(&Reply::ChangeHeader { index: 2, name: b"Subject".to_vec(), value: b"y".to_vec() });
            talk.said(&Reply::Continue);
        }
        assert_eq!(talk.ids(), ["header-index", "header-index"]);
    }
}
