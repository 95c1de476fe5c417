use std::sync::Arc;

use crate::dns::{Answer, Question};
use crate::name::Name;
use crate::outcome::Cause;
use crate::record::{Record, TermRef};
use crate::result::SpfResult;

/// The record of an evaluation: what was read, asked and decided, in order.
///
/// It holds at most [`TRACE_TERMS_MAX`](crate::TRACE_TERMS_MAX) terms.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The check of the domain asked about.
    pub check: Box<TraceCheck>,
    /// What was asked for the explanation, after the result stood (§6.2).
    pub explanation: Vec<TraceQuery>,
    /// Whether terms were left out because there were too many.
    pub truncated: bool,
}

/// One `check_host()`: of the domain asked about, or of an `include` or `redirect`.
#[derive(Clone, Debug)]
pub struct TraceCheck {
    /// The domain checked.
    pub domain: Name,
    /// The TXT lookup for its record; none if [`Lookup::parsed_record`](crate::Lookup::parsed_record) had it.
    pub query: Option<TraceQuery>,
    /// Its record, if there is exactly one and its syntax is right.
    pub record: Option<Arc<Record>>,
    /// The terms evaluated, in the order of evaluation, `redirect` last.
    pub terms: Vec<TraceTerm>,
    /// The result of this check; for an `include` not yet that of the outer one.
    pub result: SpfResult,
    /// Why.
    pub cause: Cause,
}

/// One term evaluated.
#[derive(Clone, Debug)]
pub struct TraceTerm {
    /// The term.
    pub term: TermRef,
    /// The domain that its domain-spec stands for here, if it has one and it is a name.
    pub target: Option<Name>,
    /// The questions asked, with their answers, in order. Those of a nested check are in [`TraceTerm::check`].
    pub queries: Vec<TraceQuery>,
    /// The nested check of `include` and `redirect`.
    pub check: Option<Box<TraceCheck>>,
    /// Whether it matched.
    pub verdict: Verdict,
    /// Terms that cause lookups counted so far, this one and any nested ones included.
    pub term_lookups: u32,
    /// Terms with void lookups counted so far.
    pub void_terms: u32,
}

/// How a term ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It matched, or for `redirect`: the target's result stands.
    Match,
    /// It did not match.
    NoMatch,
    /// It ended the check with an error; [`TraceCheck::cause`] says which.
    Error,
}

/// One question of an evaluation and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceQuery {
    /// The question.
    pub question: Question,
    /// The answer, with the time it took.
    pub answer: Answer,
}
