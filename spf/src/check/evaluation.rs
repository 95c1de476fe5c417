use crate::dns::{Answer, AnswerKind, Failure, Lookup, Question, RecordType};
use crate::limits::TRACE_TERMS_MAX;
use crate::name::Name;
use crate::outcome::{Cause, CauseKind};
use crate::request::Request;
use crate::trace::{TraceCheck, TraceQuery};

/// The state that one check and all checks nested in it share.
pub(super) struct Evaluation<'a, L> {
    pub(super) request: &'a Request<'a>,
    pub(super) lookup: &'a L,
    pub(super) term_lookups: u32,
    pub(super) void_terms: u32,
    pub(super) void_lookups: Vec<Question>,
    pub(super) trace_truncated: bool,
    /// Why the last check that ended has its result: after a match, the directive in the record that decided, and its
    /// domain; after any `redirect`, the target's.
    pub(super) cause: Cause,
    /// The last check that ended.
    pub(super) trace: Option<Box<TraceCheck>>,
    /// What was asked and belongs to no traced term yet.
    pub(super) asked: Vec<TraceQuery>,
    /// Whether the current term has been counted as void.
    term_is_void: bool,
    trace_terms: usize,
}

/// What ends a check before its record does.
///
/// No larger than a pointer: most checks move results about that hold none.
pub(super) enum Stop {
    /// An error of this record or its lookups.
    Here(Box<CauseKind>),
    /// An error of a nested check, whose cause stands.
    Nested,
}

impl From<CauseKind> for Stop {
    fn from(kind: CauseKind) -> Self {
        Self::Here(Box::new(kind))
    }
}

/// On whose behalf a question is asked: that decides what a void answer counts for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// A term: void answers count against the limit.
    Term,
    /// The nested check of a term: void answers count, and the check has no result but `permerror` anyway.
    NestedRecord,
    /// The check asked for, or its explanation: not a term, so nothing is counted.
    Uncounted,
}

impl<'a, L: Lookup> Evaluation<'a, L> {
    pub(super) fn new(request: &'a Request<'a>, lookup: &'a L) -> Self {
        Self {
            request,
            lookup,
            term_lookups: 0,
            void_terms: 0,
            void_lookups: Vec::new(),
            trace_truncated: false,
            cause: Cause { kind: CauseKind::NoMatch, domain: None, term: None },
            trace: None,
            asked: Vec::new(),
            term_is_void: false,
            trace_terms: 0,
        }
    }

    /// Counts a term that causes lookups, before it does.
    pub(super) fn count_term(&mut self) -> Result<(), Stop> {
        self.term_is_void = false;
        self.term_lookups = self.term_lookups.saturating_add(1);
        // §4.6.4: one term too many ends the check, whatever it would have found.
        if self.term_lookups > self.request.limits().terms {
            return Err(CauseKind::TermLimit(self.request.limits().terms).into());
        }
        Ok(())
    }

    /// Asks a question and notes it; only the end of the whole time allowed is an error here.
    pub(super) async fn ask(&mut self, name: &Name, rtype: RecordType, asker: Asker) -> Result<AnswerKind, Stop> {
        let Answer { kind, elapsed } = self.lookup.lookup(Question::new(name.clone(), rtype)).await;
        if self.request.wants_trace() {
            let answer = Answer { kind: kind.clone(), elapsed };
            self.asked.push(TraceQuery { question: Question::new(name.clone(), rtype), answer });
        }
        match kind {
            AnswerKind::NoData | AnswerKind::NxDomain => self.count_void(name, rtype, asker)?,
            // §4.6.4: the overall limit of time is temperror even where a failed lookup is none.
            AnswerKind::Failed(Failure::Deadline) => {
                let question = Question::new(name.clone(), rtype);
                return Err(CauseKind::Dns { question, failure: Failure::Deadline }.into());
            }
            AnswerKind::Records(_) | AnswerKind::Failed(_) => {}
        }
        Ok(kind)
    }

    /// Counts a void lookup: §4.6.4 limits the terms that cause some, so a term counts once.
    fn count_void(&mut self, name: &Name, rtype: RecordType, asker: Asker) -> Result<(), Stop> {
        if asker == Asker::Uncounted {
            return Ok(());
        }
        self.void_lookups.push(Question::new(name.clone(), rtype));
        if !self.term_is_void {
            self.term_is_void = true;
            self.void_terms = self.void_terms.saturating_add(1);
        }
        let voids_max = self.request.limits().voids;
        if asker == Asker::Term && self.void_terms > voids_max {
            return Err(CauseKind::VoidLimit(voids_max).into());
        }
        Ok(())
    }

    /// Whether another term goes into the trace that is wanted.
    pub(super) fn traces_another_term(&mut self) -> bool {
        self.trace_terms = self.trace_terms.saturating_add(1);
        self.trace_truncated |= self.trace_terms > TRACE_TERMS_MAX;
        !self.trace_truncated
    }
}
