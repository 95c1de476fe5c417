//! The scenario that a recorded connection stands for: what the client must have said, and what the milter answered.

use std::fmt::Write as _;

use milter_proto::{Command, Protocol, Reply};
use serde_json::{Value, json};

use super::Entry;
use crate::diag::escape;

/// What a connection tells of the SMTP sessions behind it.
#[derive(Debug, Default)]
pub(super) struct Story {
    sessions: Vec<Session>,
    messages: Vec<Vec<u8>>,
    /// What the filter negotiated away, and how header values come.
    protocol: Protocol,
}

#[derive(Debug, Default)]
struct Session {
    hostname: Option<String>,
    ip: Option<String>,
    port: u16,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    /// What the client said; an index stands for the message of that number.
    said: Result<String, usize>,
    /// What the milter answered, without what need not be written.
    answers: Vec<String>,
}

impl Story {
    /// Reads the packets of one connection.
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut story = Self::default();
        let mut over = true;
        for entry in entries {
            match entry {
                Entry::Sent(frame) => {
                    if let Ok(command) = Command::decode(frame) {
                        if over && !matches!(command, Command::Negotiate(_) | Command::Quit) {
                            story.sessions.push(Session::default());
                            over = false;
                        }
                        over |= matches!(command, Command::Quit | Command::QuitNc);
                        story.command(command);
                    }
                }
                Entry::Received(frame) => match Reply::decode(frame) {
                    Ok(Reply::Negotiate(agreed)) => {
                        story.protocol = agreed.protocol;
                    }
                    Ok(Reply::Continue | Reply::Progress) | Err(_) => {}
                    Ok(reply) => story.answer(reply.to_string()),
                },
                // After QUIT nothing else is due.
                Entry::Closed(false) if !over => story.answer("close".to_owned()),
                Entry::Raw(..) | Entry::Closed(_) => {}
            }
        }
        story
    }

    fn command(&mut self, command: Command) {
        let text = |bytes: &[u8]| escape(&String::from_utf8_lossy(bytes)).into_owned();
        let line = |verb: &str, path: &[u8], args: &[Vec<u8>]| {
            let args: String = args.iter().map(|arg| format!(" {}", text(arg))).collect();
            format!("{verb}:{}{args}", text(path))
        };
        match command {
            Command::Connect { hostname, address } => {
                let Some(session) = self.sessions.last_mut() else { return };
                let hostname = text(&hostname);
                session.hostname = Some(hostname).filter(|name| name != "unknown" && !name.starts_with('['));
                session.ip = address.ip().map(|ip| ip.to_string());
                session.port = address.port().unwrap_or(0);
            }
            Command::Helo(name) => self.say(format!("EHLO {}", text(&name))),
            Command::Mail { sender, args } => self.say(line("MAIL FROM", &sender, &args)),
            Command::Rcpt { recipient, args } => self.say(line("RCPT TO", &recipient, &args)),
            Command::Data => self.say("DATA".to_owned()),
            Command::Header { name, value } => {
                let has_space = self.protocol.contains(Protocol::HDR_LEADSPC);
                let space: &[u8] = if has_space || value.first() == Some(&b' ') { b"" } else { b" " };
                let field = [&name[..], b":", space, &value, b"\n"].concat();
                self.text().extend_from_slice(&field);
            }
            Command::Eoh => self.text().push(b'\n'),
            Command::Body(bytes) | Command::BodyEob(bytes) => {
                self.text().extend(crate::message::without_cr(&bytes));
            }
            Command::Unknown(bytes) => self.say(text(&bytes)),
            Command::Macro { for_command, pairs } => self.macros(for_command, &pairs),
            Command::Abort | Command::Quit | Command::QuitNc | Command::Negotiate(_) => {}
        }
    }

    /// Macros tell what the filter has negotiated away.
    fn macros(&mut self, for_command: u8, pairs: &[(Vec<u8>, Vec<u8>)]) {
        let value = |wanted: &[&str]| {
            let found = pairs.iter().find(|(name, _)| wanted.iter().any(|wanted| wanted.as_bytes() == name));
            found.map(|(_, value)| escape(&String::from_utf8_lossy(value)).into_owned())
        };
        match for_command {
            b'C' if self.protocol.contains(Protocol::NO_CONNECT) => {
                let (Some(session), Some(client)) = (self.sessions.last_mut(), value(&["_"])) else { return };
                let (name, ip) = client.split_once('[').unwrap_or(("", &client));
                session.hostname = Some(name.trim().to_owned()).filter(|name| !name.is_empty() && name != "unknown");
                session.ip = ip.split(']').next().map(|ip| ip.trim_start_matches("IPv6:").to_owned());
            }
            b'M' if self.protocol.contains(Protocol::NO_MAIL) => {
                self.say(format!("MAIL FROM:<{}>", value(&["{mail_addr}", "f"]).unwrap_or_default()));
            }
            b'R' if self.protocol.contains(Protocol::NO_RCPT) => {
                let recipient = value(&["{rcpt_addr}"]).unwrap_or_else(|| "rcpt@example.net".to_owned());
                self.say(format!("RCPT TO:<{recipient}>"));
            }
            _ => {}
        }
    }

    fn say(&mut self, line: String) {
        // A filter that wants no HELO has still a client that says it.
        let greets = |step: &Step| step.said.as_ref().is_ok_and(|line| line.starts_with("EHLO"));
        if line.starts_with("MAIL") && !self.sessions.last().is_none_or(|session| session.steps.iter().any(greets)) {
            self.say("EHLO client.example".to_owned());
        }
        if let Some(session) = self.sessions.last_mut() {
            session.steps.push(Step { said: Ok(line), answers: Vec::new() });
        }
    }

    /// The text of the message that goes on; DATA is a part of it.
    fn text(&mut self) -> &mut Vec<u8> {
        if let Some(session) = self.sessions.last_mut() {
            let steps = &mut session.steps;
            if !matches!(steps.last(), Some(Step { said: Err(_), .. })) {
                let data = steps.pop_if(|step| step.said == Ok("DATA".to_owned()));
                let answers = data.map(|step| step.answers).unwrap_or_default();
                steps.push(Step { said: Err(self.messages.len()), answers });
                self.messages.push(Vec::new());
            }
        }
        if self.messages.is_empty() {
            self.messages.push(Vec::new());
        }
        self.messages.last_mut().expect("one was put there")
    }

    fn answer(&mut self, answer: String) {
        if let Some(step) = self.sessions.last_mut().and_then(|session| session.steps.last_mut()) {
            step.answers.push(answer);
        }
    }

    /// The texts of the messages, with LF line ends.
    pub(super) fn messages(&self) -> &[Vec<u8>] {
        &self.messages
    }

    /// Who connected, as captures have it.
    pub(super) fn client(&self) -> Value {
        let session = self.sessions.first();
        json!({
            "address": session.and_then(|session| session.ip.clone()).unwrap_or_else(|| "127.0.0.2".to_owned()),
            "port": session.map_or(0, |session| session.port),
            "hostname": session.and_then(|session| session.hostname.clone()),
            "dns": if session.is_some_and(|session| session.hostname.is_some()) { "ok" } else { "none" },
        })
    }

    /// What the client must have said, as captures have it.
    pub(super) fn smtp(&self) -> Vec<Value> {
        let steps = self.sessions.first().map(|session| session.steps.as_slice()).unwrap_or_default();
        let mut entries = Vec::new();
        for step in steps {
            match &step.said {
                Ok(line) => entries.push(json!({ "c": line })),
                Err(message) => {
                    let hex = data_encoding::HEXLOWER.encode(&self.messages[*message]);
                    entries.extend([json!({ "c": "DATA" }), json!({ "c_message_hex": hex })]);
                }
            }
        }
        entries.extend([json!({ "c": "QUIT" }), json!({ "c_close": true })]);
        entries
    }

    /// The scenario file; `stem` names the messages' files beside it.
    pub(super) fn scenario(&self, stem: &str) -> String {
        let mut text = format!("name = \"{stem}, as it was recorded\"\n");
        for session in self.sessions.iter().filter(|session| !session.steps.is_empty()) {
            let ip = session.ip.as_deref().unwrap_or("127.0.0.1");
            let name = session.hostname.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
            // HELO and EHLO are the same packet: the milter cannot tell them apart, and so cannot the recorder.
            let _ = write!(text, "\n[[session]]\nclient = \"{name}[{ip}]\"\ndialogue = '''\n");
            for step in &session.steps {
                let _ = match &step.said {
                    Ok(line) => writeln!(text, "C: {}", line.replace("'''", "[..]")),
                    Err(number) => writeln!(text, "C: [message m{}]", number + 1),
                };
                for answer in &step.answers {
                    let _ = writeln!(text, "M: {}", answer.replace("'''", "[..]"));
                }
            }
            text.push_str("C: QUIT\n'''\n");
        }
        if !self.messages.is_empty() {
            text.push_str("\n[messages]\n");
        }
        for number in 1..=self.messages.len() {
            let _ = writeln!(text, "m{number} = {{ file = \"{stem}-{number}.eml\" }}");
        }
        text
    }
}
