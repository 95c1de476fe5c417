//! MAIL and RCPT.

use milter_proto::{Command, MacroStage};

use super::{
    access::Access,
    address::{self, Role},
    filter::Verdict,
    filters::Question,
    reply_text::{self, seven_bit_text},
    session::{Mail, Mailbox, Sendmail},
    text,
};
use crate::{
    client::ClientName,
    message::{Envelope, Recipient},
    profile::printable,
    settings::{Route, Settings},
    smtp::{PathArgument, Reply, domain_of, split_at_byte},
};

/// A refusal that a command met; a 421 closes the connection.
type Refusal = Reply;

impl Sendmail {
    pub(super) async fn mail(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "mail";
        if self.mail.is_some() {
            return Reply::line("503 5.5.0 Sender already specified");
        }
        let path = match path_argument(argument, "FROM") {
            Ok(path) => path,
            Err(reply) => return reply,
        };
        if self.access == Access::Tempfail {
            let (typed, client) = (printable(&path.typed), text::client_text(&self.host.client));
            self.log(&format!("SMTP MAIL command ({typed}) from {client} tempfailed (due to previous checks)"));
            return Reply::line(text::TRY_LATER);
        }
        let refusal = address::refuse_address(self.release, &path.typed, Role::Sender);
        let refusal = refusal.or_else(|| address::refuse_mail_params(&path));
        if let Some(refusal) = refusal {
            return Reply::line(refusal);
        }
        if let Some(refusal) = self.refuse_sender(&path) {
            return refusal;
        }
        // Only who has proved to be somebody may say who wrote the message.
        let trusted = |author: &[u8]| if self.host.auth.is_some() { author.to_vec() } else { b"<>".to_vec() };
        let author = path.param("AUTH").map(trusted);
        let envelope = Envelope { sender: path.address, params: path.params.clone(), recipients: Vec::new() };
        let mut mail = Mail { typed: path.typed.clone(), envelope, author, ..Mail::default() };
        let macros = self.mail_macros(&mail);
        self.last_path = Some(path.typed.clone());
        self.filters.begin_message(&self.host, &self.queue_id).await;
        let command = Command::Mail { sender: path.typed.clone(), args: path.params.clone() };
        let verdict = self.ask(command, Some(MacroStage::Envfrom), "mail", &macros).await;
        if matches!(verdict, Verdict::Reject | Verdict::Code(_) | Verdict::Tempfail | Verdict::Discard) {
            // The message is over before it began: the filters that have taken it already are told.
            self.filters.abort(&self.host, &self.queue_id).await;
        }
        if verdict == Verdict::Reject {
            self.log("Milter: reject, sender");
        }
        mail.discard = match self.judge_envelope(verdict, "from", &path.typed).await {
            Ok(discard) => discard || self.discard_next,
            Err(refusal) => return refusal,
        };
        self.mail = Some(mail);
        Reply::line(format!("250 2.1.0 {}... Sender ok", reply_text::shown_address(self.release, &path.typed)))
    }

    /// The rule set `check_mail`: a sender needs a domain that exists, unless the client is at home here.
    fn refuse_sender(&self, path: &PathArgument) -> Option<Reply> {
        let (typed, address) = (seven_bit_text(&path.typed), seven_bit_text(&path.address));
        let domain = domain_of(&path.address);
        if !self.host.is_client_local() && !address.is_empty() {
            if domain.is_none() {
                let text = format!("553 5.5.4 {typed}... Domain name required for sender address {address}");
                return Some(Reply::line(text));
            }
            if domain.is_some_and(|domain| domain.eq_ignore_ascii_case(b"localhost")) {
                return Some(Reply::line(format!("553 5.5.4 {typed}... Real domain name required for sender address")));
            }
        }
        let missing = || Reply::line(format!("553 5.1.8 {typed}... Domain of sender address {address} does not exist"));
        (!self.host.settings.sender_exists(&path.address)).then(missing)
    }

    pub(super) async fn rcpt(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "rcpt";
        if self.mail.is_none() {
            return Reply::line("503 5.0.0 Need MAIL before RCPT");
        }
        let path = match path_argument(argument, "TO") {
            Ok(path) => path,
            Err(reply) => return reply,
        };
        let refusal = address::refuse_address(self.release, &path.typed, Role::Recipient)
            .or_else(|| address::refuse_rcpt_params(&path));
        if let Some(refusal) = refusal {
            return Reply::line(refusal);
        }
        self.last_path = Some(path.typed.clone());
        let typed = seven_bit_text(&path.typed);
        let route = self.host.settings.route(&path.address);
        if route == Route::Denied && !self.host.may_relay() {
            return self.relaying_denied(&typed);
        }
        self.recipients_named += 1;
        if let Some(refusal) = self.ask_rcpt(&path, route).await {
            return refusal;
        }
        if route == Route::Unknown {
            return Reply::line(format!("550 5.1.1 {typed}... User unknown"));
        }
        // Who is named again is the one he was, and is called so.
        let named = self.named_before(&path.address).cloned();
        if let (None, Some(mail)) = (&named, &mut self.mail) {
            mail.mailboxes.insert(mailbox(&self.host.settings, &path.address), path.typed.clone());
            let recipient = Recipient { address: path.address, original: path.typed.clone(), params: path.params };
            mail.envelope.recipients.push(recipient);
        }
        let shown = reply_text::shown_address(self.release, &named.unwrap_or(path.typed));
        Reply::line(format!("250 2.1.5 {shown}... Recipient ok"))
    }

    /// What the recipient of this message with the same mailbox was called.
    pub(super) fn named_before(&self, address: &[u8]) -> Option<&Vec<u8>> {
        self.mail.as_ref()?.mailboxes.get(&mailbox(&self.host.settings, address))
    }

    /// The stock rule set says why the client is not known.
    fn relaying_denied(&self, typed: &str) -> Reply {
        let name = text::client_name(&self.host.client);
        let why = match &self.host.client.name {
            ClientName::Forged(_) => format!("Relaying denied. IP name possibly forged {name}"),
            ClientName::Missing => format!("Relaying denied. IP name lookup failed {name}"),
            ClientName::Verified(_) | ClientName::LocalUser(_) => {
                "Relaying denied. Proper authentication required.".to_owned()
            }
        };
        Reply::line(format!("550 5.7.1 {typed}... {why}"))
    }

    /// RCPT as the filters see it. A recipient that sendmail itself refuses is shown to those that want to see it.
    async fn ask_rcpt(&mut self, path: &PathArgument, route: Route) -> Option<Refusal> {
        let macros = self.rcpt_macros(&path.address, route);
        let command = Command::Rcpt { recipient: path.typed.clone(), args: path.params.clone() };
        if route == Route::Unknown && !self.filters.want_refused_recipients() {
            // The macros of a refused recipient are sent all the same.
            if self.is_asking() {
                let (stage, queue_id) = (Some(MacroStage::Envrcpt), &self.queue_id);
                let release = self.release;
                let question = Question { command, stage, action: "rcpt", macros: &macros, queue_id, release };
                self.filters.send_macros_only(&self.host, &question).await;
            }
            return None;
        }
        let verdict = self.ask(command, Some(MacroStage::Envrcpt), "rcpt", &macros).await;
        if route == Route::Unknown {
            return None;
        }
        match self.judge_envelope(verdict, "to", &path.typed).await {
            Ok(discard) => {
                if let (true, Some(mail)) = (discard, &mut self.mail) {
                    mail.discard = true;
                }
                None
            }
            Err(refusal) => Some(refusal),
        }
    }

    /// What a verdict at MAIL or RCPT means: go on (and whether to discard the message), or a refusal.
    async fn judge_envelope(&mut self, verdict: Verdict, what: &str, typed: &[u8]) -> Result<bool, Refusal> {
        let log = |this: &Self, said: &str| this.log(&format!("Milter: {what}={}, {said}", printable(typed)));
        match verdict {
            Verdict::Code(code) => {
                log(self, &format!("reject={}", printable(&code)));
                let reply = reply_text::reply(self.release, &code, Some(typed));
                Err(self.maybe_shut_down(reply).await)
            }
            Verdict::Reject => {
                log(self, &format!("reject={}", text::REJECTED));
                Err(reply_text::reply(self.release, text::REJECTED.as_bytes(), Some(typed)))
            }
            Verdict::Tempfail => {
                log(self, &format!("reject={}", text::TRY_LATER));
                Err(Reply::line(text::TRY_LATER))
            }
            Verdict::Shutdown => {
                log(self, "reject=421, errormode=4");
                Err(self.maybe_shut_down(Reply::line(text::SHUTTING_DOWN)).await)
            }
            Verdict::Discard => {
                log(self, "discard");
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

fn mailbox(settings: &Settings, address: &[u8]) -> Mailbox {
    let (user, domain) = split_at_byte(address, b'@');
    let domain = String::from_utf8_lossy(domain).to_ascii_lowercase();
    let is_own = domain.is_empty() || settings.is_local(&domain);
    (user.to_vec(), if is_own { String::new() } else { domain })
}

/// `FROM:<path> params` or `TO:<path> params`; white space may stand before the colon. The error quotes what was found instead.
fn path_argument(argument: &[u8], keyword: &str) -> Result<PathArgument, Reply> {
    let (found, rest) = split_at_byte(argument, b':');
    let found = found.trim_ascii();
    let is_right = found.eq_ignore_ascii_case(keyword.as_bytes()) && !rest.trim_ascii().is_empty();
    let joined = [keyword.as_bytes(), b":", rest].concat();
    PathArgument::parse(&joined, &format!("{keyword}:")).filter(|_| is_right).ok_or_else(|| {
        let found = seven_bit_text(found);
        Reply::line(format!("501 5.5.2 Syntax error in parameters scanning \"{found}\""))
    })
}
