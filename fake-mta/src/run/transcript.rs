//! The canonical transcript: what happened, for people and for snapshots.
//!
//! `C:` and `S:` are the SMTP dialogue, `>` what the MTA sent to the milter, `<` what came back, `D:` the DNS questions,
//! `L:` the MTA's log, `|` the delivered message. Queue ids, dates and ports are replaced by their names in brackets.

use std::collections::BTreeMap;

use milter_proto::{Command, Reply};

use crate::{
    diag::escape,
    journal::{Channel, Event},
    message::Delivered,
    scenario::{Action, Session},
};

/// Collects the lines of a transcript.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    lines: Vec<String>,
    /// Texts that differ from run to run, and what stands for them.
    redactions: Vec<(String, String)>,
    queue_ids: usize,
}

impl Transcript {
    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The lines, each ended.
    pub(crate) fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }

    /// From now on `literal` is written as `name`.
    pub(super) fn redact(&mut self, literal: String, name: &str) {
        if !literal.is_empty() && !self.is_redacted(&literal) {
            self.redactions.push((literal, name.to_owned()));
        }
    }

    /// From now on this queue id is written as `[qid]`, or, if there were others before, as `[qid 2]` and so on.
    pub(super) fn redact_queue_id(&mut self, id: &str) {
        if self.is_redacted(id) {
            return;
        }
        self.queue_ids += 1;
        let name = if self.queue_ids == 1 { "[qid]".to_owned() } else { format!("[qid {}]", self.queue_ids) };
        self.redact(id.to_owned(), &name);
    }

    /// The queue ids that are known so far, and what stands for them.
    pub(super) fn queue_ids(&self) -> BTreeMap<String, String> {
        self.redactions.iter().filter(|(_, name)| name.starts_with("[qid")).cloned().collect()
    }

    /// A text without the queue ids that are known so far.
    pub(super) fn without_queue_ids(&self, mut text: String) -> String {
        for (literal, name) in &self.redactions {
            if name.starts_with("[qid") {
                text = text.replace(literal.as_str(), "[qid]");
            }
        }
        text
    }

    fn is_redacted(&self, literal: &str) -> bool {
        self.redactions.iter().any(|(known, _)| known == literal)
    }

    /// The heading of a session.
    pub(super) fn session(&mut self, number: usize, session: &Session) {
        if !self.lines.is_empty() {
            self.push("", "");
        }
        self.push("", &format!("session {}: client {}", number + 1, session.client.value));
    }

    /// A step of the client that is no SMTP line.
    pub(super) fn action(&mut self, action: &Action) {
        let text = match action {
            Action::Connect => "[connect]".to_owned(),
            Action::Close => "[close]".to_owned(),
            Action::Message(name) => {
                format!("[message{}]", name.as_deref().map(|name| format!(" {name}")).unwrap_or_default())
            }
            Action::Tls(values) => {
                let values: Vec<String> = values.iter().map(|(key, value)| format!(" {key}={value}")).collect();
                format!("[tls{}]", values.concat())
            }
            Action::Auth { mechanism, user } => format!("[auth {mechanism} {user}]"),
            Action::Wait(time) => format!("[wait {}ms]", time.as_millis()),
            Action::Raw(bytes) => format!("[raw {} bytes]", bytes.len()),
            Action::Smtp(_) => return,
        };
        self.push("C: ", &text);
    }

    /// One event.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::ClientLine(line) => self.push("C: ", &String::from_utf8_lossy(line)),
            Event::ClientMessage(bytes) => self.push("C: ", &format!("[{bytes} bytes of message]")),
            Event::ServerLine(line) => self.push("S: ", &String::from_utf8_lossy(line)),
            Event::ServerClosed => self.push("S: ", "[close]"),
            Event::Sent(channel, command) => self.push(&arrow(channel, '>'), &command_text(command)),
            Event::Received(channel, frame) => {
                let text =
                    Reply::decode(frame).map_or_else(|error| format!("malformed: {error}"), |reply| reply.to_string());
                self.push(&arrow(channel, '<'), &text);
            }
            Event::Violation(channel, problem) => {
                self.push(&arrow(channel, '<'), &format!("(against the protocol: {problem})"));
            }
            Event::LinkFailed(channel, _, problem) => self.push(&arrow(channel, '!'), problem),
            Event::LinkClosed(channel) => self.push(&arrow(channel, '>'), "[close]"),
            Event::Log(line) => self.push("    L: ", &line.full()),
            Event::Question(question) => self.push("    D: ", &format!("{} -> {}", question.question, question.answer)),
            Event::Delivered(delivered) => self.delivered(delivered),
            // It is no part of the conversation: nobody has read it.
            Event::ClientClosed | Event::Unread(..) => {}
        }
    }

    fn delivered(&mut self, delivered: &Delivered) {
        if let Some(reason) = &delivered.held {
            self.push("", &format!("held: {}", String::from_utf8_lossy(reason)));
        }
        for line in envelope_lines(delivered) {
            self.push("delivered ", &line);
        }
        for line in message_text(delivered).lines() {
            self.push("    | ", line);
        }
    }

    fn push(&mut self, prefix: &str, text: &str) {
        let mut text = escape(text).into_owned();
        for (literal, name) in &self.redactions {
            if text.contains(literal.as_str()) {
                text = text.replace(literal.as_str(), name);
            }
        }
        self.lines.push(format!("{prefix}{text}").trim_end().to_owned());
    }
}

/// `>` for the first milter, `2>` for the second.
fn arrow(channel: &Channel, arrow: char) -> String {
    match channel.filter {
        0 => format!("    {arrow} "),
        number => format!("   {}{arrow} ", number + 1),
    }
}

/// The client's port is different in every run.
fn command_text(command: &Command) -> String {
    match command {
        Command::Connect { hostname, address } => {
            let ip = address.ip().map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
            format!("connect {} [{ip}]", String::from_utf8_lossy(hostname))
        }
        other => other.to_string(),
    }
}

/// `MAIL FROM:<…>` and a `RCPT TO:<…>` for each recipient, with their parameters.
pub(crate) fn envelope_lines(delivered: &Delivered) -> Vec<String> {
    let line = |verb: &str, path: &[u8], params: &[Vec<u8>]| {
        let words: Vec<String> = params.iter().map(|param| format!(" {}", String::from_utf8_lossy(param))).collect();
        format!("{verb}:{}{}", String::from_utf8_lossy(path), words.concat())
    };
    let mut lines = vec![line("MAIL FROM", &delivered.sender, &delivered.sender_params)];
    lines.extend(delivered.recipients.iter().map(|(path, params)| line("RCPT TO", path, params)));
    lines
}

/// The message as text.
pub(super) fn message_text(delivered: &Delivered) -> String {
    String::from_utf8_lossy(&delivered.message).into_owned()
}
