//! MAIL and RCPT.

use milter_proto::{Command, MacroStage};

use super::{
    address,
    filters::Event,
    macros::MacroTable,
    options,
    session::{Mail, Postfix, SMTPD},
    text,
};
use crate::{
    message::{Envelope, Recipient},
    settings::Route,
    smtp::{PathArgument, Reply},
};

impl Postfix {
    pub(super) async fn mail(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "MAIL";
        if self.mail.is_some() {
            return Reply::line("503 5.5.1 Error: nested MAIL command");
        }
        let Some(path) = PathArgument::parse(argument, "FROM:").filter(|path| !path.typed.is_empty()) else {
            return Reply::line("501 5.5.4 Syntax: MAIL FROM:<address>");
        };
        let path = match self.checked(path, "501 5.1.7 Bad sender address syntax") {
            Ok(path) => path,
            Err(reply) => return reply,
        };
        if let Some(refusal) = self.unless_verbatim(|| options::refuse_mail(&path, self.size_max())) {
            return Reply::line(refusal);
        }
        self.mail = Some(self.begin_mail(&path));
        let macros = self.mail_macros();
        let command = Command::Mail { sender: path.typed, args: path.params };
        let answer = self.ask(command, Some(MacroStage::Envfrom), &macros).await;
        match self.judge("MAIL", answer) {
            Some(reply) => {
                self.reset_mail();
                self.refuse(&reply).await
            }
            None => Reply::line("250 2.1.0 Ok"),
        }
    }

    fn begin_mail(&self, path: &PathArgument) -> Mail {
        let author = path.param("AUTH").filter(|author| self.host.auth.is_some() && *author != b"<>");
        Mail {
            envelope: Envelope { sender: path.address.clone(), params: path.params.clone(), recipients: Vec::new() },
            hold: self.hold,
            discard: self.discard,
            smtputf8: path.params.iter().any(|param| param.eq_ignore_ascii_case(b"SMTPUTF8")),
            author: author.map(<[u8]>::to_vec),
            ..Mail::default()
        }
    }

    /// The path with the address that Postfix finds in it; the error is the refusal of one that is none.
    fn checked(&self, path: PathArgument, refusal: &str) -> Result<PathArgument, Reply> {
        if self.verbatim {
            return Ok(path);
        }
        let address = address::parse_path(&path.typed).ok_or_else(|| Reply::line(refusal))?;
        Ok(PathArgument { address, ..path })
    }

    fn unless_verbatim(&self, check: impl FnOnce() -> Option<String>) -> Option<String> {
        if self.verbatim { None } else { check() }
    }

    pub(super) async fn rcpt(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "RCPT";
        if self.mail.is_none() {
            return Reply::line("503 5.5.1 Error: need MAIL command");
        }
        let Some(path) = PathArgument::parse(argument, "TO:").filter(|path| !path.typed.is_empty()) else {
            return Reply::line("501 5.5.4 Syntax: RCPT TO:<address>");
        };
        let path = match self.checked(path, BAD_RECIPIENT) {
            Ok(path) if path.address.is_empty() && !self.verbatim => return Reply::line(BAD_RECIPIENT),
            Ok(path) => path,
            Err(reply) => return reply,
        };
        if let Some(refusal) = self.unless_verbatim(|| options::refuse_rcpt(&path)) {
            return Reply::line(refusal);
        }
        if let Some(refusal) = self.refuse_one_too_many() {
            return refusal;
        }
        if let Some(refusal) = self.refuse_recipient(&path) {
            self.report_refused_recipient(&path, &refusal).await;
            return Reply::line(refusal);
        }
        let mut macros = self.mail_macros();
        macros.set_address(&self.host, "rcpt", &path.address);
        let command = Command::Rcpt { recipient: path.typed, args: path.params.clone() };
        // The log names the recipient of this command; afterwards it names the first one again.
        let first = self.name_recipient(Some(path.address.clone()));
        let answer = self.ask(command, Some(MacroStage::Envrcpt), &macros).await;
        let refusal = self.judge("RCPT", answer);
        self.name_recipient(first);
        if let Some(reply) = refusal {
            return self.refuse(&reply).await;
        }
        self.accept_recipient(Recipient::new(path.address, path.params));
        Reply::line("250 2.1.5 Ok")
    }

    fn name_recipient(&mut self, recipient: Option<Vec<u8>>) -> Option<Vec<u8>> {
        self.mail.as_mut().and_then(|mail| std::mem::replace(&mut mail.recipient, recipient))
    }

    /// `smtpd_recipient_limit`: a client that goes on a little is not at fault, one that goes on and on is.
    fn refuse_one_too_many(&mut self) -> Option<Reply> {
        let max = self.host.settings.recipient_limit.unwrap_or(self.release.recipients_max);
        let mail = self.mail.as_mut().filter(|mail| mail.envelope.recipients.len() >= max && max > 0)?;
        self.is_forgiven = mail.overshoot < self.release.overshoot_max;
        mail.overshoot += 1;
        Some(Reply::line("452 4.5.3 Error: too many recipients"))
    }

    /// Postfix's own refusal of a recipient, whatever the filters think of it.
    fn refuse_recipient(&self, path: &PathArgument) -> Option<String> {
        let settings = &self.host.settings;
        let address = String::from_utf8_lossy(&path.address).into_owned();
        let route = settings.route(&path.address);
        // Refusals of the sender wait until RCPT, smtpd_delay_reject.
        if let Some(sender) = self.mail.as_ref().map(|mail| &mail.envelope.sender)
            && !settings.sender_exists(sender)
        {
            let sender = String::from_utf8_lossy(sender);
            return Some(format!("450 4.1.8 <{sender}>: Sender address rejected: Domain not found"));
        }
        if route == Route::Denied && !self.host.may_relay() {
            return Some(format!("454 4.7.1 <{address}>: Relay access denied"));
        }
        if let Some(reply) = settings.access_refusal(&path.address).filter(|_| !self.host.may_relay()) {
            let (code, reason) = split_reply(reply);
            return Some(format!("{code} <{address}>: Recipient address rejected: {reason}"));
        }
        (route == Route::Unknown).then(|| {
            format!("550 5.1.1 <{address}>: Recipient address rejected: User unknown in local recipient table")
        })
    }

    /// Filters that asked for it see the recipients that Postfix refused; what they say of it does not matter.
    async fn report_refused_recipient(&mut self, path: &PathArgument, refusal: &str) {
        let mut macros = self.mail_macros();
        let (code, reason) = refusal[4..].split_once(' ').unwrap_or(("5.0.0", refusal));
        let reason = reason.split_once(": ").map_or(reason, |(_, reason)| reason);
        for (name, value) in [("rcpt_mailer", "error"), ("rcpt_host", code), ("rcpt_addr", reason)] {
            macros.set_of(&self.host, name, &path.address, value);
        }
        let command = Command::Rcpt { recipient: path.typed.clone(), args: path.params.clone() };
        let stage = Some(MacroStage::Envrcpt);
        let event = Event { command, stage, macros: &macros, release: self.release, program: SMTPD };
        self.filters.refused_recipient(&self.host, &event).await;
    }

    /// The first accepted recipient opens the queue file.
    fn accept_recipient(&mut self, recipient: Recipient) {
        let client = text::client_log(&self.host.client);
        let login = self.host.auth.as_ref().map(|auth| {
            format!(", sasl_method={}, sasl_username={}", auth.mechanism, text::log_text(auth.user.as_bytes()))
        });
        let Some(mail) = &mut self.mail else { return };
        mail.recipient.get_or_insert_with(|| recipient.address.clone());
        mail.envelope.recipients.push(recipient);
        if mail.queue_id.is_none() {
            let id = self.host.queue_ids.postfix();
            mail.queue_id = Some(id.clone());
            self.log(Some(&id), &format!("client={client}{}", login.unwrap_or_default()));
        }
    }

    /// The macros of the session and of the open message.
    pub(super) fn mail_macros(&self) -> MacroTable {
        let mut table = MacroTable::of_smtpd(&self.host, self.release);
        if let Some(mail) = &self.mail {
            table.set_address(&self.host, "mail", &mail.envelope.sender);
            if let Some(author) = &mail.author {
                table.set_default(&self.host, "auth_author", &author[..]);
            }
            if let Some(id) = &mail.queue_id {
                table.set_default(&self.host, "i", id.as_str());
            }
            if let Some(recipient) = &mail.recipient {
                table.set_address(&self.host, "rcpt", recipient);
            }
        }
        table
    }
}

const BAD_RECIPIENT: &str = "501 5.1.3 Bad recipient address syntax";

/// `550 5.1.1 text` into codes and text; a reply without an enhanced code gets `5.7.1`.
fn split_reply(reply: &str) -> (String, &str) {
    let (code, rest) = reply.split_once(' ').unwrap_or((reply, ""));
    match rest.split_once(' ') {
        Some((enhanced, text)) if enhanced.split('.').count() == 3 => (format!("{code} {enhanced}"), text),
        _ => (format!("{code} 5.7.1"), rest),
    }
}
