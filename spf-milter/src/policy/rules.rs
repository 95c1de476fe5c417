//! A rule for each identity and result, and when it is carried out.

use spf::{CauseKind, Mechanism, NameError, Outcome, SpfResult, Term};

use super::action::Rule;
use crate::judge::{Check, Findings, Identity};

/// What the administrator has decided.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// False in dry-run mode: the log says what would have been done.
    pub(crate) enforce: bool,
    /// When a client is told that it is refused.
    pub(crate) stage: Stage,
    /// Which refusals are left to a DMARC filter behind.
    pub(crate) dmarc: LeaveToDmarc,
    /// The rules for senders.
    pub(crate) mail_from: Rules,
    /// The rules for the null sender, which is judged by HELO.
    pub(crate) null_sender: Rules,
    /// The rules for the HELO names of other mail; none: they never decide.
    pub(crate) helo: Option<Rules>,
    /// HELO results with which the sender is not looked at (RFC 7208 section 2.4).
    pub(crate) helo_definitive: Vec<SpfResult>,
    /// The rules for HELO names that are no domains.
    pub(crate) helo_unusable: UnusableHelo,
}

/// When a client is told that it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// HELO, as far as the HELO name alone decides; the rest at MAIL.
    Helo,
    /// MAIL FROM.
    Mail,
    /// RCPT TO: each recipient by itself.
    Rcpt,
    /// The end of the message.
    Eom,
}

impl Stage {
    /// The configuration's words.
    pub(crate) const WORDS: [(&'static str, Self); 4] =
        [("helo", Self::Helo), ("mail", Self::Mail), ("rcpt", Self::Rcpt), ("eom", Self::Eom)];
}

/// Which refusals are left to a DMARC filter, which looks at DKIM and the domain's policy too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaveToDmarc {
    /// None.
    Never,
    /// All.
    Always,
    /// All but those of domains that send no mail at all: the record says `-all` and no more.
    UnlessNullRecord,
}

impl LeaveToDmarc {
    /// The configuration's words.
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("never", Self::Never), ("always", Self::Always), ("unless-null-record", Self::UnlessNullRecord)];
}

/// A rule for each result.
#[derive(Clone, Debug)]
pub(crate) struct Rules([Rule; SpfResult::ALL.len()]);

impl Rules {
    /// Makes the rules; `rule` is asked once for each result.
    pub(crate) fn new(rule: impl FnMut(SpfResult) -> Rule) -> Self {
        Self(SpfResult::ALL.map(rule))
    }

    /// The rule for a result.
    pub(crate) fn get(&self, result: SpfResult) -> &Rule {
        &self.0[result as usize]
    }

    fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

/// The rules for HELO names that are no domains; none: they count as `none` (RFC 7208 section 2.3).
#[derive(Clone, Debug, Default)]
pub(crate) struct UnusableHelo {
    /// For an address literal.
    pub(crate) literal: Option<Rule>,
    /// For all else that is no domain name of two labels or more.
    pub(crate) not_fqdn: Option<Rule>,
}

impl UnusableHelo {
    fn rule(&self, outcome: &Outcome) -> Option<&Rule> {
        match &outcome.cause.kind {
            CauseKind::MalformedDomain(NameError::AddressLiteral) => self.literal.as_ref(),
            CauseKind::MalformedDomain(_) => self.not_fqdn.as_ref(),
            _ => None,
        }
    }
}

/// Why a rule is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiver {
    /// The milter only looks on.
    DryRun,
    /// A DMARC filter decides.
    Dmarc,
}

impl Policy {
    /// Whether the result for the HELO name decides, so that the sender is not looked at.
    pub(crate) fn helo_decides(&self, helo: &Check) -> bool {
        self.helo_definitive.contains(&helo.result()) || self.helo_rule(helo).is_some_and(|rule| !rule.is_lenient())
    }

    /// The rule for the HELO name of mail with a sender.
    pub(crate) fn helo_rule(&self, helo: &Check) -> Option<&Rule> {
        let unusable = self.helo_unusable.rule(&helo.outcome);
        unusable.or_else(|| self.helo.as_ref().map(|rules| rules.get(helo.result())))
    }

    /// The rule for a message.
    pub(crate) fn rule(&self, findings: &Findings) -> &Rule {
        let check = findings.deciding();
        match check.identity {
            Identity::MailFrom => self.mail_from.get(check.result()),
            Identity::Helo if findings.null_sender => {
                let unusable = self.helo_unusable.rule(&check.outcome);
                unusable.unwrap_or_else(|| self.null_sender.get(check.result()))
            }
            Identity::Helo => self.helo_rule(check).unwrap_or(&Rule::Header),
        }
    }

    /// Why a rule is not carried out for this check.
    pub(crate) fn waiver(&self, rule: &Rule, check: &Check) -> Option<Waiver> {
        if rule.is_lenient() {
            return None;
        }
        let left = match self.dmarc {
            LeaveToDmarc::Never => false,
            LeaveToDmarc::Always => rule.is_refusal(),
            LeaveToDmarc::UnlessNullRecord => rule.is_refusal() && !sends_no_mail(&check.outcome),
        };
        match (self.enforce, left) {
            (false, _) => Some(Waiver::DryRun),
            (true, true) => Some(Waiver::Dmarc),
            (true, false) => None,
        }
    }

    /// Whether any rule is one that `wanted` asks for: what no rule needs is not negotiated.
    pub(crate) fn any(&self, wanted: impl Fn(&Rule) -> bool) -> bool {
        let tables = [Some(&self.mail_from), Some(&self.null_sender), self.helo.as_ref()];
        let single = [&self.helo_unusable.literal, &self.helo_unusable.not_fqdn];
        let mut all = tables.into_iter().flatten().flat_map(Rules::iter).chain(single.into_iter().flatten());
        all.any(wanted)
    }
}

/// Whether the record that decided says `-all` and nothing else about senders.
fn sends_no_mail(outcome: &Outcome) -> bool {
    let Some(matched) = outcome.matched().filter(|_| outcome.result == SpfResult::Fail) else {
        return false;
    };
    let terms = matched.term.record().terms();
    let mut directives = terms.iter().filter_map(|term| match term {
        Term::Directive(directive) => Some(directive),
        Term::Modifier(_) => None,
    });
    directives.next().is_some_and(|first| first.mechanism == Mechanism::All) && directives.next().is_none()
}
