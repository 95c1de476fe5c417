//! The message after its final dot: what the filters see of it, and what becomes of it.

use milter_proto::{Command, MacroStage, Protocol, limits::BODY_CHUNK_MAX};

use super::{
    edits::Editing,
    filter::{Filter, State, Verdict},
    filters::Question,
    macros::{Known, MacroTable},
    release::Release,
    reply_text,
    session::Sendmail,
    text,
};
use crate::{
    message::{Content, Delivered, Envelope, Generated, SendmailHeaders, sendmail_lines, with_crlf},
    profile::{Host, printable},
    settings::Route,
    smtp::Reply,
};

/// Takes a message in: asks the filters, applies their edits, and says what the client and the next host get.
pub(super) async fn receive(session: &mut Sendmail, message: &[u8]) -> (Reply, Option<Delivered>) {
    let mut macros = session.message_macros();
    let message = sendmail_lines(message);
    let content = Content::parse(&message);
    let header_size = message.len() - content.body.len();
    let mut editing = begin(session, content);
    log_from(session, message.len(), Some(&message_id(&editing.headers)));
    tell_macros(session, &editing, message.len(), &mut macros);
    if let Some(refusal) = refuse_unread(session.release, &message, header_size) {
        session.filters.abort(&session.host, &session.queue_id).await;
        session.log("Milter accept: message");
        return (refusal, None);
    }
    let verdict =
        if session.is_asking() { ask_all(session, &mut editing, &mut macros).await } else { Verdict::Continue };
    if session.filters.is_process_dead() {
        return (Reply::silent_close(), None);
    }
    session.filters.abort(&session.host, &session.queue_id).await;
    let outbursts = std::mem::take(&mut editing.outbursts);
    match judge(session, verdict) {
        Judged::Refused(reply) => return (reply.after(outbursts), None),
        Judged::Accepted if !session.unfiltered => session.log("Milter accept: message"),
        Judged::Accepted | Judged::Discarded => {}
    }
    let reply = Reply::line(format!("250 2.0.0 {} Message accepted for delivery", session.queue_id)).after(outbursts);
    let discarded = session.mail.as_ref().is_some_and(|mail| mail.discard) || editing.envelope.recipients.is_empty();
    (reply, (!discarded).then(|| deliver(session, editing)))
}

/// The refusal of a message that no filter gets to see.
fn refuse_unread(release: &Release, message: &[u8], header_size: usize) -> Option<Reply> {
    if message.contains(&0) {
        return Some(Reply::line(text::NUL_BYTE));
    }
    let max = release.headers_max;
    (header_size > max).then(|| Reply::line(format!("552 5.6.0 Headers too large ({max} max)")))
}

fn tell_macros(session: &Sendmail, editing: &Editing, size: usize, macros: &mut MacroTable) {
    let known = Known {
        id: message_id(&editing.headers),
        size,
        sender: &editing.envelope.sender,
        hops: editing.headers.count_of(b"Received"),
        date: editing.headers.value_of(b"Date"),
        only_recipient: only_recipient(session, &editing.envelope),
    };
    macros.set_message(&session.host, &known);
}

/// The recipient, if the client has named no other one, be it in vain.
fn only_recipient<'a>(session: &Sendmail, envelope: &'a Envelope) -> Option<&'a [u8]> {
    match envelope.recipients.as_slice() {
        [only] if session.recipients_named == 1 => Some(&only.address),
        _ => None,
    }
}

fn deliver(session: &Sendmail, mut editing: Editing) -> Delivered {
    let settings = &session.host.settings;
    editing.headers.complete_addresses(&settings.hostname);
    let text = session.release.line_breaking.apply(&editing.headers.text(&editing.body));
    let is_local = |address: &[u8]| settings.route(address) == Route::Local;
    for recipient in &mut editing.envelope.recipients {
        // NOTIFY stands first.
        recipient.params.sort_by_key(|param| !param.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"NOTIFY=")));
    }
    editing.envelope.deliver(text, editing.quarantine.take(), is_local)
}

fn begin(session: &Sendmail, content: Content) -> Editing {
    let mut mail = session.mail.clone().unwrap_or_default();
    // The last one that was named is the first one in the queue.
    mail.envelope.recipients.reverse();
    let host = &session.host;
    let is_ascii = content.body.is_ascii() && content.headers.iter().all(|header| header.value.is_ascii());
    // What was announced as 8-bit and is not goes on as what it is.
    for param in &mut mail.envelope.params {
        if is_ascii && param.eq_ignore_ascii_case(b"BODY=8BITMIME") {
            *param = b"BODY=7BIT".to_vec();
        }
    }
    let recipient = only_recipient(session, &mail.envelope);
    let hostname = &host.settings.hostname;
    let clock = host.settings.clock;
    let generated = Generated {
        received: text::received(session, &protocol(host, session.esmtp), recipient),
        date: clock.rfc5322("GMT").into_bytes(),
        from: mail.envelope.sender.clone(),
        message_id: format!("<{}.{}@{hostname}>", clock.compact_minutes(), session.queue_id).into_bytes(),
    };
    let headers = SendmailHeaders::new(&generated, content.headers);
    Editing::new(headers, content.body, mail.envelope, mail.quarantine)
}

/// `SMTP`, `ESMTP`, with `S` for TLS and `A` for an authenticated client, RFC 3848.
fn protocol(host: &Host, esmtp: bool) -> String {
    let (tls, auth) = (host.tls.is_some(), host.auth.is_some());
    match esmtp {
        false => "SMTP".to_owned(),
        true => format!("ESMTP{}{}", if tls { "S" } else { "" }, if auth { "A" } else { "" }),
    }
}

fn message_id(headers: &SendmailHeaders) -> Vec<u8> {
    headers.message_id().map(|value| value.trim_ascii().to_vec()).unwrap_or_default()
}

/// The line about an envelope and, if one came, its message.
pub(super) fn log_from(session: &Sendmail, size: usize, message_id: Option<&[u8]>) {
    let Some(mail) = &session.mail else { return };
    let macros = session.session_macros();
    let daemon = macros.get("daemon_name").filter(|name| !name.is_empty());
    let daemon = daemon.map(|name| format!("daemon={}, ", String::from_utf8_lossy(name))).unwrap_or_default();
    let message_id = message_id.map(|id| format!("msgid={}, ", printable(id))).unwrap_or_default();
    session.log(&format!(
        "from=<{}>, size={size}, class=0, nrcpts={}, {message_id}proto={}, {daemon}relay={}",
        printable(&mail.envelope.sender),
        mail.envelope.recipients.len(),
        protocol(&session.host, session.esmtp),
        text::client_text(&session.host.client),
    ));
}

/// Each filter gets the whole message with the edits of those before it.
async fn ask_all(session: &mut Sendmail, editing: &mut Editing, macros: &mut MacroTable) -> Verdict {
    let Sendmail { filters, host, queue_id, release, .. } = session;
    for filter in &mut filters.filters {
        let verdict = match filter.state {
            State::Error => filter.failure_verdict(),
            State::Open | State::InMessage => {
                editing.next_filter(filter.declined(Protocol::HDR_LEADSPC));
                let verdict = Asking { filter, host, release, queue_id, macros }.whole_message(editing).await;
                if verdict != Verdict::Continue && filter.state == State::InMessage {
                    filter.state = State::Done;
                }
                editing.headers.settle();
                macros.set_default(host, "nrcpts", editing.envelope.recipients.len().to_string());
                verdict
            }
            State::Closed | State::Done | State::Skip => Verdict::Continue,
        };
        if verdict != Verdict::Continue {
            return verdict;
        }
    }
    Verdict::Continue
}

/// One filter and the message it is asked about.
pub(super) struct Asking<'a> {
    pub(super) filter: &'a mut Filter,
    pub(super) host: &'a Host,
    pub(super) release: &'static Release,
    pub(super) queue_id: &'a str,
    pub(super) macros: &'a MacroTable,
}

impl<'a> Asking<'a> {
    async fn whole_message(&mut self, editing: &mut Editing) -> Verdict {
        let verdict = self.header_and_body(editing).await;
        match verdict {
            Verdict::Continue if self.in_message() => self.end_of_message(editing).await,
            Verdict::Accept => Verdict::Continue,
            other => other,
        }
    }

    /// The filter may have taken itself out of the message by its last answer.
    fn in_message(&self) -> bool {
        matches!(self.filter.state, State::Open | State::InMessage)
    }

    async fn header_and_body(&mut self, editing: &Editing) -> Verdict {
        let mut skip_body = false;
        if !self.filter.declined(Protocol::NO_HEADERS) {
            let leading_space = editing.headers.leading_space;
            for header in editing.headers.visible() {
                let value = header.milter_value(leading_space).to_vec();
                let verdict = self.ask(Command::Header { name: header.name, value }, None, "header").await;
                match verdict {
                    // The other fields are still sent, but the body is not.
                    Verdict::Skip => skip_body = true,
                    Verdict::Continue if self.in_message() => {}
                    other => return other,
                }
            }
        }
        if !self.filter.declined(Protocol::NO_EOH) {
            match self.ask(Command::Eoh, Some(MacroStage::Eoh), "eoh").await {
                Verdict::Skip => skip_body = true,
                Verdict::Continue => {}
                other => return other,
            }
        }
        if skip_body || !self.in_message() { Verdict::Continue } else { self.body(editing).await }
    }

    async fn body(&mut self, editing: &Editing) -> Verdict {
        if self.filter.declined(Protocol::NO_BODY) {
            return Verdict::Continue;
        }
        let body = with_crlf(&editing.body);
        for chunk in body.chunks(BODY_CHUNK_MAX) {
            match self.ask(Command::Body(chunk.to_vec()), None, "body").await {
                Verdict::Skip => break,
                Verdict::Continue if self.in_message() => {}
                other => return other,
            }
        }
        Verdict::Continue
    }

    async fn ask(&mut self, command: Command, stage: Option<MacroStage>, action: &'static str) -> Verdict {
        let question = self.question(command, stage, action);
        self.filter.ask(self.host, &question).await
    }

    pub(super) fn question(&self, command: Command, stage: Option<MacroStage>, action: &'static str) -> Question<'a> {
        Question { command, stage, action, macros: self.macros, queue_id: self.queue_id, release: self.release }
    }
}

/// What a verdict means for the client.
enum Judged {
    Accepted,
    Discarded,
    Refused(Reply),
}

fn judge(session: &mut Sendmail, verdict: Verdict) -> Judged {
    let (said, reply) = match verdict {
        Verdict::Code(code) => (printable(&code), reply_text::reply(session.release, &code, None)),
        Verdict::Reject => {
            session.log("Milter: reject, data");
            (text::REJECTED_CONTENT.to_owned(), Reply::line(text::REJECTED_CONTENT))
        }
        Verdict::Tempfail => (text::TRY_LATER.to_owned(), Reply::line(text::TRY_LATER)),
        Verdict::Shutdown => {
            let said = text::host_closing(&session.host);
            (said.clone(), Reply::line(said))
        }
        Verdict::Discard => {
            session.log("Milter: data, discard");
            if let Some(mail) = &mut session.mail {
                mail.discard = true;
            }
            return Judged::Discarded;
        }
        Verdict::Continue | Verdict::Accept | Verdict::Skip => return Judged::Accepted,
    };
    session.log(&format!("Milter: data, reject={said}"));
    Judged::Refused(reply)
}
