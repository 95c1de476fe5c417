//! The message after its final dot: what `cleanup(8)` shows the filters, and what becomes of it.

use milter_proto::{Command, MacroStage, limits::BODY_CHUNK_MAX};

use super::{
    edits::Editing,
    filter::{Answer, Filter},
    filters::Event,
    macros::MacroTable,
    queue::{self, Generated},
    release::Release,
    session::{Mail, Postfix},
    text,
};
use crate::{
    message::{Content, Delivered, Header, PostfixHeaders, complete_addresses, postfix_lines, with_crlf},
    profile::{Host, Submission},
};

/// Fields that never leave the client's message (`message_drop_headers`).
const DROPPED: [&str; 4] = ["Bcc", "Content-Length", "Resent-Bcc", "Return-Path"];

/// The program's name in the log.
pub(super) const CLEANUP: &str = "postfix/cleanup";

/// Where a message comes from.
pub(super) enum Origin<'a> {
    /// The SMTP session.
    Smtp,
    /// A user of this host, by the `sendmail` command.
    User(&'a Submission),
}

/// What became of a message.
pub(super) struct Outcome {
    /// What the client gets instead of "queued".
    pub(super) refusal: Option<Vec<u8>>,
    pub(super) delivered: Option<Delivered>,
}

/// Takes a message in: asks the filters, applies their edits, and says what the client and the next host get.
pub(super) async fn receive(session: &mut Postfix, mail: &Mail, message: &[u8], origin: &Origin<'_>) -> Outcome {
    let mut editing = begin(session, mail, message, origin);
    let queue_id = mail.queue_id.as_deref().unwrap_or_default();
    let message_id = editing.headers.value_of(b"Message-Id").map(|value| text::log_text(value.trim_ascii()));
    session.host.log(CLEANUP, Some(queue_id), &format!("message-id={}", message_id.unwrap_or_else(|| "<>".to_owned())));
    if editing.headers.count_of(b"Received") > session.release.hops_max {
        let refusal = Some(b"554 5.4.0 Error: too many hops".to_vec());
        return Outcome { refusal, delivered: None };
    }
    let macros = macros(session, mail, origin);
    let answer = if mail.discard { None } else { ask_all(session, &mut editing, &macros, origin).await };
    if let Some(answer) = answer.as_ref().filter(|answer| !(mail.hold && **answer == Answer::Hold)) {
        let described = describe(session, &editing, origin);
        log_verdict(&session.host, queue_id, "END-OF-MESSAGE", answer, &described);
    }
    // A filter that shuts the connection down in the content stage makes the message vanish: the client is not told.
    let lost = mail.discard || matches!(answer, Some(Answer::Discard | Answer::Shutdown));
    let held = mail.hold || answer == Some(Answer::Hold);
    match answer {
        Some(Answer::Reply(reply)) => Outcome { refusal: Some(text::content_reply(&reply)), delivered: None },
        _ if lost => Outcome { refusal: None, delivered: None },
        _ => Outcome { refusal: None, delivered: queue::deliver(session, mail, &editing, held) },
    }
}

fn macros(session: &Postfix, mail: &Mail, origin: &Origin<'_>) -> MacroTable {
    let host = &session.host;
    let queue_id = mail.queue_id.as_deref().unwrap_or_default();
    let mut macros = match origin {
        Origin::Smtp => MacroTable::of_session(host, session.release),
        Origin::User(_) => MacroTable::of_user(host, session.release, queue_id),
    };
    macros.set_default(host, "i", queue_id);
    if let Some(author) = &mail.author {
        macros.set_default(host, "auth_author", &author[..]);
    }
    if let Origin::User(_) = origin {
        macros.set_default(host, "mail_addr", &mail.envelope.sender[..]);
        if let Some(recipient) = &mail.recipient {
            macros.set_default(host, "rcpt_addr", &recipient[..]);
        }
    }
    macros
}

fn begin(session: &Postfix, mail: &Mail, message: &[u8], origin: &Origin<'_>) -> Editing {
    let host = &session.host;
    let queue_id = mail.queue_id.as_deref().unwrap_or_default();
    let mut content = Content::parse(&postfix_lines(message));
    // `cleanup(8)` takes a header field for a C string.
    for header in &mut content.headers {
        let end = header.value.iter().position(|&byte| byte == 0).unwrap_or(header.value.len());
        header.value.truncate(end);
    }
    content.headers.retain(|header| !DROPPED.iter().any(|name| header.is_named(name.as_bytes())));
    if !session.filters.filters.is_empty() {
        content.headers.iter_mut().for_each(|header| cut(header, session.release.header_max));
    }
    let received = match origin {
        Origin::User(submission) => text::received_locally(host, submission.user_id, queue_id),
        Origin::Smtp => {
            let recipient = match mail.envelope.recipients.as_slice() {
                [only] => Some(only.address.as_slice()),
                _ => None,
            };
            let protocol = protocol(session, mail);
            text::received(host, session.helo.as_deref(), &protocol, queue_id, recipient)
        }
    };
    // Postfix completes the header of local mail only: what comes from outside is none of its business.
    if host.is_client_local() || host.settings.always_adds_headers {
        content.headers.iter_mut().for_each(|header| complete_addresses(header, &host.settings.hostname));
        let full_name = match origin {
            Origin::User(submission) => Some(submission.full_name.as_str()),
            Origin::Smtp => None,
        };
        Generated { host, queue_id, sender: &mail.envelope.sender, full_name }.complete(&mut content.headers);
    }
    let headers = PostfixHeaders::new(&received, content.headers);
    Editing::new(
        headers,
        content.has_body.then_some(content.body),
        mail.envelope.clone(),
        host.settings.hostname.clone(),
    )
}

/// A header field as far as it is kept: a line that goes beyond the limit is cut if it is the first one, and else left out with all
/// that follow.
fn cut(header: &mut Header, max: usize) {
    // Name and colon count.
    let room = max.saturating_sub(header.name.len() + 1);
    let mut kept = 0;
    for (number, line) in header.value.split(|&byte| byte == b'\n').enumerate() {
        let end = if number == 0 { line.len().min(room) } else { kept + 1 + line.len() };
        if end > room {
            break;
        }
        kept = end;
    }
    header.value.truncate(kept);
}

/// `SMTP`, `ESMTP` with `S` for TLS and `A` for an authenticated client (RFC 3848), `UTF8SMTP` (RFC 6531 section 4.3).
fn protocol(session: &Postfix, mail: &Mail) -> String {
    let (tls, auth) = (session.host.tls.is_some(), session.host.auth.is_some());
    let suffix = format!("{}{}", if tls { "S" } else { "" }, if auth { "A" } else { "" });
    match (session.esmtp, mail.smtputf8) {
        (_, true) => format!("UTF8SMTP{suffix}"),
        (true, false) => format!("ESMTP{suffix}"),
        (false, false) => "SMTP".to_owned(),
    }
}

/// Each filter gets the message with the edits of those before it, until one does not say go on.
async fn ask_all(
    session: &mut Postfix,
    editing: &mut Editing,
    macros: &MacroTable,
    origin: &Origin<'_>,
) -> Option<Answer> {
    let Postfix { filters, host, release, .. } = session;
    for filter in &mut filters.filters {
        editing.next_filter(filter.has_leading_space());
        // Without `smtpd(8)` it was this program all the time.
        let smtpd = matches!(origin, Origin::Smtp).then(|| filter.enter_cleanup());
        let answer = Asking { filter, host, release, macros }.whole_message(editing).await;
        if let Some(smtpd) = smtpd {
            filter.leave_cleanup(smtpd);
        }
        if answer.is_some() {
            return answer;
        }
    }
    None
}

/// The end of the log line about a verdict: a session that never was has neither protocol nor HELO name.
fn describe(session: &Postfix, editing: &Editing, origin: &Origin<'_>) -> String {
    let (sender, last) = (Some(&editing.envelope.sender[..]), editing.last_recipient.as_deref());
    match origin {
        Origin::Smtp => text::describe_session(sender, last, session.esmtp, session.helo.as_deref()),
        Origin::User(_) => text::describe_envelope(sender, last),
    }
}

/// Writes down what `cleanup(8)` makes of a verdict; reply codes are for `smtpd(8)` alone.
pub(super) fn log_verdict(host: &Host, queue_id: &str, stage: &str, answer: &Answer, described: &str) {
    let (action, said) = match answer {
        Answer::Reply(reply) => ("reject", text::log_text(reply.get(4..).unwrap_or_default())),
        Answer::Shutdown => ("reject", "message content rejected".to_owned()),
        other => text::verdict_log(other),
    };
    let client = text::client_log(&host.client);
    host.log(CLEANUP, Some(queue_id), &format!("milter-{action}: {stage} from {client}: {said}; {described}"));
}

/// One filter and the message it is asked about.
struct Asking<'a> {
    filter: &'a mut Filter,
    host: &'a Host,
    release: &'static Release,
    macros: &'a MacroTable,
}

impl Asking<'_> {
    async fn whole_message(&mut self, editing: &mut Editing) -> Option<Answer> {
        let leading_space = editing.headers.leading_space;
        let headers: Vec<_> = editing.headers.visible().cloned().collect();
        for header in headers {
            let value = header.milter_value(leading_space).to_vec();
            let answer = self.ask(Command::Header { name: header.name, value }, MacroStage::Eoh).await;
            if answer.is_some() {
                return answer;
            }
        }
        let answer = self.ask(Command::Eoh, MacroStage::Eoh).await;
        if answer.is_some() {
            return answer;
        }
        let body = with_crlf(editing.body.as_deref().unwrap_or_default());
        for chunk in body.chunks(BODY_CHUNK_MAX) {
            let answer = self.ask(Command::Body(chunk.to_vec()), MacroStage::Eom).await;
            if answer.is_some() {
                return answer;
            }
        }
        let event = self.event(Command::BodyEob(Vec::new()), MacroStage::Eom);
        self.filter.event(self.host, &event, Some(editing)).await
    }

    async fn ask(&mut self, command: Command, stage: MacroStage) -> Option<Answer> {
        let event = self.event(command, stage);
        self.filter.event(self.host, &event, None).await
    }
}

impl<'a> Asking<'a> {
    fn event(&self, command: Command, stage: MacroStage) -> Event<'a> {
        Event { command, stage: Some(stage), macros: self.macros, release: self.release, program: CLEANUP }
    }
}
