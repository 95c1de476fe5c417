//! The SMTP sessions behind the packets of a connection: what the client must have said, and what the milter answered.

mod told;

use std::fmt;

use milter_proto::{Command, DecodeError, Protocol, Reply};

use super::Entry;
use crate::message::without_cr;

/// What a connection tells of the SMTP sessions behind it.
#[derive(Debug, Default)]
pub(super) struct Story {
    sessions: Vec<Session>,
    messages: Vec<Vec<u8>>,
    /// What the filter negotiated away, and how header values come.
    protocol: Protocol,
    /// The MTA has said its goodbye, or has not begun: what comes next is a session of its own.
    is_over: bool,
    /// The header of the message that goes on has ended.
    is_in_body: bool,
    /// That message has ended.
    is_message_over: bool,
    /// The queue id that the macros told last.
    queue_id: Vec<u8>,
    /// The header fields that the MTA made.
    made: Vec<(Vec<u8>, Vec<u8>)>,
    /// The message that goes on has all of the client's fields, and what comes is made.
    is_made: bool,
    /// The macros say that the MTA refuses the recipient they belong to.
    is_unknown_next: bool,
}

/// One SMTP session.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) hostname: Option<String>,
    /// The name is what the client's address claims, and none that leads back to it.
    pub(super) is_forged: bool,
    pub(super) ip: Option<String>,
    pub(super) port: u16,
    /// A user of the MTA's host, and no client, has handed in the message: Postfix plays it to the filters as a session.
    pub(super) is_local: bool,
    /// The first is the connection itself.
    pub(super) steps: Vec<Step>,
}

/// Something that the client did, and what came of it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) said: Said,
    /// What the milter answered, but for `continue` and `progress`.
    pub(super) answers: Vec<Answer>,
    /// It answered at all.
    pub(super) is_answered: bool,
    /// A recipient whom the MTA itself refuses: what the milter answers makes no difference.
    pub(super) is_unknown: bool,
}

/// What the client did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Connect,
    /// A line, without its end.
    Line(Vec<u8>),
    /// The message of that number, from 0; DATA is a part of it.
    Message(usize),
    /// STARTTLS, with what the macros tell of it, by their names without braces.
    Tls(Vec<(String, String)>),
    Auth {
        mechanism: String,
        user: String,
    },
}

/// What the milter did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Reply(Reply),
    /// A packet that cannot be read.
    Malformed,
    /// It closed the connection.
    Close,
}

impl fmt::Display for Answer {
    /// As scenarios write it, but for what is a matcher in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(reply) => reply.fmt(f),
            Self::Malformed => f.write_str("[..]"),
            Self::Close => f.write_str("close"),
        }
    }
}

impl Story {
    /// Reads the packets of one connection.
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut story = Self { is_over: true, ..Self::default() };
        let mut has_hung_up = false;
        for (index, entry) in entries.iter().enumerate() {
            match entry {
                Entry::Sent(frame) => {
                    if let Ok(command) = Command::decode(frame) {
                        story.command(command, &entries[index + 1..]);
                    }
                }
                Entry::Received(frame) => story.reply(Reply::decode(frame)),
                Entry::Closed(true) => has_hung_up = true,
                // After a goodbye nothing else is due.
                Entry::Closed(false) if !story.is_over && !has_hung_up => story.answer(Answer::Close),
                Entry::Raw(..) | Entry::Closed(_) => {}
            }
        }
        story.complete_messages();
        // Only now: a CR and its LF may have come in two pieces.
        story.messages.iter_mut().for_each(|message| *message = without_cr(message));
        story
    }

    /// A message that the milter did not want to see has come all the same.
    fn complete_messages(&mut self) {
        for step in self.sessions.iter_mut().flat_map(|session| &mut session.steps) {
            let is_taken = |answer: &Answer| matches!(answer, Answer::Reply(Reply::Accept | Reply::Discard));
            if step.is_line(b"DATA") && step.answers.iter().any(is_taken) {
                step.said = Said::Message(self.messages.len());
                self.messages.push(UNSEEN_MESSAGE.to_vec());
            }
        }
    }

    /// The sessions, in their order.
    pub(super) fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// The header fields that the MTA made: those that the client's message lacked.
    pub(super) fn made(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.made
    }

    /// The texts of the messages, with LF line ends.
    pub(super) fn messages(&self) -> &[Vec<u8>] {
        &self.messages
    }

    fn command(&mut self, command: Command, next: &[Entry]) {
        match command {
            Command::Negotiate(_) => return,
            Command::Quit | Command::QuitNc => self.is_over = true,
            _ if self.is_over => {
                self.sessions.push(Session { steps: vec![Step::of(Said::Connect)], ..Session::default() });
                self.is_over = false;
            }
            _ => {}
        }
        match command {
            Command::Connect { hostname, address } => {
                let Some(session) = self.sessions.last_mut() else { return };
                if !session.is_forged {
                    session.hostname = host_name(&String::from_utf8_lossy(&hostname));
                }
                session.ip = address.ip().map(|ip| ip.to_string());
                session.port = address.port().unwrap_or(0);
                session.is_local = hostname == b"localhost" && matches!(address.port(), Some(0));
            }
            // HELO and EHLO are the same packet: the milter cannot tell them apart, and so cannot the recorder.
            Command::Helo(name) => self.say(Said::Line([b"EHLO ", &name[..]].concat())),
            Command::Mail { sender, args } => self.mail(line("MAIL FROM", &sender, &args)),
            Command::Rcpt { recipient, args } => self.recipient(line("RCPT TO", &recipient, &args)),
            Command::Data => self.say(Said::Line(b"DATA".to_vec())),
            Command::Header { name, value } => self.field(&name, &value),
            Command::Eoh => self.body(b""),
            Command::Body(bytes) => self.body(&bytes),
            Command::BodyEob(bytes) => {
                let _ = self.text();
                if !bytes.is_empty() {
                    self.body(&bytes);
                }
                self.is_message_over = true;
            }
            Command::Unknown(bytes) => self.say(Said::Line(bytes)),
            Command::Macro { for_command, pairs } => self.macros(for_command, &pairs, next),
            Command::Abort if self.is_at_message() => self.is_message_over = true,
            Command::Abort if self.is_in_transaction() && is_reset(next) => self.say(Said::Line(b"RSET".to_vec())),
            Command::Abort | Command::Quit | Command::QuitNc | Command::Negotiate(_) => {}
        }
    }

    fn reply(&mut self, reply: Result<Reply, DecodeError>) {
        match reply {
            Ok(Reply::Negotiate(agreed)) if self.sessions.is_empty() => self.protocol = agreed.protocol,
            Ok(Reply::Progress) if !self.is_at_message() => self.answer(Answer::Reply(Reply::Progress)),
            Ok(Reply::Continue | Reply::Progress) => {
                if let Some(step) = self.last_step() {
                    step.is_answered = true;
                }
            }
            Ok(reply) => self.answer(Answer::Reply(reply)),
            Err(_) => self.answer(Answer::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) {
        if let Some(step) = self.last_step() {
            step.is_answered = true;
            step.answers.push(answer);
        }
    }

    /// Only there is a milter asked to say that it is still at work.
    fn is_at_message(&mut self) -> bool {
        self.last_step().is_some_and(|step| matches!(step.said, Said::Message(_)))
    }

    fn last_step(&mut self) -> Option<&mut Step> {
        self.sessions.last_mut()?.steps.last_mut()
    }

    fn say(&mut self, said: Said) {
        if let Some(session) = self.sessions.last_mut() {
            session.steps.push(Step::of(said));
        }
    }

    fn mail(&mut self, line: Vec<u8>) {
        // A filter that wants no HELO has still a client that says it.
        let greets = |step: &Step| step.is_line(b"EHLO ");
        let is_greeted = self.sessions.last().is_some_and(|session| session.steps.iter().any(greets));
        if self.protocol.contains(Protocol::NO_HELO) && !is_greeted {
            self.say(Said::Line(UNSEEN_HELO.to_vec()));
        }
        // A message that the filter has accepted early has come all the same.
        if self.is_in_transaction() && !self.has_data() {
            self.complete_envelope();
            self.say(Said::Message(self.messages.len()));
            self.messages.push(UNSEEN_MESSAGE.to_vec());
        }
        self.say(Said::Line(line));
    }

    fn recipient(&mut self, line: Vec<u8>) {
        self.say(Said::Line(line));
        let is_unknown = std::mem::take(&mut self.is_unknown_next);
        if let Some(step) = self.last_step() {
            step.is_unknown = is_unknown;
        }
    }

    /// The steps since the MAIL of the transaction that is open; none if none is.
    fn transaction(&self) -> &[Step] {
        let steps = self.sessions.last().map_or(&[][..], |session| &session.steps);
        let ends = |step: &Step| {
            step.is_line(b"MAIL")
                || step.is_line(b"EHLO ")
                || step.is_line(b"RSET")
                || matches!(step.said, Said::Message(_))
        };
        let last = steps.iter().rposition(ends).filter(|at| steps[*at].is_line(b"MAIL"));
        last.map_or(&[], |at| &steps[at..])
    }

    /// MAIL was taken, and neither has the message come nor anything that ended the transaction.
    fn is_in_transaction(&self) -> bool {
        self.transaction().first().is_some_and(|mail| !mail.is_refused())
    }

    fn has_data(&self) -> bool {
        self.transaction().iter().any(|step| step.is_line(b"DATA"))
    }

    /// A message has a sender and a recipient, whether the filter has heard of them or not.
    fn complete_envelope(&mut self) {
        let is_taken = |verb: &[u8], steps: &[Step]| steps.iter().any(|step| step.is_line(verb) && !step.is_refused());
        if !is_taken(b"MAIL", self.transaction()) {
            self.say(Said::Line(UNSEEN_MAIL.to_vec()));
        }
        if !is_taken(b"RCPT", self.transaction()) {
            self.say(Said::Line(UNSEEN_RCPT.to_vec()));
        }
    }

    /// The text of the message that goes on; DATA is a part of it.
    fn text(&mut self) -> &mut Vec<u8> {
        let is_begun = self.is_at_message() && !self.is_message_over;
        if !is_begun && !self.has_data() {
            self.complete_envelope();
        }
        if let Some(session) = self.sessions.last_mut()
            && !is_begun
        {
            let steps = &mut session.steps;
            let mut step = steps.pop_if(|step| step.is_line(b"DATA")).unwrap_or_else(|| Step::of(Said::Connect));
            step.said = Said::Message(self.messages.len());
            steps.push(step);
            self.messages.push(Vec::new());
            (self.is_in_body, self.is_message_over, self.is_made) = (false, false, false);
        }
        if self.messages.is_empty() {
            self.messages.push(Vec::new());
        }
        self.messages.last_mut().expect("one was put there")
    }

    /// The empty line before the body, which comes whether the filter wanted to hear of it or not, and a piece of the body.
    fn body(&mut self, bytes: &[u8]) {
        let _ = self.text();
        if !std::mem::replace(&mut self.is_in_body, true) {
            self.text().push(b'\n');
        }
        self.text().extend_from_slice(bytes);
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        // Postfix puts the fields that are missing behind the others, first the id, which has the queue id in it.
        let id = [b".", &self.queue_id[..], b"@"].concat();
        let has_id = id.len() > 2 && value.windows(id.len()).any(|part| part == id);
        let _ = self.text();
        self.is_made |= has_id && name.eq_ignore_ascii_case(b"Message-Id");
        if self.is_made {
            return self.made.push((name.to_vec(), value.trim_ascii().to_vec()));
        }
        // Only a filter that wants to see the space behind the colon is told of it: else one was cut off.
        let space: &[u8] = if self.protocol.contains(Protocol::HDR_LEADSPC) { b"" } else { b" " };
        self.text().extend([name, b":", space, value, b"\n"].concat());
    }
}

impl Step {
    fn of(said: Said) -> Self {
        Self { said, answers: Vec::new(), is_answered: false, is_unknown: false }
    }

    /// Whether it is a line that begins so.
    pub(super) fn is_line(&self, start: &[u8]) -> bool {
        matches!(&self.said, Said::Line(line) if line.starts_with(start))
    }

    /// Whether the milter has refused it.
    pub(super) fn is_refused(&self) -> bool {
        let refuses = |answer: &Answer| {
            matches!(
                answer,
                Answer::Reply(Reply::Reject | Reply::Tempfail | Reply::ReplyCode(_) | Reply::Shutdown) | Answer::Close
            )
        };
        self.is_unknown || self.answers.iter().any(refuses)
    }
}

/// The name of a client that has one.
fn host_name(text: &str) -> Option<String> {
    let is_name = !text.is_empty() && text != "unknown" && !text.starts_with('[');
    is_name.then(|| text.to_owned())
}

fn line(verb: &str, path: &[u8], args: &[Vec<u8>]) -> Vec<u8> {
    let args: Vec<u8> = args.iter().flat_map(|arg| [b" ", &arg[..]].concat()).collect();
    [verb.as_bytes(), b":", path, &args].concat()
}

/// Whether an abort in a transaction is what the client asked for by RSET: at the end of a session, and at a new greeting, it comes
/// by itself.
fn is_reset(next: &[Entry]) -> bool {
    let mut commands = next.iter().filter_map(|entry| match entry {
        Entry::Sent(frame) => Command::decode(frame).ok(),
        _ => None,
    });
    let next = commands.find(|command| !matches!(command, Command::Macro { .. } | Command::Abort));
    !matches!(next, None | Some(Command::Quit | Command::QuitNc | Command::Helo(_)))
}

/// How a client greets if the filter did not want to hear it.
const UNSEEN_HELO: &[u8] = b"EHLO client.example";

/// Who sends a message of which the filter wanted to hear nothing before it came.
const UNSEEN_MAIL: &[u8] = b"MAIL FROM:<sender@example.org>";

/// Whom it is for.
const UNSEEN_RCPT: &[u8] = b"RCPT TO:<rcpt@example.net>";

/// One that the filter wanted to hear nothing of.
const UNSEEN_MESSAGE: &[u8] = b"Subject: not recorded\n\n";

/// A recipient whom the MTA refuses, and whose address it does not tell the filter.
pub(super) const UNSEEN_UNKNOWN: &str = "unknown@example.net";
