//! One test in one pass: what it is judged by, and what it shares with others.

use std::{fmt, sync::Arc};

use zone::Name;

use super::{TimeoutForm, zonedata::Zonedata};
use crate::diag::Span;

/// What a unit of an openspf file is judged by.
#[derive(Debug)]
pub(crate) struct Case {
    /// What is to come out.
    pub(super) expected: Expected,
    /// Where the file says so.
    pub(super) span: Span,
    /// Whose record decides.
    pub(super) identity: Identity,
    /// The DNS of the document, shared by its tests.
    pub(super) zone: Arc<Zonedata>,
    /// The domains that the test speaks of.
    pub(super) domains: Vec<Name>,
    /// Why it cannot be played.
    pub(super) skipped: Option<String>,
    /// What `TIMEOUT` stands for.
    pub(super) timeout: TimeoutForm,
}

/// What is to come out of a test.
#[derive(Debug)]
pub(super) enum Expected {
    /// One of these results, the preferred one first.
    Results(Vec<SpfResult>),
    /// A refusal with this text.
    Explanation(String),
}

/// The identity that is checked (RFC 7208 section 2.3, 2.4): that of MAIL FROM, or for the null sender that of HELO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    MailFrom,
    Helo,
}

/// A result of RFC 7208 section 2.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpfResult {
    None,
    Neutral,
    Pass,
    Fail,
    Softfail,
    Temperror,
    Permerror,
}

impl Case {
    /// Whether both are played in one world, one after the other: tests of one document in one pass, with one configuration.
    pub(crate) fn shares_world_with(&self, other: &Self) -> bool {
        let pass = |case: &Self| matches!(case.expected, Expected::Results(_));
        Arc::ptr_eq(&self.zone, &other.zone) && pass(self) == pass(other)
    }

    /// What `fake-mta run` has to be told to play it once more as it was, beside its name.
    pub(crate) fn rerun_option(&self) -> Option<String> {
        let is_default = self.timeout == TimeoutForm::default();
        (!is_default).then(|| format!(" --openspf-timeout {}", self.timeout))
    }

    /// Why it cannot be played, if that is so.
    pub(crate) fn skipped(&self) -> Option<&str> {
        self.skipped.as_deref()
    }
}

impl SpfResult {
    /// The result of that name, in whatever case.
    pub(super) fn named(word: &str) -> Option<Self> {
        WORDS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, result)| result)
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.into_iter().find(|(_, result)| result == self).map(|(name, _)| name);
        f.write_str(word.unwrap_or_default())
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Results(results) => {
                let words: Vec<String> = results.iter().map(ToString::to_string).collect();
                f.write_str(&words.join(" or "))
            }
            Self::Explanation(text) => f.write_str(text),
        }
    }
}

/// All results with their names.
pub(super) const WORDS: [(&str, SpfResult); 7] = [
    ("none", SpfResult::None),
    ("neutral", SpfResult::Neutral),
    ("pass", SpfResult::Pass),
    ("fail", SpfResult::Fail),
    ("softfail", SpfResult::Softfail),
    ("temperror", SpfResult::Temperror),
    ("permerror", SpfResult::Permerror),
];
