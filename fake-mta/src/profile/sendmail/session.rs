//! The SMTP session: what sendmail keeps of it, and which command goes where.

use std::collections::HashMap;

use milter_proto::{Command, MacroStage};

use super::{
    access::Access,
    content,
    filter::Verdict,
    filters::{Filters, Question},
    log,
    macros::MacroTable,
    release::{Release, SENDMAIL_8_17},
    reply_text, text,
};
use crate::{
    message::Envelope,
    profile::{Host, qualified},
    smtp::{Awaits, CommandLine, LineRules, Reply, SaslExchange, bare_address},
};

/// One SMTP session with sendmail.
pub(crate) struct Sendmail {
    pub(super) host: Host,
    pub(super) release: &'static Release,
    pub(super) filters: Filters,
    /// No filter is asked any more.
    pub(super) unfiltered: bool,
    /// A filter wants the message thrown away that has not begun yet.
    pub(super) discard_next: bool,
    /// The envelope that is open, or will be, is not the first one of the session.
    pub(super) renewed: bool,
    /// What MAIL or RCPT named last, taken or not: for the log.
    pub(super) last_path: Option<Vec<u8>>,
    pub(super) access: Access,
    pub(super) helo: Option<String>,
    pub(super) esmtp: bool,
    pub(super) mail: Option<Mail>,
    pub(super) queue_id: String,
    pub(super) awaits: Awaits,
    /// AUTH waits for the client's response.
    pub(super) dialogue: Option<SaslExchange>,
    /// How many recipients the client has named for this message, accepted or not, but for those that it may not send to; VRFY
    /// counts too.
    pub(super) recipients_named: usize,
    /// The client has sent more behind the command that is being answered.
    pub(super) sent_ahead: bool,
    /// No command has come yet.
    is_first: bool,
    /// How many commands came that it does not know.
    bad_commands: usize,
    /// The last command, for the log of a lost connection.
    pub(super) last_command: &'static str,
}

/// A message whose MAIL was accepted.
#[derive(Debug, Clone, Default)]
pub(super) struct Mail {
    /// The path of MAIL as the client wrote it.
    pub(super) typed: Vec<u8>,
    /// The recipients stand as they were named: whoever collects the message turns them round.
    pub(super) envelope: Envelope,
    /// The recipients by mailbox, each as it was named first.
    pub(super) mailboxes: HashMap<Mailbox, Vec<u8>>,
    pub(super) discard: bool,
    pub(super) quarantine: Option<Vec<u8>>,
    /// Who wrote the message, as the client's AUTH parameter has it.
    pub(super) author: Option<Vec<u8>>,
}

/// User and domain of a recipient; the domain is empty if it is one of this host's.
pub(super) type Mailbox = (Vec<u8>, String);

impl Sendmail {
    /// A session that has not begun.
    pub(crate) fn new(mut host: Host) -> Self {
        let queue_id = host.queue_ids.sendmail();
        Self {
            host,
            release: &SENDMAIL_8_17,
            filters: Filters::default(),
            unfiltered: false,
            discard_next: false,
            renewed: false,
            last_path: None,
            access: Access::Open,
            helo: None,
            esmtp: false,
            mail: None,
            queue_id,
            awaits: Awaits::Line,
            dialogue: None,
            recipients_named: 0,
            sent_ahead: false,
            is_first: true,
            bad_commands: 0,
            last_command: "startup",
        }
    }

    /// What the client is to send next.
    pub(crate) fn awaits(&self) -> Awaits {
        self.awaits
    }

    /// The surroundings, for facts that come from outside.
    pub(crate) fn host_mut(&mut self) -> &mut Host {
        &mut self.host
    }

    /// The client has connected: filters are opened before the banner is sent.
    pub(crate) async fn connect(&mut self) -> Reply {
        let reply = self.greet().await;
        self.unless_dead(reply).await
    }

    /// A command line of the client; `is_last` if it has sent nothing behind it.
    pub(crate) async fn command(&mut self, line: &[u8], is_last: bool) -> Reply {
        self.sent_ahead = !is_last;
        // What is behind a NUL is not there for a C program.
        let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
        let reply = match self.dialogue.take() {
            Some(dialogue) => self.auth_response(dialogue, Some(line)),
            None => self.dispatch(line).await,
        };
        self.unless_dead(reply).await
    }

    /// The message after its final dot.
    pub(crate) async fn message(&mut self, message: &[u8]) -> Reply {
        let reply = self.receive(message).await;
        self.unless_dead(reply).await
    }

    /// The reply, unless the process has died over what a filter sent: then the client sees the connection close, as filters do.
    async fn unless_dead(&mut self, reply: Reply) -> Reply {
        if !self.filters.is_process_dead() {
            return reply;
        }
        self.filters.hang_up().await;
        Reply::silent_close()
    }

    async fn dispatch(&mut self, line: &[u8]) -> Reply {
        let command = CommandLine::parse(line);
        let verb = command.verb_upper();
        if std::mem::take(&mut self.is_first) && PROXY_VERBS.contains(&verb.as_str()) {
            return self.open_proxy(line);
        }
        if let Some(reply) = self.refused_by_access(&verb) {
            return reply;
        }
        let argument = reply_text::seven_bit_text(command.argument);
        match verb.as_str() {
            "HELO" => self.helo(command.argument, false).await,
            "EHLO" => self.helo(command.argument, true).await,
            "MAIL" => self.mail(command.argument).await,
            "RCPT" => self.rcpt(command.argument).await,
            "DATA" => self.data().await,
            "RSET" => {
                self.reset().await;
                Reply::line("250 2.0.0 Reset state")
            }
            "QUIT" => Reply::line(format!("221 2.0.0 {} closing connection", self.host.settings.hostname)).closing(),
            "AUTH" if self.host.settings.auth_mechanisms.is_some() => self.auth(command.argument),
            "STARTTLS" => self.starttls(command.argument).await,
            "NOOP" => Reply::line("250 2.0.0 OK"),
            "VERB" => Reply::line("502 5.7.0 Verbose unavailable"),
            "HELP" => text::help(self.release),
            "VRFY" | "EXPN" if argument.is_empty() => Reply::line("501 5.5.2 Argument required"),
            "VRFY" => self.verify(command.argument),
            "ETRN" if argument.is_empty() => Reply::line("500 5.5.2 Parameter required"),
            "EXPN" => Reply::line(format!("550 5.1.1 {argument}... User unknown")),
            "ETRN" => Reply::line(format!("250 2.0.0 Queuing for node {argument} started")),
            "TURN" => Reply::line("502 5.5.1 Command not implemented: \"TURN\""),
            _ => self.unknown(line).await,
        }
    }

    /// A client that begins as one of HTTP does was sent by somebody else.
    fn open_proxy(&self, line: &[u8]) -> Reply {
        let client = text::client_text(&self.host.client);
        self.log(&format!("{client}: probable open proxy: command={}\\r\\n", crate::profile::printable(line)));
        let hostname = &self.host.settings.hostname;
        Reply::line(format!("421 4.7.0 {hostname} Rejecting open proxy {client}")).closing()
    }

    /// A command line that does not fit.
    pub(crate) fn too_long(&self) -> Reply {
        let (hostname, client) = (&self.host.settings.hostname, text::client_text(&self.host.client));
        Reply::line(format!("421 4.7.0 {hostname} Command too long, possible attack {client}")).closing()
    }

    fn verify(&mut self, argument: &[u8]) -> Reply {
        self.recipients_named += 1;
        let address = qualified(bare_address(argument).to_vec(), &self.host.settings.hostname);
        Reply::line(format!("252 2.1.5 <{}>", reply_text::seven_bit_text(&address)))
    }

    async fn unknown(&mut self, line: &[u8]) -> Reply {
        self.bad_commands += 1;
        if self.bad_commands > BAD_COMMANDS_MAX {
            let hostname = &self.host.settings.hostname;
            let reply = Reply::line(format!("421 4.7.0 {hostname} Too many bad commands; closing connection"));
            return self.maybe_shut_down(reply).await;
        }
        let verdict = self.ask(Command::Unknown(line.to_vec()), None, "unknown", &MacroTable::default()).await;
        // What stands here belongs to the last MAIL or RCPT, if there was one.
        let path = self.last_path.as_ref().map_or_else(|| "(null)".to_owned(), |path| crate::profile::printable(path));
        let log = |this: &Self, said: &str| this.log(&format!("Milter: unknown={path}, {said}"));
        match verdict {
            Verdict::Code(code) => {
                log(self, &format!("reject={}", crate::profile::printable(&code)));
                self.maybe_shut_down(reply_text::reply(self.release, &code, None)).await
            }
            Verdict::Reject => {
                log(self, &format!("reject={}", text::REJECTED));
                Reply::line(text::REJECTED)
            }
            Verdict::Tempfail => {
                log(self, &format!("reject={}", text::TRY_LATER));
                Reply::line(text::TRY_LATER)
            }
            Verdict::Shutdown => {
                log(self, "reject=421, errormode=4");
                self.maybe_shut_down(Reply::line(text::SHUTTING_DOWN)).await
            }
            verdict => {
                if verdict == Verdict::Discard {
                    log(self, "discard");
                    match &mut self.mail {
                        Some(mail) => mail.discard = true,
                        None => self.discard_next = true,
                    }
                }
                let shown = reply_text::shown_address(self.release, line);
                Reply::line(format!("500 5.5.1 Command unrecognized: \"{shown}\""))
            }
        }
    }

    /// The last reply is out: filters are told, and an envelope that came to nothing is written down.
    pub(crate) async fn finish(&mut self) {
        self.filters.quit(&self.host, &self.queue_id).await;
        self.drop_envelope();
    }

    /// An envelope without a message leaves a line in the log.
    fn drop_envelope(&mut self) {
        if self.mail.is_some() {
            content::log_from(self, 0, None);
        }
        self.mail = None;
    }

    /// A 421 ends the session.
    pub(super) async fn maybe_shut_down(&mut self, reply: Reply) -> Reply {
        if !reply.lines.first().is_some_and(|line| reply_text::ends_session(line)) {
            return reply;
        }
        self.mail = None;
        self.filters.quit(&self.host, &self.queue_id).await;
        reply.closing()
    }

    /// A new envelope, and with it a new queue id.
    pub(super) async fn reset(&mut self) {
        if self.mail.is_some() {
            self.filters.abort(&self.host, &self.queue_id).await;
        }
        self.drop_envelope();
        self.renew_envelope();
        self.last_command = "rset";
    }

    /// An empty envelope with a queue id of its own.
    pub(super) fn renew_envelope(&mut self) {
        self.mail = None;
        self.discard_next = false;
        self.renewed = true;
        self.recipients_named = 0;
        self.queue_id = self.host.queue_ids.sendmail();
    }

    /// The client went away without QUIT. In the middle of a message the process ends without a word to its filters.
    pub(crate) async fn lost(&mut self) {
        let client = text::client_text(&self.host.client);
        let macros = self.session_macros();
        let daemon = String::from_utf8_lossy(macros.get("daemon_name").unwrap_or_default()).into_owned();
        let after = if self.awaits == Awaits::Line { self.last_command } else { "data" };
        if self.awaits == Awaits::Line {
            self.filters.quit(&self.host, &self.queue_id).await;
        } else {
            self.filters.hang_up().await;
        }
        self.log(&format!("lost input channel from {client} to {daemon} after {after}"));
        self.drop_envelope();
    }

    pub(super) async fn ask(
        &mut self,
        command: Command,
        stage: Option<MacroStage>,
        action: &'static str,
        macros: &MacroTable,
    ) -> Verdict {
        if !self.is_asking() {
            return Verdict::Continue;
        }
        let question = Question { command, stage, action, macros, queue_id: &self.queue_id, release: self.release };
        self.filters.ask(&self.host, &question).await
    }

    /// Whether filters are still asked: none is after a refusal of the connection, or once the message is to be discarded.
    pub(super) fn is_asking(&self) -> bool {
        let discard = self.mail.as_ref().map_or(self.discard_next, |mail| mail.discard);
        !self.unfiltered && !discard
    }

    pub(super) fn log(&self, text: &str) {
        log::write(&self.host, &self.queue_id, text);
    }
}

/// So many commands that it does not know are put up with.
const BAD_COMMANDS_MAX: usize = 25;

/// What no SMTP client begins with.
const PROXY_VERBS: [&str; 4] = ["GET", "POST", "CONNECT", "USER"];

/// How lines are cut. In a message a CR or LF by itself is refused.
pub(crate) const LINE_RULES: LineRules = LineRules { line_max: 2048, cuts: false, lenient: false };
