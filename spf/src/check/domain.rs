use std::pin::Pin;
use std::sync::Arc;

use super::evaluation::{Asker, Evaluation, Stop};
use crate::dns::{AnswerKind, Lookup, Question, Rdata, RecordType};
use crate::limits::DEPTH_MAX;
use crate::macro_string::MacroLetter;
use crate::name::{Name, NameError};
use crate::outcome::{Cause, CauseKind};
use crate::record::{Record, Term, TermRef, is_spf_record};
use crate::result::SpfResult;
use crate::trace::{TraceCheck, TraceQuery, TraceTerm, Verdict};

/// One domain under check.
pub(super) struct Scope {
    pub(super) domain: Name,
    /// How many checks this one is nested in.
    pub(super) depth: u32,
    /// The term being evaluated.
    index: Option<usize>,
    query: Option<TraceQuery>,
    terms: Vec<TraceTerm>,
    /// What is known of the term being evaluated, for the trace.
    pub(super) target: Option<Name>,
    pub(super) nested: Option<Box<TraceCheck>>,
}

/// How the terms of a record decided.
enum Decision {
    Directive(SpfResult),
    /// The result of the target, whose cause stands.
    Redirect(SpfResult),
    NoMatch,
}

impl<L: Lookup> Evaluation<'_, L> {
    /// Checks a domain as part of a term; boxed, because checks nest.
    pub(super) fn nested_check(
        &mut self,
        domain: Result<Name, NameError>,
        depth: u32,
    ) -> Pin<Box<dyn Future<Output = SpfResult> + Send + '_>> {
        Box::pin(self.check(domain, depth))
    }

    /// Checks a domain: §4.3 to §4.7. Its cause and its part of the trace are left in the evaluation.
    pub(super) async fn check(&mut self, domain: Result<Name, NameError>, depth: u32) -> SpfResult {
        let domain = match domain {
            // §4.3: a domain that has one label, or is malformed, is not looked up.
            Ok(domain) if domain.labels().nth(1).is_none() => return self.malformed(NameError::SingleLabel),
            Err(error) => return self.malformed(error),
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
        self.conclude(scope, record, decision)
    }

    async fn evaluate(&mut self, scope: &mut Scope, record: &Arc<Record>) -> Result<Decision, Stop> {
        for (index, term) in record.terms().iter().enumerate() {
            let Term::Directive(directive) = term else { continue };
            scope.index = Some(index);
            let asked_before = self.asked.len();
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
                self.trace_term(scope, record, verdict, asked_before);
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
        let answer = self.ask(&scope.domain, RecordType::Txt, asker).await;
        scope.query = self.asked.pop();
        match answer? {
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
        let asked_before = self.asked.len();
        let decision = self.redirect(scope, record).await;
        let verdict = match &decision {
            Ok(Decision::NoMatch) => Verdict::NoMatch,
            Ok(_) => Verdict::Match,
            Err(_) => Verdict::Error,
        };
        if self.request.wants_trace() {
            self.trace_term(scope, record, verdict, asked_before);
        }
        decision
    }

    async fn redirect(&mut self, scope: &mut Scope, record: &Record) -> Result<Decision, Stop> {
        self.count_term()?;
        let Some(spec) = record.redirect() else {
            return Ok(Decision::NoMatch);
        };
        if self.has_unusable_local_part(spec) {
            return Ok(Decision::NoMatch);
        }
        let validated_name = if spec.uses(MacroLetter::ValidatedName) {
            self.validated_name(&scope.domain, Asker::Term).await?
        } else {
            None
        };
        let target = self.expand_target(scope, spec, validated_name.as_ref());
        let result = self.nested_check(target, scope.depth + 1).await;
        scope.nested = self.trace.take();
        // §6.1: a target without a record is an error of the publisher.
        if result == SpfResult::None {
            return Err(CauseKind::RedirectWithoutRecord.into());
        }
        Ok(Decision::Redirect(result))
    }

    /// Moves what is known of the current term into the trace.
    fn trace_term(&mut self, scope: &mut Scope, record: &Arc<Record>, verdict: Verdict, asked_before: usize) {
        let (target, nested) = (scope.target.take(), scope.nested.take());
        let queries = self.asked.split_off(asked_before);
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

    /// Notes the cause of a result, and the check in the trace; the cause that a nested check left stays if it decided.
    fn conclude(
        &mut self,
        mut scope: Scope,
        record: Option<Arc<Record>>,
        decision: Result<Decision, Stop>,
    ) -> SpfResult {
        let traced = self.request.wants_trace().then(|| (scope.domain.clone(), record.clone()));
        let (query, terms) = (scope.query.take(), std::mem::take(&mut scope.terms));
        let result = match decision {
            Ok(Decision::Redirect(result)) => result,
            Err(Stop::Nested) => self.cause.kind.result(),
            Ok(Decision::Directive(result)) => {
                self.cause = scope.cause(CauseKind::Matched, record);
                result
            }
            Ok(Decision::NoMatch) => {
                scope.index = None;
                self.cause = scope.cause(CauseKind::NoMatch, record);
                SpfResult::Neutral
            }
            Err(Stop::Here(kind)) => {
                self.cause = scope.cause(*kind, record);
                self.cause.kind.result()
            }
        };
        if let Some((domain, record)) = traced {
            let cause = self.cause.clone();
            self.trace = Some(Box::new(TraceCheck { domain, query, record, terms, result, cause }));
        }
        result
    }

    /// Notes that a domain cannot be checked.
    fn malformed(&mut self, error: NameError) -> SpfResult {
        self.cause = Cause { kind: CauseKind::MalformedDomain(error), domain: None, term: None };
        self.trace = None;
        SpfResult::None
    }
}

impl Scope {
    fn new(domain: Name, depth: u32) -> Self {
        Self { domain, depth, index: None, query: None, terms: Vec::new(), target: None, nested: None }
    }

    fn cause(self, kind: CauseKind, record: Option<Arc<Record>>) -> Cause {
        let term = record.zip(self.index).map(|(record, index)| TermRef::new(record, index));
        Cause { kind, domain: Some(self.domain), term }
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
