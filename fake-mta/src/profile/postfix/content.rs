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
    message::{Content, Delivered, PostfixHeaders, postfix_lines, with_crlf},
    profile::{Host, Submission},
};

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
    let macros = macros(session, mail, origin);
    let answer = if mail.discard { None } else { ask_all(session, &mut editing, &macros).await };
    if let Some(answer) = answer.as_ref().filter(|answer| !(mail.hold && **answer == Answer::Hold)) {
        log_verdict(session, queue_id, &editing, answer);
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
    let mut macros = MacroTable::of_session(host, session.release);
    macros.set_default(host, "i", mail.queue_id.as_deref().unwrap_or_default());
    if let Some(author) = &mail.author {
        macros.set_default(host, "auth_author", &author[..]);
    }
    if let Origin::User(submission) = origin {
        macros.set_default(host, "mail_addr", &submission.sender[..]);
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
    if host.is_client_local() {
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
async fn ask_all(session: &mut Postfix, editing: &mut Editing, macros: &MacroTable) -> Option<Answer> {
    let Postfix { filters, host, release, .. } = session;
    for filter in &mut filters.filters {
        editing.next_filter(filter.has_leading_space());
        let smtpd = filter.enter_cleanup();
        let answer = Asking { filter, host, release, macros }.whole_message(editing).await;
        filter.leave_cleanup(smtpd);
        if answer.is_some() {
            return answer;
        }
    }
    None
}

fn log_verdict(session: &Postfix, queue_id: &str, editing: &Editing, answer: &Answer) {
    let (action, said) = match answer {
        Answer::Reply(reply) => ("reject", text::log_text(reply.get(4..).unwrap_or_default())),
        Answer::Shutdown => ("reject", "message content rejected".to_owned()),
        other => text::verdict_log(other),
    };
    let envelope = &editing.envelope;
    let last = editing.last_recipient.as_deref();
    let described = text::describe_session(Some(&envelope.sender), last, session.esmtp, session.helo.as_deref());
    let client = text::client_log(&session.host.client);
    let line = format!("milter-{action}: END-OF-MESSAGE from {client}: {said}; {described}");
    session.host.log(CLEANUP, Some(queue_id), &line);
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
