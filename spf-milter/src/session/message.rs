//! One message: what is known of it, what its recipients are told, what becomes of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use spf::SpfResult;

use super::content::Content;
use super::ending::{Edit, Ending};
use super::fields::{own_fields, tagged};
use super::log::Done;
use super::texts::{Texts, reply_lines};
use crate::config::{Config, Outage};
use crate::exempt::Exemption;
use crate::headers::Charset;
use crate::judge::{Findings, bare_address};
use crate::metrics::MailMetrics;
use crate::policy::{Refusal, ReplyCode, Rule, Stage, Waiver};
use crate::resolver::DnsCost;

/// A message under way.
pub(super) struct Message {
    /// The queue id, as soon as the MTA has told it.
    pub(super) queue_id: Option<String>,
    /// The client; behind an own relay the real one, as soon as it is known.
    pub(super) ip: IpAddr,
    /// The sender without angle brackets.
    pub(super) mail_from: Vec<u8>,
    /// The argument of HELO at the time of MAIL.
    pub(super) helo: Option<Vec<u8>>,
    /// Which characters the message's header can carry.
    pub(super) charset: Charset,
    /// What is known about its sender.
    pub(super) judged: Judged,
    /// What is known of its header.
    pub(super) content: Content,
    /// How long the checks took.
    pub(super) elapsed: Duration,
    /// What their questions to the DNS cost.
    pub(super) dns: DnsCost,
    /// The first recipient that is not exempt.
    rcpt: Option<Vec<u8>>,
    /// Whether there was an exempt recipient.
    has_exempt_rcpt: bool,
    pub(super) logged: bool,
    pub(super) metrics: Arc<MailMetrics>,
}

/// What is known about a message's sender.
pub(super) enum Judged {
    /// It was checked.
    Checked(Findings),
    /// It is not checked.
    Exempt(Exemption),
    /// It came through an own relay: it is checked when the header is known.
    Later,
}

/// What the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing stands against it.
    Continue,
    /// It is refused.
    Refuse {
        /// Reply code and enhanced code.
        code: ReplyCode,
        /// Lines of printable text, short enough for an SMTP reply.
        lines: Vec<String>,
    },
    /// It is told that all is well, and the message is thrown away.
    Discard,
}

/// Why a rule of the policy is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spared {
    Waived(Waiver),
    Exempt(Exemption),
    /// No name server answers, and mail is to go on.
    Outage,
}

impl Message {
    /// Makes a message of what came with MAIL.
    pub(super) fn new(
        ip: IpAddr,
        helo: Option<Vec<u8>>,
        mail_from: Vec<u8>,
        judged: Judged,
        metrics: &Arc<MailMetrics>,
    ) -> Self {
        let metrics = Arc::clone(metrics);
        Self {
            queue_id: None,
            ip,
            mail_from,
            helo,
            charset: Charset::Ascii,
            judged,
            content: Content::default(),
            elapsed: Duration::ZERO,
            dns: DnsCost::default(),
            rcpt: None,
            has_exempt_rcpt: false,
            logged: false,
            metrics,
        }
    }

    /// What the client is told at HELO or MAIL, if that is the stage for it.
    pub(super) fn decide_early(&mut self, config: &Config, stage: Stage) -> Decision {
        if config.policy.stage > stage {
            return Decision::Continue;
        }
        self.refuse(config, b"")
    }

    /// What the recipient of `RCPT TO:rcpt` is told.
    pub(super) fn decide(&mut self, config: &Config, path: &[u8]) -> Decision {
        let rcpt = bare_address(path);
        if config.exempt.exempts_recipient(rcpt) {
            self.has_exempt_rcpt = true;
            return Decision::Continue;
        }
        if config.policy.stage <= Stage::Rcpt {
            let decision = self.refuse(config, rcpt);
            if decision != Decision::Continue {
                return decision;
            }
        }
        self.rcpt.get_or_insert_with(|| rcpt.to_vec());
        Decision::Continue
    }

    /// Refuses if the rule says so and nothing speaks against it.
    fn refuse(&mut self, config: &Config, rcpt: &[u8]) -> Decision {
        let Judged::Checked(findings) = &self.judged else {
            return Decision::Continue;
        };
        let Rule::Refuse(refusal) = config.policy.rule(findings) else {
            return Decision::Continue;
        };
        if self.spared(config, findings).is_some() {
            return Decision::Continue;
        }
        let decision = self.refusal(config, findings, refusal, rcpt);
        self.log(&Done::refused(refusal.code));
        decision
    }

    fn refusal(&self, config: &Config, findings: &Findings, refusal: &Refusal, rcpt: &[u8]) -> Decision {
        let lines = reply_lines(refusal, &self.texts(config, findings, rcpt));
        Decision::Refuse { code: refusal.code, lines }
    }

    fn texts<'a>(&self, config: &'a Config, findings: &'a Findings, rcpt: &'a [u8]) -> Texts<'a> {
        Texts { check: findings.deciding(), rcpt, why_link: config.why_link.as_ref(), charset: self.charset }
    }

    /// Why the rule for the message is not carried out, recipients aside.
    fn spared(&self, config: &Config, findings: &Findings) -> Option<Spared> {
        let rule = config.policy.rule(findings);
        if !rule.is_lenient() && config.exempt.is_forwarder(findings) {
            return Some(Spared::Exempt(Exemption::Forwarder));
        }
        let unchecked = self.dns.outage && findings.deciding().result() == SpfResult::Temperror;
        if !rule.is_lenient() && unchecked && config.dns.outage == Outage::Accept {
            return Some(Spared::Outage);
        }
        config.policy.waiver(rule, findings.deciding()).map(Spared::Waived)
    }

    /// Takes the queue id: some MTAs tell it late.
    pub(super) fn learn_queue_id(&mut self, queue_id: Option<&str>) {
        if let Some(queue_id) = queue_id {
            self.queue_id = Some(queue_id.to_owned());
        }
    }

    /// Ends a message that was received whole.
    pub(super) fn end(mut self, config: &Config, receiver: &str) -> Ending {
        let mut edits = self.content.cleaning();
        let Judged::Checked(findings) = &self.judged else {
            if let Judged::Exempt(exemption) = self.judged {
                self.log(&Done::exempt(exemption));
            }
            return Ending { edits, decision: Decision::Continue };
        };
        let rule = config.policy.rule(findings);
        // An exempt recipient must not open the door for the others: all must be exempt.
        let all_exempt = self.has_exempt_rcpt && self.rcpt.is_none();
        let spared = self.spared(config, findings);
        let spared = spared.or_else(|| all_exempt.then_some(Spared::Exempt(Exemption::Recipients)));
        let rcpt = self.rcpt.clone().unwrap_or_default();
        let action = Done::by(rule, spared);
        let mut decision = Decision::Continue;
        match rule {
            _ if spared.is_some() => {}
            Rule::Accept | Rule::Header => {}
            Rule::Refuse(refusal) => decision = self.refusal(config, findings, refusal, &rcpt),
            Rule::Discard => decision = Decision::Discard,
            Rule::Quarantine(reason) => {
                edits.push(Edit::Quarantine(self.texts(config, findings, &rcpt).expand(reason)));
            }
            Rule::Tag(tag) => {
                let tag = self.texts(config, findings, &rcpt).expand(tag);
                edits.extend(tagged(self.content.subject.as_deref(), &tag));
            }
        }
        if decision == Decision::Continue && !matches!(rule, Rule::Accept) {
            edits.extend(own_fields(config, receiver, &self, findings));
        }
        self.log(&action);
        Ending { edits, decision }
    }
}
