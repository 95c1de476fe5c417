use std::fmt;

use crate::dns::{Failure, Question};
use crate::name::{Name, NameError};
use crate::record::{ParseError, TermRef};
use crate::result::SpfResult;
use crate::trace::Trace;

/// Everything a check found out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The result.
    pub result: SpfResult,
    /// Why that is the result; prints as a sentence fragment for logs and the `problem` of a header.
    pub cause: Cause,
    /// The explanation of a `fail` (§6.2): the domain's, or the caller's default.
    pub explanation: Option<Explanation>,
    /// Terms evaluated that cause DNS lookups, against [`Limits::terms`](crate::Limits::terms).
    pub term_lookups: u32,
    /// Terms whose lookups were void, against [`Limits::voids`](crate::Limits::voids).
    pub void_terms: u32,
    /// The questions that found nothing, in the order asked. Several may belong to one term.
    pub void_lookups: Vec<Question>,
    /// The record of the evaluation, unless [`Request::with_trace`](crate::Request::with_trace) switched it off.
    pub trace: Option<Trace>,
}

impl Outcome {
    /// Returns the directive that matched, if one did; after `redirect` it belongs to the target's record. For a match
    /// inside an `include` this is the `include` directive of the outer record, whose qualifier counts (§5.2).
    #[must_use]
    pub fn matched(&self) -> Option<Matched<'_>> {
        match &self.cause {
            Cause { kind: CauseKind::Matched, domain: Some(domain), term: Some(term) } => {
                Some(Matched { domain, term })
            }
            _ => None,
        }
    }
}

/// Why a check ended as it did.
///
/// `Display` gives one lowercase fragment without control characters, for example
/// `_spf.example.com: lookup of _spf.example.com TXT failed: SERVFAIL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What happened.
    pub kind: CauseKind,
    /// The domain whose record was being evaluated; none if it could not even be looked up.
    pub domain: Option<Name>,
    /// The term being evaluated.
    pub term: Option<TermRef>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(domain) = &self.domain {
            write!(f, "{domain}: ")?;
        }
        if let Some(term) = &self.term {
            write!(f, "{term}: ")?;
        }
        self.kind.fmt(f)
    }
}

/// The kinds of [`Cause`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CauseKind {
    /// A directive matched the client.
    #[error("matches the client")]
    Matched,
    /// No directive matched and there is no `redirect` (§4.7).
    #[error("no directive matches the client")]
    NoMatch,
    /// The domain cannot be checked (§4.3).
    #[error("no domain that can be checked: {0}")]
    MalformedDomain(NameError),
    /// The domain has no SPF record (§4.5).
    #[error("no SPF record")]
    NoRecord,
    /// The domain has several SPF records (§4.5).
    #[error("{0} SPF records where only one may be")]
    SeveralRecords(usize),
    /// The record cannot be read (§4.6).
    #[error("syntax error in the record: {0}")]
    Syntax(ParseError),
    /// A question could not be answered.
    #[error("lookup of {question} failed: {failure}")]
    Dns {
        /// The question.
        question: Question,
        /// What went wrong.
        failure: Failure,
    },
    /// The target of `include` has no SPF record, or cannot have one (§5.2).
    #[error("the included domain has no SPF record")]
    IncludeWithoutRecord,
    /// The target of `redirect` has no SPF record, or cannot have one (§6.1).
    #[error("the redirect's domain has no SPF record")]
    RedirectWithoutRecord,
    /// Over [`Limits::terms`](crate::Limits::terms) (§4.6.4).
    #[error("more than {0} terms that cause DNS lookups")]
    TermLimit(u32),
    /// Over [`Limits::voids`](crate::Limits::voids) (§4.6.4).
    #[error("more than {0} terms whose DNS lookups found nothing")]
    VoidLimit(u32),
    /// Over [`Limits::mx_names`](crate::Limits::mx_names) (§4.6.4).
    #[error("more than {0} mail exchangers")]
    MxLimit(usize),
    /// Over [`DEPTH_MAX`](crate::DEPTH_MAX).
    #[error("records nested more than {0} deep")]
    DepthLimit(u32),
}

impl CauseKind {
    /// Returns the result of a check that ended before its record did.
    pub(crate) fn result(&self) -> SpfResult {
        match self {
            Self::MalformedDomain(_) | Self::NoRecord => SpfResult::None,
            Self::Dns { .. } => SpfResult::Temperror,
            _ => SpfResult::Permerror,
        }
    }
}

/// A directive that matched, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched<'a> {
    /// The domain whose record holds it.
    pub domain: &'a Name,
    /// The directive in its record.
    pub term: &'a TermRef,
}

impl<'a> Matched<'a> {
    /// Returns the directive as the record has it, for example `+mx` or `ip4:192.0.2.0/24`.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.term.text()
    }
}

/// The explanation of a `fail` for the SMTP client ([RFC 7208 section 6.2](https://www.rfc-editor.org/rfc/rfc7208#section-6.2)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The text: from a domain it is printable ASCII of at most
    /// [`EXPLANATION_BYTES_MAX`](crate::EXPLANATION_BYTES_MAX) bytes; a default has no control characters.
    pub text: String,
    /// The domain whose text it is, to be named beside it as the RFC asks; none for the default.
    pub from: Option<Name>,
}
