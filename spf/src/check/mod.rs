//! The evaluation: RFC 7208 section 4, with one module for each thing that a check does.

mod address;
mod domain;
mod evaluation;
mod explanation;
mod mechanism;
mod ptr;

use crate::dns::Lookup;
use crate::outcome::Outcome;
use crate::request::Request;
use crate::trace::Trace;
use evaluation::Evaluation;

/// Checks whether a client may use a domain: the function of
/// [RFC 7208 section 4](https://www.rfc-editor.org/rfc/rfc7208#section-4).
///
/// It never fails: DNS trouble and broken records are the results `temperror` and `permerror`. It asks for no
/// more than [`Limits`](crate::Limits) allow. When the caller's deadline is over, its [`Lookup`] answers
/// [`Failure::Deadline`](crate::Failure::Deadline) and the check ends with what it knows. The future is `Send`.
pub async fn check_host<L: Lookup>(request: &Request<'_>, lookup: &L) -> Outcome {
    let mut evaluation = Evaluation::new(request, lookup);
    let result = evaluation.check(request.domain().cloned(), 0).await;
    let explanation = evaluation.explain(result).await;
    let Evaluation { cause, term_lookups, void_terms, void_lookups, trace, asked, trace_truncated, .. } = evaluation;
    Outcome {
        result,
        cause,
        explanation,
        term_lookups,
        void_terms,
        void_lookups,
        trace: trace.map(|check| Trace { check, explanation: asked, truncated: trace_truncated }),
    }
}
