//! The SMTP sessions behind the packets of a connection: what the client must have said, and what the milter answered.

use std::fmt;

use milter_proto::{Command, DecodeError, Protocol, Reply};

use super::{Entry, mta};
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
}

/// One SMTP session.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) hostname: Option<String>,
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
        story
    }

    /// A message that the milter did not want to see has come all the same.
    fn complete_messages(&mut self) {
        for step in self.sessions.iter_mut().flat_map(|session| &mut session.steps) {
            let is_taken = |answer: &Answer| matches!(answer, Answer::Reply(Reply::Accept | Reply::Discard));
            if step.is_line(b"DATA") && step.answers.iter().any(is_taken) {
                step.said = Said::Message(self.messages.len());
                self.messages.push(b"Subject: not recorded\n\n".to_vec());
            }
        }
    }

    /// The sessions, in their order.
    pub(super) fn sessions(&self) -> &[Session] {
        &self.sessions
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
                session.hostname = host_name(&String::from_utf8_lossy(&hostname));
                session.ip = address.ip().map(|ip| ip.to_string());
                session.port = address.port().unwrap_or(0);
                session.is_local = hostname == b"localhost" && matches!(address.port(), Some(0));
            }
            // HELO and EHLO are the same packet: the milter cannot tell them apart, and so cannot the recorder.
            Command::Helo(name) => self.say(Said::Line([b"EHLO ", &name[..]].concat())),
            Command::Mail { sender, args } => self.mail(line("MAIL FROM", &sender, &args)),
            Command::Rcpt { recipient, args } => self.say(Said::Line(line("RCPT TO", &recipient, &args))),
            Command::Data => self.say(Said::Line(b"DATA".to_vec())),
            Command::Header { name, value } => self.field(&name, &value),
            Command::Eoh => self.text().push(b'\n'),
            Command::Body(bytes) | Command::BodyEob(bytes) => self.text().extend(without_cr(&bytes)),
            Command::Unknown(bytes) => self.say(Said::Line(bytes)),
            Command::Macro { for_command, pairs } => {
                self.security(for_command, &pairs);
                self.negotiated_away(for_command, &pairs);
            }
            Command::Abort if self.is_in_transaction() && is_reset(next) => self.say(Said::Line(b"RSET".to_vec())),
            Command::Abort | Command::Quit | Command::QuitNc | Command::Negotiate(_) => {}
        }
    }

    fn reply(&mut self, reply: Result<Reply, DecodeError>) {
        match reply {
            Ok(Reply::Negotiate(agreed)) => self.protocol = agreed.protocol,
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
        self.say(Said::Line(line));
    }

    /// MAIL was taken, and neither has the message come nor anything that ended the transaction.
    fn is_in_transaction(&self) -> bool {
        let steps = self.sessions.last().map_or(&[][..], |session| &session.steps);
        let ends = |step: &&Step| {
            step.is_line(b"MAIL")
                || step.is_line(b"EHLO ")
                || step.is_line(b"RSET")
                || matches!(step.said, Said::Message(_))
        };
        steps.iter().rev().find(ends).is_some_and(|step| step.is_line(b"MAIL") && !step.is_refused())
    }

    /// The text of the message that goes on; DATA is a part of it.
    fn text(&mut self) -> &mut Vec<u8> {
        if let Some(session) = self.sessions.last_mut() {
            let steps = &mut session.steps;
            if !matches!(steps.last(), Some(Step { said: Said::Message(_), .. })) {
                let mut step = steps.pop_if(|step| step.is_line(b"DATA")).unwrap_or_else(|| Step::of(Said::Connect));
                step.said = Said::Message(self.messages.len());
                steps.push(step);
                self.messages.push(Vec::new());
            }
        }
        if self.messages.is_empty() {
            self.messages.push(Vec::new());
        }
        self.messages.last_mut().expect("one was put there")
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        // Only a filter that wants to see the space behind the colon is told of it: else one was cut off.
        let space: &[u8] = if self.protocol.contains(Protocol::HDR_LEADSPC) { b"" } else { b" " };
        let field = without_cr(&[name, b":", space, value, b"\n"].concat());
        self.text().extend_from_slice(&field);
    }

    /// Macros tell of STARTTLS and AUTH, which are no packets, with the command that comes next.
    fn security(&mut self, for_command: u8, pairs: &[(Vec<u8>, Vec<u8>)]) {
        let value = |name: &str| {
            let found = pairs.iter().find(|(given, _)| mta::bare(&String::from_utf8_lossy(given)) == name);
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).filter(|value| !value.is_empty())
        };
        // With a message nothing of the kind can come any more.
        if !matches!(for_command, b'C' | b'H' | b'M' | b'R') {
            return;
        }
        let steps = self.sessions.last().map_or(&[][..], |session| &session.steps);
        let has_tls = steps.iter().any(|step| matches!(step.said, Said::Tls(_)));
        let has_auth = steps.iter().any(|step| matches!(step.said, Said::Auth { .. }));
        if value("tls_version").is_some() && !has_tls {
            let named = |name: &str| Some(((*name).to_owned(), value(name)?));
            self.say(Said::Tls(TLS_MACROS.iter().filter_map(|name| named(name)).collect()));
        }
        if let (Some(mechanism), Some(user), false) = (value("auth_type"), value("auth_authen"), has_auth) {
            self.say(Said::Auth { mechanism, user });
        }
    }

    /// Macros tell what the filter has negotiated away.
    fn negotiated_away(&mut self, for_command: u8, pairs: &[(Vec<u8>, Vec<u8>)]) {
        let value = |wanted: &[&str]| {
            let found = pairs.iter().find(|(name, _)| wanted.iter().any(|wanted| wanted.as_bytes() == name));
            found.map(|(_, value)| value.clone())
        };
        match for_command {
            b'C' if self.protocol.contains(Protocol::NO_CONNECT) => {
                let (Some(session), Some(client)) = (self.sessions.last_mut(), value(&["_"])) else { return };
                let client = String::from_utf8_lossy(&client).into_owned();
                let (name, ip) = client.split_once('[').unwrap_or(("", &client));
                session.hostname = host_name(name.trim());
                session.ip = ip.split(']').next().map(|ip| ip.trim_start_matches("IPv6:").to_owned());
            }
            b'H' if self.protocol.contains(Protocol::NO_HELO) => self.say(Said::Line(UNSEEN_HELO.to_vec())),
            b'M' if self.protocol.contains(Protocol::NO_MAIL) => {
                let sender = value(&["{mail_addr}", "f"]).unwrap_or_default();
                self.mail([b"MAIL FROM:<", &sender[..], b">"].concat());
            }
            b'R' if self.protocol.contains(Protocol::NO_RCPT) => {
                let recipient = value(&["{rcpt_addr}"]).unwrap_or_else(|| b"rcpt@example.net".to_vec());
                self.say(Said::Line([b"RCPT TO:<", &recipient[..], b">"].concat()));
            }
            _ => {}
        }
    }
}

impl Step {
    fn of(said: Said) -> Self {
        Self { said, answers: Vec::new(), is_answered: false }
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
        self.answers.iter().any(refuses)
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

/// What macros tell of TLS.
const TLS_MACROS: [&str; 8] =
    ["tls_version", "cipher", "cipher_bits", "verify", "cert_subject", "cert_issuer", "cn_subject", "cn_issuer"];
