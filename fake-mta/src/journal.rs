//! What happened in a session, in order: the one source of transcripts, expectations and replays.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use milter_proto::{Command, Frame};

use crate::message::Delivered;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The SMTP client sent a command line.
    ClientLine(Vec<u8>),
    /// The SMTP client sent a message of so many bytes.
    ClientMessage(usize),
    /// The SMTP client went away.
    ClientClosed,
    /// The MTA answered the client with this line.
    ServerLine(Vec<u8>),
    /// The MTA closed the SMTP connection.
    ServerClosed,
    /// The MTA sent a packet to a filter.
    Sent(Channel, Command),
    /// A filter sent a packet to the MTA.
    Received(Channel, Frame),
    /// A filter had sent this packet, which nobody had asked for, when the MTA closed its connection to it.
    Unread(Channel, Frame),
    /// The packet just received is one that the protocol forbids at this point; what is wrong with it.
    Violation(Channel, String),
    /// The MTA closed its connection to a filter.
    LinkClosed(Channel),
    /// A filter could not be talked to.
    LinkFailed(Channel, LinkFailure, String),
    /// The MTA wrote a line into its log.
    Log(LogLine),
    /// A message left the MTA.
    Delivered(Delivered),
    /// Somebody asked the fake DNS server.
    Question(Question),
}

impl Event {
    /// The connection to a filter that it is about.
    pub fn channel(&self) -> Option<Channel> {
        match self {
            Self::Sent(channel, _)
            | Self::Received(channel, _)
            | Self::Unread(channel, _)
            | Self::Violation(channel, _)
            | Self::LinkClosed(channel)
            | Self::LinkFailed(channel, ..) => Some(*channel),
            _ => None,
        }
    }

    /// Whether the MTA gave a filter up for what it had just sent, going by the events behind that.
    pub(crate) fn is_given_up<'a>(channel: Channel, mut later: impl Iterator<Item = &'a Self>) -> bool {
        let next = later.find(|event| event.channel() == Some(channel));
        matches!(next, Some(Self::LinkClosed(_) | Self::LinkFailed(..)))
    }
}

/// A question to the fake DNS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `name TYPE`, the name in lower case without its last dot.
    pub question: String,
    /// What was answered, and by which fault, as the query log shows it.
    pub answer: String,
}

/// In which way a filter could not be talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFailure {
    /// There was nobody to connect to.
    Refused,
    /// It closed the connection, or reading or writing failed.
    Closed,
    /// It did not answer in time.
    Timeout,
    /// What it sent is no packet.
    Garbage,
}

/// Which connection to which filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel {
    /// The filter's number in the configuration, from 0.
    pub filter: usize,
    /// The connection's number among those to this filter, from 0.
    pub connection: usize,
}

/// A line of the MTA's log, without time, host and process id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `sendmail`, `postfix/smtpd`, `postfix/cleanup`, …
    pub program: &'static str,
    /// The queue id or `NOQUEUE`; `None` where the line has none.
    pub queue_id: Option<String>,
    /// The rest of the line. No control characters: they are escaped as the MTA escapes them.
    pub text: String,
}

impl LogLine {
    /// The line as the log has it: `program: id: text`.
    pub fn full(&self) -> String {
        match &self.queue_id {
            Some(id) => format!("{}: {id}: {}", self.program, self.text),
            None => format!("{}: {}", self.program, self.text),
        }
    }
}

/// The journal of one session. Clones share it.
#[derive(Clone, Default)]
pub struct Journal {
    events: Arc<Mutex<Vec<Event>>>,
    probe: Option<Arc<dyn Fn() -> Vec<Event> + Send + Sync>>,
}

impl Journal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// A journal that asks, before each event, what else has happened meanwhile: the DNS questions since the last one, say.
    pub fn with_probe(probe: impl Fn() -> Vec<Event> + Send + Sync + 'static) -> Self {
        Self { probe: Some(Arc::new(probe)), ..Self::default() }
    }

    /// Writes down what happened.
    pub fn note(&self, event: Event) {
        let before = self.probe.as_ref().map(|probe| probe()).unwrap_or_default();
        let mut events = self.events();
        events.extend(before);
        events.push(event);
    }

    /// Takes in what has happened meanwhile, without an event of its own.
    pub fn settle(&self) {
        let before = self.probe.as_ref().map(|probe| probe()).unwrap_or_default();
        self.events().extend(before);
    }

    /// How many events there are: a mark for [`since`](Self::since).
    pub fn mark(&self) -> usize {
        self.events().len()
    }

    /// The events after `mark`.
    pub fn since(&self, mark: usize) -> Vec<Event> {
        self.events().get(mark..).map_or_else(Vec::new, <[Event]>::to_vec)
    }

    /// Takes the events out: whoever watches a session without an end does not keep all of it.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events())
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        // A panic elsewhere leaves the list whole: every change is one push.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
