//! The log line of a message, and text in log lines.

use std::time::Duration;

use spf::SpfResult;

use super::message::{Judged, Message, Spared};
use crate::exempt::Exemption;
use crate::headers::{Charset, printable, shortened};
use crate::judge::Findings;
use crate::policy::{ReplyCode, Rule, Waiver};

/// What was done with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// One of the words that metrics count by.
    word: &'static str,
    /// The whole of it, for the log.
    text: String,
}

impl Done {
    /// It ended before its end of data.
    pub(super) fn unfinished() -> Self {
        Self { word: "unfinished", text: "unfinished".to_owned() }
    }

    /// It was not checked.
    pub(super) fn exempt(exemption: Exemption) -> Self {
        Self { word: "exempt", text: format!("exempt: {}", exemption.as_str()) }
    }

    /// It, or one of its recipients, was refused.
    pub(super) fn refused(code: ReplyCode) -> Self {
        let word = if code.enhanced.class == 5 { "rejected" } else { "tempfailed" };
        Self { word, text: format!("refused with {code}") }
    }

    /// It was received whole, and the rule for it was carried out, or not.
    pub(super) fn by(rule: &Rule, spared: Option<Spared>) -> Self {
        let done = Self::by_rule(rule);
        let Some(spared) = spared.filter(|_| !rule.is_lenient()) else {
            return done;
        };
        let would = format!("would be {}", done.text);
        match spared {
            Spared::Waived(Waiver::DryRun) => Self { word: "dry_run", text: would },
            Spared::Waived(Waiver::Dmarc) => Self { word: "left_to_dmarc", text: format!("left to DMARC: {would}") },
            Spared::Outage => Self { word: "unchecked", text: format!("no name server answers: {would}") },
            Spared::Exempt(exemption) => {
                Self { word: "exempt", text: format!("exempt: {}: {would}", exemption.as_str()) }
            }
        }
    }

    fn by_rule(rule: &Rule) -> Self {
        let word = match rule {
            Rule::Accept | Rule::Header => "accepted",
            Rule::Refuse(refusal) => return Self::refused(refusal.code),
            Rule::Quarantine(_) => "quarantined",
            Rule::Discard => "discarded",
            Rule::Tag(_) => "tagged",
        };
        Self { word, text: word.to_owned() }
    }
}

impl Message {
    /// Writes the line of a message that ended before its end of data; does nothing if there is one already.
    pub(super) fn log_unfinished(&mut self) {
        self.log(&Done::unfinished());
    }

    /// Writes the message's line into the log and counts it, once.
    pub(super) fn log(&mut self, done: &Done) {
        if std::mem::replace(&mut self.logged, true) {
            return;
        }
        let findings = if let Judged::Checked(findings) = &self.judged { Some(findings) } else { None };
        let check = findings.map(Findings::deciding);
        for check in [check, findings.and_then(Findings::other)].into_iter().flatten() {
            self.metrics.checked(check.identity.as_str(), check.result());
        }
        self.metrics.ended(done.word, self.elapsed);
        let cause = check.map(|check| check.outcome.cause.to_string());
        tracing::info!(
            queue_id = %short(self.queue_id.as_deref().unwrap_or("-")),
            ip = %self.ip,
            helo = %short(self.helo.as_deref().unwrap_or(b"-")),
            mail_from = %short([b"<", self.mail_from.as_slice(), b">"].concat()),
            identity = check.map_or("-", |check| check.identity.as_str()),
            result = check.map_or("-", |check| check.result().as_str()),
            mechanism = %short(check.and_then(|check| check.mechanism()).unwrap_or("-")),
            cause = %short(cause.as_deref().unwrap_or("-")),
            helo_result = findings.and_then(Findings::helo_result).map_or("-", SpfResult::as_str),
            action = done.text.as_str(),
            lookups = check.map_or(0, |check| check.outcome.term_lookups),
            voids = check.map_or(0, |check| check.outcome.void_terms),
            ms = ms(self.elapsed),
            dns_ms = ms(self.dns.time),
            dns_questions = self.dns.questions,
            dns_cached = self.dns.cached,
            "checked",
        );
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Text from the network, printable and no longer than a log line bears. The log quotes it where that is needed.
fn short(text: impl AsRef<[u8]>) -> String {
    shortened(&printable(text, Charset::Utf8), TEXT_BYTES_MAX)
}

/// The longest text in a log line.
const TEXT_BYTES_MAX: usize = 400;
