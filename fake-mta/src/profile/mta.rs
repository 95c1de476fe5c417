//! The fake MTA as its users see it: bytes of an SMTP client in, replies out.

use std::{net::IpAddr, sync::Arc};

use milter_proto::MacroStage;

use super::{
    Auth, Host, Tls,
    postfix::{self, Postfix},
    sendmail::{self, Sendmail},
};
use crate::{
    client::Client,
    journal::{Event, Journal},
    link::Connect,
    settings::Settings,
    smtp::{Awaits, Input, InputBuffer, LineRules, Reply},
};

/// Which MTA is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personality {
    /// sendmail 8.17.
    Sendmail,
    /// Postfix 3.7.
    Postfix,
    /// Postfix's packets, but whatever the client says is taken as it is: for test suites whose names no real MTA lets through.
    Direct,
}

impl Personality {
    /// The personality that a profile's name means, with its release or without: `sendmail`, `postfix-3.7`, `direct`.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Sendmail, Self::Postfix, Self::Direct];
        all.into_iter().find(|personality| {
            let full = personality.name();
            name == full || full.split_once('-').is_some_and(|(mta, _)| name == mta)
        })
    }

    /// The profile's name with the release that is played.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sendmail => sendmail::profile_name(),
            Self::Postfix => postfix::profile_name(),
            Self::Direct => "direct",
        }
    }

    /// The macros that are sent at a stage if nobody has set others.
    pub(crate) fn default_macros(self, stage: MacroStage) -> &'static [&'static str] {
        match self {
            Self::Sendmail => sendmail::default_macros(stage),
            Self::Postfix | Self::Direct => postfix::default_macros(stage),
        }
    }

    /// What a macro of a sender (`mail_host`) or a recipient (`rcpt_mailer`) tells of an address, if nobody has set it.
    pub(crate) fn address_macro(self, settings: &Settings, name: &str, address: &[u8]) -> Vec<u8> {
        let (prefix, kind) = name.split_once('_').unwrap_or((name, ""));
        let (mailer, hop, shown) = match self {
            Self::Sendmail => sendmail::mailer(settings, address),
            Self::Postfix | Self::Direct => postfix::mailer(settings, prefix, address),
        };
        match kind {
            "mailer" => mailer.into(),
            "host" => hop,
            _ => shown,
        }
    }

    /// What a client is told that is one too many.
    pub(crate) fn too_many_connections(self, settings: &Settings, client: IpAddr) -> String {
        match self {
            Self::Sendmail => sendmail::TOO_MANY_CONNECTIONS.to_owned(),
            Self::Postfix | Self::Direct => postfix::too_many_connections(settings, client),
        }
    }

    fn line_rules(self) -> LineRules {
        match self {
            Self::Sendmail => sendmail::LINE_RULES,
            Self::Postfix => postfix::LINE_RULES,
            // Suites hold names that are longer than any MTA takes.
            Self::Direct => LineRules { line_max: 64 * 1024, ..postfix::LINE_RULES },
        }
    }
}

/// What a user of this host tells the `sendmail` command of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The sender without angle brackets; empty for the null sender.
    pub sender: Vec<u8>,
    /// The recipients without angle brackets.
    pub recipients: Vec<Vec<u8>>,
    /// The user's number.
    pub user_id: u32,
    /// The user's full name, as the password file has it; it may be empty.
    pub full_name: String,
}

/// One SMTP session of the fake MTA.
pub struct Mta {
    server: Server,
    input: InputBuffer,
    journal: Journal,
    closed: bool,
    /// STARTTLS was answered with 220: a handshake comes, and no command.
    starting_tls: bool,
}

enum Server {
    Sendmail(Box<Sendmail>),
    Postfix(Box<Postfix>),
}

impl Mta {
    /// A session that has not begun. Everything that happens in it is written into `journal`.
    pub fn new(
        personality: Personality,
        settings: Arc<Settings>,
        client: Client,
        connector: Arc<dyn Connect>,
        journal: Journal,
    ) -> Self {
        let host = Host::new(settings, client, journal.clone(), connector);
        let server = match personality {
            Personality::Sendmail => Server::Sendmail(Box::new(Sendmail::new(host))),
            Personality::Postfix => Server::Postfix(Box::new(Postfix::new(host, false))),
            Personality::Direct => Server::Postfix(Box::new(Postfix::new(host, true))),
        };
        let size_max = match &server {
            Server::Sendmail(_) => None,
            Server::Postfix(server) => server.size_max(),
        };
        let input = InputBuffer::new(personality.line_rules(), size_max);
        Self { server, input, journal, closed: false, starting_tls: false }
    }

    /// The client connects: filters are opened, and the banner comes.
    pub async fn connect(&mut self) -> Reply {
        let reply = match &mut self.server {
            Server::Sendmail(server) => server.connect().await,
            Server::Postfix(server) => server.connect().await,
        };
        self.note(&reply);
        self.finish_if_closed(&reply).await;
        reply
    }

    /// The client sends bytes; the replies to every whole command in them come back.
    pub async fn feed(&mut self, bytes: &[u8]) -> Vec<Reply> {
        self.input.push(bytes);
        let mut replies = Vec::new();
        while !self.closed {
            let Some(input) = self.input.next(self.awaits()) else { break };
            let is_starttls = matches!(&input, Input::Line(line) if is_starttls(line));
            let reply = self.take(input).await;
            self.note(&reply);
            self.finish_if_closed(&reply).await;
            // BDAT is answered when its chunk has come.
            if reply != Reply::default() {
                replies.push(reply);
            }
            if is_starttls && replies.last().and_then(Reply::code) == Some(b"220") {
                self.starting_tls = true;
                // Whoever sits on the line could have put commands behind it that would then count as the client's.
                self.input.clear();
                break;
            }
        }
        replies
    }

    /// What the MTA does once its last reply is out.
    async fn finish_if_closed(&mut self, reply: &Reply) {
        if !reply.closes {
            return;
        }
        match &mut self.server {
            Server::Sendmail(server) => server.finish().await,
            Server::Postfix(server) => server.finish().await,
        }
    }

    async fn take(&mut self, input: Input) -> Reply {
        match input {
            Input::Line(line) => {
                self.journal.note(Event::ClientLine(line.clone()));
                let is_last = self.input.is_empty();
                match &mut self.server {
                    Server::Sendmail(server) => server.command(&line, is_last).await,
                    Server::Postfix(server) => server.command(&line).await,
                }
            }
            Input::Chunk(chunk) => {
                self.journal.note(Event::ClientMessage(chunk.len()));
                match &mut self.server {
                    Server::Sendmail(_) => Reply::default(),
                    Server::Postfix(server) => server.text("BDAT", &chunk).await,
                }
            }
            Input::Message(message) => {
                self.journal.note(Event::ClientMessage(message.len()));
                match &mut self.server {
                    Server::Sendmail(server) => server.message(&message).await,
                    Server::Postfix(server) => server.text("DATA", &message).await,
                }
            }
            Input::TooLarge(size) => {
                self.journal.note(Event::ClientMessage(size));
                match &mut self.server {
                    // It has no limit.
                    Server::Sendmail(_) => Reply::default(),
                    Server::Postfix(server) => server.too_large().await,
                }
            }
            Input::TooLong => match &mut self.server {
                Server::Sendmail(server) => server.too_long(),
                // It cuts long lines.
                Server::Postfix(_) => Reply::default(),
            },
            Input::Bare(bare, size) => match &mut self.server {
                Server::Sendmail(server) => server.bare_line_end(bare, size).await,
                // It knows no line end that is none.
                Server::Postfix(_) => Reply::default(),
            },
        }
    }

    /// The client goes away without QUIT.
    pub async fn lose_client(&mut self) {
        self.journal.note(Event::ClientClosed);
        if self.closed {
            return;
        }
        self.closed = true;
        match &mut self.server {
            Server::Sendmail(server) => server.lost().await,
            Server::Postfix(server) => server.lost().await,
        }
    }

    /// A user of this host gives a message to the MTA's `sendmail` command; false if this MTA takes none that way.
    pub async fn submit(&mut self, submission: &Submission, message: &[u8]) -> bool {
        self.journal.note(Event::ClientMessage(message.len()));
        self.closed = true;
        match &mut self.server {
            Server::Sendmail(_) => return false,
            Server::Postfix(server) => server.submit(submission, message).await,
        }
        true
    }

    /// A TLS handshake took place; values by macro name without braces: `tls_version`, `cipher`, `verify`, …
    pub fn start_tls(&mut self, values: impl IntoIterator<Item = (String, String)>) {
        self.starting_tls = false;
        if let Server::Postfix(server) = &mut self.server {
            server.forget_login();
        }
        self.host_mut().tls = Some(Tls { values: values.into_iter().collect() });
    }

    /// The client has authenticated itself.
    pub fn authenticate(&mut self, mechanism: &str, user: &str) {
        self.host_mut().auth = Some(Auth { mechanism: mechanism.to_owned(), user: user.to_owned() });
    }

    /// Whether the text of a message is awaited, not a command.
    pub fn awaits_message(&self) -> bool {
        matches!(self.awaits(), Awaits::Message | Awaits::Chunk(_))
    }

    /// How many bytes are kept of a command or message that is not whole yet.
    pub fn unfinished(&self) -> usize {
        let chunks = match &self.server {
            Server::Sendmail(_) => 0,
            Server::Postfix(server) => server.chunks_size(),
        };
        self.input.len() + chunks
    }

    /// Whether STARTTLS was accepted, so that a handshake is what comes next.
    pub fn is_starting_tls(&self) -> bool {
        self.starting_tls
    }

    /// Whether the MTA has closed the SMTP connection.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn awaits(&self) -> Awaits {
        match &self.server {
            Server::Sendmail(server) => server.awaits(),
            Server::Postfix(server) => server.awaits(),
        }
    }

    fn host_mut(&mut self) -> &mut Host {
        match &mut self.server {
            Server::Sendmail(server) => server.host_mut(),
            Server::Postfix(server) => server.host_mut(),
        }
    }

    fn note(&mut self, reply: &Reply) {
        for line in &reply.lines {
            self.journal.note(Event::ServerLine(line.clone()));
        }
        if reply.closes {
            self.closed = true;
            self.journal.note(Event::ServerClosed);
        }
    }
}

fn is_starttls(line: &[u8]) -> bool {
    line.trim_ascii().eq_ignore_ascii_case(b"STARTTLS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_named_with_its_release_or_without() {
        for (name, personality) in [
            ("sendmail", Some(Personality::Sendmail)),
            ("sendmail-8.17", Some(Personality::Sendmail)),
            ("postfix-3.7", Some(Personality::Postfix)),
            ("direct", Some(Personality::Direct)),
            ("postfix-2.0", None),
        ] {
            assert_eq!(Personality::from_name(name), personality, "{name}");
        }
    }
}
