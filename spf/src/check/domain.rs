use std::pin::Pin;
use std::sync::Arc;

use super::evaluation::{Asker, Evaluation, Stop};
use crate::dns::{AnswerKind, Lookup, Question, Rdata, RecordType};
use crate::limits::DEPTH_MAX;
use crate::name::{Name, NameError};
use crate::outcome::{Cause, CauseKind};
use crate::record::{Record, Term, TermRef, is_spf_record};
use crate::result::SpfResult;
use crate::trace::{TraceCheck, TraceQuery, TraceTerm, Verdict};

/// What the check of one domain found.
pub(super) struct Checked {
    pub(super) result: SpfResult,
    /// After a match, the directive in the record that decided, and its domain; after any `redirect`, the target's.
    pub(super) cause: Cause,
    pub(super) trace: Option<Box<TraceCheck>>,
}

/// One domain under check.
pub(super) struct Scope {
    pub(super) domain: Name,
    /// How many checks this one is nested in.
    pub(super) depth: u32,
    query: Vec<TraceQuery>,
    terms: Vec<TraceTerm>,
    /// The term being evaluated.
    index: Option<usize>,
    /// What is known of the term being evaluated, for the trace.
    pub(super) target: Option<Name>,
    pub(super) queries: Vec<TraceQuery>,
    pub(super) nested: Option<Box<TraceCheck>>,
}

/// How the terms of a record decided.
enum Decision {
    Directive(SpfResult),
    Redirect(Box<Checked>),
    NoMatch,
}

impl<L: Lookup> Evaluation<'_, L> {
    /// Checks a domain as part of a term; boxed, because checks nest.
    pub(super) fn nested_check(
        &mut self,
        domain: Result<Name, NameError>,
        depth: u32,
    ) -> Pin<Box<dyn Future<Output = Checked> + Send + '_>> {
        Box::pin(self.check(domain, depth))
    }

    /// Checks a domain: §4.3 to §4.7.
    pub(super) async fn check(&mut self, domain: Result<Name, NameError>, depth: u32) -> Checked {
        let domain = match domain {
            // §4.3: a domain that has one label, or is malformed, is not looked up.
            Ok(domain) if domain.labels().nth(1).is_none() => return Checked::none(NameError::SingleLabel),
            Err(error) => return Checked::none(error),
            Ok(domain) => domain,
        };
        let mut scope = Scope::new(domain, depth);
        let (record, decision) = match self.fetch_record(&mut scope).await {
            Ok(record) => {
                let decision = self.evaluate(&mut scope, &record).await;
                (Some(record), decision)
            }
            Err(stop) => (None, Err(stop)),
        };
        self.conclude(&mut scope, record, decision)
    }

    async fn evaluate(&mut self, scope: &mut Scope, record: &Arc<Record>) -> Result<Decision, Stop> {
        for (index, term) in record.terms().iter().enumerate() {
            let Term::Directive(directive) = term else { continue };
            scope.index = Some(index);
            let matches = match self.matches_at_once(&directive.mechanism) {
                Some(matches) => Ok(matches),
                None => self.matches(scope, &directive.mechanism).await,
            };
            let verdict = match matches {
                Ok(true) => Verdict::Match,
                Ok(false) => Verdict::NoMatch,
                Err(_) => Verdict::Error,
            };
            if self.request.wants_trace() {
                self.trace_term(scope, record, verdict);
            }
            if matches? {
                return Ok(Decision::Directive(directive.qualifier.result()));
            }
        }
        match record.redirect_index() {
            // §6.1: the redirect comes last, wherever it stands.
            Some(index) => self.evaluate_redirect(scope, record, index).await,
            None => Ok(Decision::NoMatch),
        }
    }

    /// Finds the record of a domain: §4.4 and §4.5.
    async fn fetch_record(&mut self, scope: &mut Scope) -> Result<Arc<Record>, Stop> {
        if scope.depth > DEPTH_MAX {
            return Err(CauseKind::DepthLimit(DEPTH_MAX).into());
        }
        if let Some(record) = self.lookup.parsed_record(&scope.domain) {
            return Ok(record);
        }
        let asker = if scope.depth == 0 { Asker::Uncounted } else { Asker::NestedRecord };
        match self.ask(&scope.domain, RecordType::Txt, asker, &mut scope.query).await? {
            AnswerKind::Records(records) => select_record(&records),
            AnswerKind::NoData | AnswerKind::NxDomain => Err(CauseKind::NoRecord.into()),
            AnswerKind::Failed(failure) => {
                Err(CauseKind::Dns { question: Question::new(scope.domain.clone(), RecordType::Txt), failure }.into())
            }
        }
    }

    async fn evaluate_redirect(
        &mut self,
        scope: &mut Scope,
        record: &Arc<Record>,
        index: usize,
    ) -> Result<Decision, Stop> {
        scope.index = Some(index);
        let decision = self.redirect(scope, record).await;
        let verdict = match &decision {
            Ok(Decision::NoMatch) => Verdict::NoMatch,
            Ok(_) => Verdict::Match,
            Err(_) => Verdict::Error,
        };
        if self.request.wants_trace() {
            self.trace_term(scope, record, verdict);
        }
        decision
    }

    async fn redirect(&mut self, scope: &mut Scope, record: &Record) -> Result<Decision, Stop> {
        self.count_term()?;
        let Some(spec) = record.redirect() else {
            return Ok(Decision::NoMatch);
        };
        let Some(target) = self.expand_target(scope, Some(spec)).await? else {
            return Ok(Decision::NoMatch);
        };
        let mut checked = self.nested_check(target, scope.depth + 1).await;
        scope.nested = checked.trace.take();
        // §6.1: a target without a record is an error of the publisher.
        if checked.result == SpfResult::None {
            return Err(CauseKind::RedirectWithoutRecord.into());
        }
        Ok(Decision::Redirect(Box::new(checked)))
    }

    /// Moves what is known of the current term into the trace.
    fn trace_term(&mut self, scope: &mut Scope, record: &Arc<Record>, verdict: Verdict) {
        let (target, queries) = (scope.target.take(), std::mem::take(&mut scope.queries));
        let nested = scope.nested.take();
        let Some(index) = scope.index else { return };
        if self.traces_another_term() {
            scope.terms.push(TraceTerm {
                term: TermRef::new(Arc::clone(record), index),
                target,
                queries,
                check: nested,
                verdict,
                term_lookups: self.term_lookups,
                void_terms: self.void_terms,
            });
        }
    }

    fn conclude(&self, scope: &mut Scope, record: Option<Arc<Record>>, decision: Result<Decision, Stop>) -> Checked {
        let traced = self.request.wants_trace().then(|| record.clone());
        let mut checked = match decision {
            Ok(Decision::Redirect(checked)) => *checked,
            Ok(Decision::Directive(result)) => {
                Checked { result, cause: scope.cause(CauseKind::Matched, record), trace: None }
            }
            Ok(Decision::NoMatch) => {
                scope.index = None;
                Checked::stopped(scope.cause(CauseKind::NoMatch, record))
            }
            Err(Stop::Here(kind)) => Checked::stopped(scope.cause(*kind, record)),
            Err(Stop::Nested(result, cause)) => Checked { result, cause: *cause, trace: None },
        };
        if let Some(record) = traced {
            checked.trace = Some(Box::new(TraceCheck {
                domain: scope.domain.clone(),
                query: scope.query.pop(),
                record,
                terms: std::mem::take(&mut scope.terms),
                result: checked.result,
                cause: checked.cause.clone(),
            }));
        }
        checked
    }
}

impl Checked {
    fn none(error: NameError) -> Self {
        let cause = Cause { kind: CauseKind::MalformedDomain(error), domain: None, term: None };
        Self { result: SpfResult::None, cause, trace: None }
    }

    fn stopped(cause: Cause) -> Self {
        Self { result: cause.kind.result().unwrap_or(SpfResult::Neutral), cause, trace: None }
    }
}

impl Scope {
    fn new(domain: Name, depth: u32) -> Self {
        Self {
            domain,
            depth,
            query: Vec::new(),
            terms: Vec::new(),
            index: None,
            target: None,
            queries: Vec::new(),
            nested: None,
        }
    }

    fn cause(&self, kind: CauseKind, record: Option<Arc<Record>>) -> Cause {
        let term = record.zip(self.index).map(|(record, index)| TermRef::new(record, index));
        Cause { kind, domain: Some(self.domain.clone()), term }
    }
}

/// Picks the one SPF record among TXT records (§4.5).
fn select_record(records: &[Rdata]) -> Result<Arc<Record>, Stop> {
    let mut spf_records = records.iter().filter_map(|record| match record {
        Rdata::Txt(text) if is_spf_record(text) => Some(text),
        _ => None,
    });
    let Some(text) = spf_records.next() else {
        return Err(CauseKind::NoRecord.into());
    };
    // §4.5: several records are an error, even if they are the same.
    match spf_records.count() {
        0 => Record::parse(text).map(Arc::new).map_err(|error| CauseKind::Syntax(error).into()),
        more => Err(CauseKind::SeveralRecords(more + 1).into()),
    }
}
