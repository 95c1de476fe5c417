//! The SMTP session: what `smtpd(8)` keeps of it, and which command goes where.

use milter_proto::{Command, MacroStage};

use super::{
    auth::{Dialogue, RESPONSE_MAX},
    counts::CommandCounts,
    data::Bdat,
    filter::Answer,
    filters::{Event, Filters},
    macros::MacroTable,
    release::{POSTFIX_3_7, Release},
    text,
};
use crate::{
    message::Envelope,
    profile::{Host, printable},
    smtp::{Awaits, CommandLine, LineRules, Reply, split_at_byte},
};

/// One SMTP session with Postfix.
pub(crate) struct Postfix {
    pub(super) host: Host,
    pub(super) release: &'static Release,
    pub(super) filters: Filters,
    pub(super) helo: Option<String>,
    pub(super) esmtp: bool,
    pub(super) mail: Option<Mail>,
    /// A filter put the whole session on hold.
    pub(super) hold: bool,
    /// A filter wants nothing of this session: every message is thrown away, and filters are not asked any more.
    pub(super) discard: bool,
    /// A filter refused the client: EHLO offers the bare minimum.
    pub(super) refused: bool,
    /// Commands are taken as they are, without a look at their syntax: the profile `direct`.
    pub(super) verbatim: bool,
    pub(super) awaits: Awaits,
    /// AUTH waits for the client's response.
    pub(super) dialogue: Option<Dialogue>,
    /// A message that comes in chunks.
    pub(super) bdat: Option<Bdat>,
    pub(super) last_command: &'static str,
    counts: CommandCounts,
    errors: usize,
    /// The refusal that is being said is no error of the client.
    pub(super) is_forgiven: bool,
}

/// A message whose MAIL was accepted.
#[derive(Debug, Clone, Default)]
pub(super) struct Mail {
    pub(super) envelope: Envelope,
    /// Known once the first recipient is accepted.
    pub(super) queue_id: Option<String>,
    pub(super) hold: bool,
    pub(super) discard: bool,
    /// The client announced an international message, RFC 6531.
    pub(super) smtputf8: bool,
    /// Who wrote the message, as the client's AUTH parameter has it.
    pub(super) author: Option<Vec<u8>>,
    /// How many recipients were refused because there were too many.
    pub(super) overshoot: usize,
    /// The recipient of the command that is being answered, else the first one: for the log.
    pub(super) recipient: Option<Vec<u8>>,
}

impl Postfix {
    /// A session that has not begun. `verbatim` is the profile `direct`.
    pub(crate) fn new(host: Host, verbatim: bool) -> Self {
        let filters = Filters::new(&host.settings.filters);
        Self {
            host,
            release: &POSTFIX_3_7,
            filters,
            helo: None,
            esmtp: false,
            mail: None,
            hold: false,
            discard: false,
            refused: false,
            verbatim,
            awaits: Awaits::Line,
            dialogue: None,
            bdat: None,
            last_command: "CONNECT",
            counts: CommandCounts::default(),
            errors: 0,
            is_forgiven: false,
        }
    }

    /// What the client is to send next.
    pub(crate) fn awaits(&self) -> Awaits {
        // One byte more shows that there were too many.
        if self.dialogue.is_some() { Awaits::Response(RESPONSE_MAX + 1) } else { self.awaits }
    }

    /// The surroundings, for facts that come from outside.
    pub(crate) fn host_mut(&mut self) -> &mut Host {
        &mut self.host
    }

    /// The largest message that is taken, bytes; `None` if any is.
    pub(crate) fn size_max(&self) -> Option<usize> {
        self.release.message_size_max(&self.host.settings)
    }

    /// A command line of the client.
    pub(crate) async fn command(&mut self, line: &[u8]) -> Reply {
        if let Some(dialogue) = self.dialogue.take() {
            return self.auth_response(dialogue, Some(line));
        }
        // What is behind a NUL is not there for a C program.
        let line = if self.verbatim { line } else { split_at_byte(line, 0).0 };
        let command = CommandLine::parse(line);
        let reply = if command.verb.is_empty() {
            Reply::line("500 5.5.2 Error: bad syntax")
        } else if !self.verbatim && std::str::from_utf8(line).is_err() {
            Reply::line("500 5.5.2 Error: bad UTF-8 syntax")
        } else {
            let reply = self.dispatch(&command).await;
            self.counts.count(&command.verb_upper(), &reply);
            reply
        };
        let reply = self.limit_errors(reply).await;
        self.said(reply)
    }

    /// The text that DATA or BDAT, as `verb` says, has asked for.
    pub(crate) async fn text(&mut self, verb: &str, text: &[u8]) -> Reply {
        let reply = if verb == "BDAT" { self.chunk(text).await } else { self.message(text).await };
        self.counts.count(verb, &reply);
        let reply = self.limit_errors(reply).await;
        self.said(reply)
    }

    /// A message that is larger than what is taken has come; none of it was kept.
    pub(crate) async fn too_large(&mut self) -> Reply {
        let reply = self.refuse_too_large();
        self.counts.count("DATA", &reply);
        let reply = self.limit_errors(reply).await;
        self.said(reply)
    }

    /// The reply as the administrator wants it said.
    fn said(&self, reply: Reply) -> Reply {
        if self.host.settings.soft_bounce { text::softened(reply) } else { reply }
    }

    /// After too many refusals the session ends.
    async fn limit_errors(&mut self, mut reply: Reply) -> Reply {
        let is_error = reply.code().is_some_and(|code| matches!(code.first(), Some(b'4' | b'5')));
        self.errors += usize::from(is_error && !std::mem::take(&mut self.is_forgiven));
        if reply.closes || self.host.settings.error_limit.is_none_or(|limit| self.errors < limit) {
            return reply;
        }
        let client = text::client_log(&self.host.client);
        self.log(None, &format!("too many errors after {} from {client}", self.last_command));
        reply.lines.push(format!("421 4.7.0 {} Error: too many errors", self.host.settings.hostname).into());
        reply.closing()
    }

    async fn dispatch(&mut self, command: &CommandLine<'_>) -> Reply {
        match command.verb_upper().as_str() {
            "HELO" => self.helo(command.argument, false).await,
            "EHLO" => self.helo(command.argument, true).await,
            "MAIL" => self.mail(command.argument).await,
            "RCPT" => self.rcpt(command.argument).await,
            "RSET" if !command.argument.is_empty() => Reply::line("501 5.5.4 Syntax: RSET"),
            "VRFY" if command.argument.is_empty() => Reply::line("501 5.5.4 Syntax: VRFY address [SMTPUTF8]"),
            "ETRN" if command.argument.is_empty() => Reply::line("500 Syntax: ETRN domain"),
            "DATA" => self.data(command.argument).await,
            "BDAT" => self.bdat(command.argument).await,
            "AUTH" if self.host.settings.auth_mechanisms.is_some() => self.auth(command.argument),
            "STARTTLS" => self.starttls(command.argument),
            "XCLIENT" => self.xclient(command.argument).await,
            "XFORWARD" => self.xforward(command.argument),
            "RSET" => {
                self.reset_mail();
                Reply::line("250 2.0.0 Ok")
            }
            "NOOP" => Reply::line("250 2.0.0 Ok"),
            "VRFY" => self.unless_refused(format!("252 2.0.0 {}", String::from_utf8_lossy(command.argument))),
            "ETRN" => self.unless_refused("250 Queuing started".to_owned()),
            "QUIT" => Reply::line("221 2.0.0 Bye").closing(),
            _ => self.unknown(command).await,
        }
    }

    async fn unknown(&mut self, command: &CommandLine<'_>) -> Reply {
        self.last_command = "UNKNOWN";
        if !self.verbatim && is_forbidden(command.verb) {
            let client = text::client_log(&self.host.client);
            let said = printable(&command.line[..command.line.len().min(100)]);
            self.log(None, &format!("warning: non-SMTP command from {client}: {said}"));
            return Reply::line("221 2.7.0 Error: I can break rules, too. Goodbye.").closing();
        }
        let macros = MacroTable::of_smtpd(&self.host, self.release);
        let answer = self.ask(Command::Unknown(command.verb.to_vec()), None, &macros).await;
        match self.judge("UNKNOWN", answer) {
            Some(reply) => self.refuse(&reply).await,
            None => Reply::line(text::UNKNOWN_COMMAND),
        }
    }

    /// The reply, unless a filter has refused the client before: then its refusal.
    fn unless_refused(&self, reply: String) -> Reply {
        self.filters.standing_reply().map_or_else(|| Reply::line(reply), Reply::text)
    }

    /// The client went away without QUIT.
    pub(crate) async fn lost(&mut self) {
        let client = text::client_log(&self.host.client);
        let after = if self.awaits == Awaits::Line { self.last_command } else { "DATA" };
        self.log(None, &format!("lost connection after {after} from {client}"));
        self.finish().await;
    }

    /// The last reply is out.
    pub(crate) async fn finish(&mut self) {
        self.end().await;
        let client = text::client_log(&self.host.client);
        self.log(None, &format!("disconnect from {client} {}", self.counts));
    }

    pub(super) async fn end(&mut self) {
        self.reset_mail();
        self.reset_helo();
        self.filters.disconnect().await;
    }

    pub(super) fn reset_mail(&mut self) {
        self.bdat = None;
        if self.mail.take().is_some() && !self.discard {
            self.filters.abort();
        }
    }

    pub(super) fn reset_helo(&mut self) {
        if self.helo.take().is_some() {
            self.filters.abort();
        }
    }

    /// Reports an event, unless the message is to be discarded anyway.
    pub(super) async fn ask(
        &mut self,
        command: Command,
        stage: Option<MacroStage>,
        macros: &MacroTable,
    ) -> Option<Answer> {
        if self.discard || self.mail.as_ref().is_some_and(|mail| mail.discard) {
            return None;
        }
        let event = Event { command, stage, macros, release: self.release, program: SMTPD };
        self.filters.event(&self.host, &event).await
    }

    /// What an answer means for the command `stage`: a refusal, or a mark on the message. Either is logged.
    pub(super) fn judge(&mut self, stage: &str, answer: Option<Answer>) -> Option<Vec<u8>> {
        let answer = answer?;
        let (action, said) = text::verdict_log(&answer);
        let queue_id = self.mail.as_ref().and_then(|mail| mail.queue_id.clone());
        let client = text::client_log(&self.host.client);
        let line = format!("milter-{action}: {stage} from {client}: {said}; {}", self.describe_session());
        self.log(Some(queue_id.as_deref().unwrap_or("NOQUEUE")), &line);
        match answer {
            Answer::Reply(reply) => Some(reply),
            Answer::Shutdown => Some(text::SERVER_CLOSING.into()),
            Answer::Hold => {
                self.mark(|mail| mail.hold = true);
                self.hold |= self.mail.is_none();
                None
            }
            Answer::Discard => {
                self.mark(|mail| mail.discard = true);
                self.discard |= self.mail.is_none();
                None
            }
        }
    }

    fn mark(&mut self, mark: impl FnOnce(&mut Mail)) {
        if let Some(mail) = &mut self.mail {
            mark(mail);
        }
    }

    /// `from=<…> to=<…> proto=… helo=<…>`: the end of the log lines about a refusal.
    fn describe_session(&self) -> String {
        let mail = self.mail.as_ref();
        let sender = mail.map(|mail| &mail.envelope.sender[..]);
        let recipient = mail.and_then(|mail| mail.recipient.as_deref());
        text::describe_session(sender, recipient, self.esmtp, self.helo.as_deref())
    }

    /// A refusal as the client gets it; a 421 or 521 ends the session.
    pub(super) async fn refuse(&mut self, reply: &[u8]) -> Reply {
        let said = Reply::text(reply);
        if text::ends_session(reply) {
            self.end().await;
            return said.closing();
        }
        said
    }

    pub(super) fn log(&self, queue_id: Option<&str>, text: &str) {
        self.host.log(SMTPD, queue_id, text);
    }
}

/// Whether a command that is not known is none of a mail client: `smtpd_forbidden_commands`, and header fields.
fn is_forbidden(verb: &[u8]) -> bool {
    let is_named = [&b"CONNECT"[..], b"GET", b"POST"].iter().any(|name| verb.eq_ignore_ascii_case(name));
    let is_field = verb.iter().position(|&byte| byte == b':').is_some_and(|at| at > 0);
    is_named || is_field || !verb.first().is_some_and(u8::is_ascii_alphabetic)
}

/// How lines are cut: every CR before the LF goes, and the LF needs none.
pub(crate) const LINE_RULES: LineRules = LineRules { line_max: 2048, cuts: true, lenient: true };

/// The program's name in the log.
pub(super) const SMTPD: &str = "postfix/smtpd";
