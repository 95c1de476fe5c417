//! Order and meaning of the terms of one record.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use spf::{Directive, Mechanism, Modifier, Qualifier, Record, Term};

use super::finding::{Report, Severity, Text};
use super::syntax::whole;
use crate::diagnostic::did_you_mean;

/// Looks at the terms of a record. `nested` records are the targets of `include`: what stands at their end means less.
pub(super) fn lint(report: &mut Report, text: &Arc<Text>, record: &Record, nested: bool) {
    let terms = Terms { report, text, record };
    terms.run(nested);
}

struct Terms<'a> {
    report: &'a mut Report,
    text: &'a Arc<Text>,
    record: &'a Record,
}

impl Terms<'_> {
    fn run(mut self, nested: bool) {
        self.length();
        for (index, term) in self.record.terms().iter().enumerate() {
            match term {
                Term::Directive(directive) => self.directive(index, directive),
                Term::Modifier(modifier) => self.modifier(index, modifier),
            }
        }
        self.repeated();
        self.after_all();
        if !nested {
            self.ending();
        }
    }

    fn at(&mut self, severity: Severity, code: &'static str, index: usize, what: &str, advice: &str) {
        let span = self.span(index);
        self.report.at(severity, code, (self.text, span), what, advice);
    }

    fn span(&self, index: usize) -> Range<usize> {
        self.record.term_span(index).unwrap_or_default()
    }

    fn length(&mut self) {
        let bytes = self.text.shown.len();
        if bytes <= RECORD_BYTES_GOOD {
            return;
        }
        let (severity, advice) = if bytes <= RECORD_BYTES_UDP {
            (Severity::Advice, "keep records below 450 bytes (RFC 7208 section 3.4)")
        } else {
            (Severity::Warning, "an answer this long needs TCP or EDNS on its way; move networks into an include")
        };
        let place = (self.text, whole(self.text));
        self.report.at(severity, "long-record", place, format!("the record has {bytes} bytes"), advice);
    }

    fn directive(&mut self, index: usize, directive: &Directive) {
        match (&directive.mechanism, directive.qualifier) {
            (Mechanism::All, Qualifier::Pass) => self.at(
                Severity::Error,
                "plus-all",
                index,
                "`+all` lets every host in the world send mail for the domain",
                "end the record with -all or ~all",
            ),
            (Mechanism::All, Qualifier::Neutral) => self.at(
                Severity::Warning,
                "neutral-all",
                index,
                "`?all` says nothing about other hosts: the record protects nobody",
                "once all senders are listed, end the record with -all or ~all",
            ),
            (Mechanism::Ptr(_), _) => self.at(
                Severity::Warning,
                "ptr",
                index,
                "`ptr` is slow, unreliable and not to be used (RFC 7208 section 5.5)",
                "list the networks with ip4 and ip6, or the hosts with a",
            ),
            (mechanism, _)
                if mechanism.domain_spec().is_some_and(|spec| spec.uses(spf::MacroLetter::ValidatedName)) =>
            {
                self.at(
                    Severity::Warning,
                    "ptr-macro",
                    index,
                    "`%{p}` is slow, unreliable and not to be used (RFC 7208 section 7.2)",
                    "%{i} and %{h} tell about the client without a reverse lookup",
                );
            }
            _ => {}
        }
    }

    fn modifier(&mut self, index: usize, modifier: &Modifier) {
        let Modifier::Unknown { name, .. } = modifier else {
            return;
        };
        let lower = name.to_ascii_lowercase();
        if lower == "v" {
            let what = "a version in the middle: two records have run together";
            return self.at(Severity::Error, "two-versions", index, what, "keep one v=spf1, at the start");
        }
        // A mechanism with the wrong separator reads as a modifier that has no effect.
        if let Some(near) = did_you_mean(&lower, &["redirect", "exp"]) {
            let advice = format!("did you mean `{near}=`?");
            self.at(Severity::Warning, "unknown-modifier", index, "receivers ignore this unknown modifier", &advice);
        } else if ["include", "ip4", "ip6", "a", "mx", "exists", "ptr", "all"].contains(&lower.as_str()) {
            let advice = format!("a mechanism takes a colon: {lower}:…");
            self.at(
                Severity::Error,
                "unknown-modifier",
                index,
                "receivers ignore this: it reads as a modifier",
                &advice,
            );
        }
    }

    fn repeated(&mut self) {
        let record = self.record;
        let mut seen = HashSet::new();
        for (index, term) in record.terms().iter().enumerate() {
            let elsewhere = |mechanism: &&Mechanism| {
                // Networks are looked at together elsewhere, and what stands behind `all` too.
                matches!(mechanism, Mechanism::Ip4 { .. } | Mechanism::Ip6 { .. } | Mechanism::All)
            };
            let Some(mechanism) = mechanism(term).filter(|mechanism| !elsewhere(mechanism)) else { continue };
            // Printed in their plainest form, so that equal ones are equal texts.
            if !seen.insert(mechanism.to_string()) {
                let what = "the same mechanism stands earlier in the record: this one is never reached";
                self.at(Severity::Warning, "repeated", index, what, "remove it");
            }
        }
    }

    fn after_all(&mut self) {
        let record = self.record;
        let Some(all) = record.terms().iter().position(|term| mechanism(term) == Some(&Mechanism::All)) else {
            return;
        };
        for (index, term) in record.terms().iter().enumerate() {
            match term {
                Term::Directive(_) if index > all => {
                    let what = "this stands behind `all`, which always matches: it is never reached";
                    self.at(Severity::Error, "after-all", index, what, "move `all` to the end of the record");
                }
                Term::Modifier(Modifier::Redirect(_)) => {
                    let what = "`redirect` has no effect in a record with `all` (RFC 7208 section 6.1)";
                    self.at(Severity::Warning, "redirect-with-all", index, what, "keep one of the two");
                }
                _ => {}
            }
        }
    }

    fn ending(&mut self) {
        let has_all = self.record.terms().iter().any(|term| mechanism(term) == Some(&Mechanism::All));
        if has_all || self.record.redirect().is_some() {
            return;
        }
        let place = (self.text, whole(self.text));
        let what = "the record has neither `all` nor `redirect`: hosts that are not listed are neutral";
        let advice = "end the record with -all or ~all";
        self.report.at(Severity::Warning, "no-all", place, what, advice);
    }
}

fn mechanism(term: &Term) -> Option<&Mechanism> {
    match term {
        Term::Directive(directive) => Some(&directive.mechanism),
        Term::Modifier(_) => None,
    }
}

/// RFC 7208 section 3.4 advises so many, so that an answer of one record fits 512 bytes.
const RECORD_BYTES_GOOD: usize = 450;

/// What a DNS answer without EDNS can carry at all.
const RECORD_BYTES_UDP: usize = 512;
