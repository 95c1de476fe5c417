//! One SMTP session: client, HELO, and the message under way.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use spf::SpfResult;

use super::ending::Ending;
use super::message::{Decision, Judged, Message};
use super::service::{Service, now};
use crate::exempt::{Authenticated, Exemption, Tls, client_behind};
use crate::headers::{Charset, printable};
use crate::judge::{Check, Envelope, Findings, bare_address};
use crate::policy::Stage;
use crate::resolver::SourceLookup;

/// One SMTP session as the MTA tells it, from the client's connection on.
pub(crate) struct Session {
    service: Arc<Service>,
    client: Option<IpAddr>,
    receiver: String,
    helo: Option<Vec<u8>>,
    /// The check of the current HELO name, kept for the session's other messages.
    helo_check: Option<Arc<Check>>,
    message: Option<Message>,
}

/// What the MTA tells with MAIL.
#[derive(Clone, Debug)]
pub(crate) struct MailCommand<'a> {
    /// The sender as the client wrote it.
    pub(crate) path: &'a [u8],
    /// Whether the parameter SMTPUTF8 was given.
    pub(crate) smtputf8: bool,
    /// Whether the client has authenticated itself.
    pub(crate) authenticated: bool,
    /// What is known of the client's certificate.
    pub(crate) tls: Tls,
    /// The queue id, if the MTA has one by now.
    pub(crate) queue_id: Option<&'a str>,
}

impl Session {
    /// Makes a session of which nothing is known yet.
    pub(crate) fn new(service: Arc<Service>) -> Self {
        let receiver = service.config.hostname.clone().unwrap_or_else(|| service.hostname.clone());
        Self { service, client: None, receiver, helo: None, helo_check: None, message: None }
    }

    /// Takes the client's address, and the MTA's name for itself. Returns false if there is nothing to do in this
    /// session: the client is trusted, or has no address, as a program on the same host.
    pub(crate) fn connect(&mut self, client: Option<IpAddr>, mta_name: Option<&str>) -> bool {
        if let (None, Some(name)) = (&self.service.config.hostname, mta_name) {
            self.receiver = printable(name, Charset::Ascii);
        }
        self.client = client.map(|ip| ip.to_canonical());
        self.client.is_some_and(|ip| !self.service.config.exempt.is_trusted(ip))
    }

    /// Takes the argument of HELO or EHLO, which ends a message under way (RFC 5321 section 4.1.4).
    pub(crate) async fn helo(&mut self, name: &[u8]) -> Decision {
        self.end_message();
        self.helo = Some(name.to_vec());
        self.helo_check = None;
        let config = &self.service.config;
        match self.client {
            Some(ip) if config.policy.stage == Stage::Helo && !config.exempt.is_relay(ip) => self.judge_helo(ip).await,
            _ => Decision::Continue,
        }
    }

    /// Decides about a HELO name at once.
    async fn judge_helo(&mut self, ip: IpAddr) -> Decision {
        let start = Instant::now();
        let service = Arc::clone(&self.service);
        let config = &service.config;
        let helo = self.helo.clone();
        if config.exempt.exempts_envelope(b"", helo.as_deref().unwrap_or_default()).is_some() {
            return Decision::Continue;
        }
        let envelope = self.envelope(ip, helo.as_deref(), b"");
        let dns = service.dns.within(config.dns.budget);
        let check = Arc::new(Check::helo(&envelope, &service.check_settings(), &dns).await);
        self.keep_helo(&check);
        if !config.policy.helo_decides(&check) {
            return Decision::Continue;
        }
        let judged = Judged::Checked(Findings::new(check, None, false));
        let mut message = Message::new(ip, helo, Vec::new(), judged, &service.metrics);
        (message.elapsed, message.dns) = (start.elapsed(), dns.cost());
        message.decide_early(config, Stage::Helo)
    }

    /// Checks the sender of a new message, and the HELO name unless that was done.
    pub(crate) async fn envfrom(&mut self, mail: MailCommand<'_>) -> Decision {
        self.end_message();
        let Some(ip) = self.client else {
            return Decision::Continue;
        };
        let start = Instant::now();
        let dns = self.service.dns.within(self.service.config.dns.budget);
        let mail_from = bare_address(mail.path).to_vec();
        let helo = self.helo.clone();
        let judged = match self.exemption(&mail, &mail_from) {
            Some(exemption) => Judged::Exempt(exemption),
            None if self.service.config.exempt.is_relay(ip) => Judged::Later,
            None => {
                let findings = self.examine(ip, helo.as_deref(), &mail_from, self.helo_check.clone(), &dns).await;
                self.keep_helo_of(&findings);
                Judged::Checked(findings)
            }
        };
        let mut message = Message::new(ip, helo, mail_from, judged, &self.service.metrics);
        (message.elapsed, message.dns) = (start.elapsed(), dns.cost());
        message.charset = if mail.smtputf8 { Charset::Utf8 } else { Charset::Ascii };
        message.learn_queue_id(mail.queue_id);
        self.message.insert(message).decide_early(&self.service.config, Stage::Mail)
    }

    /// Why the mail is not checked.
    fn exemption(&self, mail: &MailCommand<'_>, mail_from: &[u8]) -> Option<Exemption> {
        let exempt = &self.service.config.exempt;
        if mail.authenticated && exempt.authenticated != Authenticated::No {
            return Some(Exemption::Authenticated);
        }
        if exempt.exempts_tls(&mail.tls) {
            return Some(Exemption::Tls);
        }
        exempt.exempts_envelope(mail_from, self.helo.as_deref().unwrap_or_default())
    }

    fn envelope<'a>(&'a self, ip: IpAddr, helo: Option<&'a [u8]>, mail_from: &'a [u8]) -> Envelope<'a> {
        Envelope { ip, helo, mail_from, receiver: &self.receiver, now: now() }
    }

    /// Checks HELO name and sender.
    async fn examine(
        &self,
        ip: IpAddr,
        helo: Option<&[u8]>,
        mail_from: &[u8],
        known: Option<Arc<Check>>,
        dns: &SourceLookup,
    ) -> Findings {
        let service = &self.service;
        let (config, settings) = (&service.config, service.check_settings());
        let envelope = self.envelope(ip, helo, mail_from);
        // §2.3: HELO first. A dead HELO zone must leave time for the sender's check.
        let helo_dns = dns.at_most(config.dns.budget / 2);
        if mail_from.is_empty() {
            // §2.4: postmaster at the HELO name stands in for the null sender.
            let check = match known {
                Some(known) => known,
                None => Arc::new(Check::helo(&envelope, &settings, dns).await),
            };
            return Findings::new(check, None, true);
        }
        let helo_check = match known {
            None if helo.is_some() && config.check_helo => {
                Some(Arc::new(Check::helo(&envelope, &settings, &helo_dns).await))
            }
            known => known,
        };
        match helo_check {
            Some(check) if config.policy.helo_decides(&check) => Findings::new(check, None, false),
            other => Findings::new(Arc::new(Check::deciding(&envelope, &settings, dns).await), other, false),
        }
    }

    /// Keeps the check of the HELO name for the session's other messages.
    fn keep_helo_of(&mut self, findings: &Findings) {
        self.helo_check = findings.helo_shared().filter(|check| is_lasting(check));
    }

    fn keep_helo(&mut self, check: &Arc<Check>) {
        self.helo_check = Some(Arc::clone(check)).filter(|check| is_lasting(check));
    }

    /// Decides about a recipient.
    pub(crate) fn envrcpt(&mut self, path: &[u8], queue_id: Option<&str>) -> Decision {
        let Some(message) = &mut self.message else {
            return Decision::Continue;
        };
        message.learn_queue_id(queue_id);
        message.decide(&self.service.config, path)
    }

    /// Takes a header field.
    pub(crate) fn header(&mut self, name: &[u8], value: &[u8]) {
        let config = &self.service.config;
        let authserv_id = config.headers.authserv_id.as_deref().unwrap_or(&self.receiver);
        if let Some(message) = &mut self.message {
            message.content.note(config, authserv_id, name, value);
        }
    }

    /// Ends a message that was received whole, and says what becomes of it.
    pub(crate) async fn eom(&mut self, queue_id: Option<&str>) -> Option<Ending> {
        let mut message = self.message.take()?;
        message.learn_queue_id(queue_id);
        if matches!(message.judged, Judged::Later) {
            self.judge_behind_relay(&mut message).await;
        }
        Some(message.end(&self.service.config, &self.receiver))
    }

    /// Checks the client that an own relay has written down.
    async fn judge_behind_relay(&self, message: &mut Message) {
        let start = Instant::now();
        let dns = self.service.dns.within(self.service.config.dns.budget);
        let exempt = &self.service.config.exempt;
        let fields = message.content.received.iter().map(Vec::as_slice);
        let hop = client_behind(fields, |ip| ip.is_loopback() || exempt.is_trusted(ip) || exempt.is_relay(ip));
        let Some(hop) = hop else {
            message.judged = Judged::Exempt(Exemption::Relay);
            return;
        };
        message.judged = match exempt.exempts_envelope(&message.mail_from, &hop.helo) {
            Some(exemption) => Judged::Exempt(exemption),
            None => Judged::Checked(self.examine(hop.ip, Some(&hop.helo), &message.mail_from, None, &dns).await),
        };
        message.ip = hop.ip;
        message.helo = Some(hop.helo);
        (message.elapsed, message.dns) = (start.elapsed(), dns.cost());
    }

    /// Ends a message that goes no further.
    pub(crate) fn end_message(&mut self) {
        if let Some(mut message) = self.message.take() {
            message.log_unfinished();
        }
    }
}

/// A transient error may be gone with the next message.
fn is_lasting(check: &Check) -> bool {
    check.result() != SpfResult::Temperror
}
