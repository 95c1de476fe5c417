//! The step that a failure goes back to: what comes in the steps behind it mostly follows from it.

use std::ops::Range;

use crate::{
    diag::Diag,
    run::UnitResult,
    scenario::{LineKind, Mismatch, Step, Subject},
};

/// A verdict of the milter before the first mismatch, of which the scenario says nothing.
pub(super) struct Verdict {
    /// Its session and its step, both from 0.
    at: (usize, usize),
    text: String,
}

impl Verdict {
    /// The one that comes before this mismatch, in its session.
    pub(super) fn before(result: &UnitResult, mismatch: &Mismatch) -> Option<Self> {
        let (number, last) = mismatch.at?;
        let session = result.unit.scenario.sessions.get(number)?;
        let events = result.played.sessions.get(number)?;
        let steps = session.steps.iter().zip(&events.steps).enumerate().take(last);
        steps.filter(|(_, (step, _))| !speaks_of_it(result, step)).find_map(|(index, (_, events))| {
            let text = events.answers().into_iter().find(|answer| is_verdict(answer))?;
            Some(Self { at: (number, index), text })
        })
    }

    /// The part of the transcript to show, from the verdict on.
    pub(super) fn excerpt(&self, result: &UnitResult, own: &Range<usize>, max_lines: usize) -> Range<usize> {
        let step = &result.played.sessions[self.at.0].steps[self.at.1].transcript;
        if step.is_empty() { own.clone() } else { step.start..own.end.min(step.start + max_lines) }
    }

    /// The message about the mismatch, which says so too.
    pub(super) fn told(&self, diag: Diag, result: &UnitResult) -> Diag {
        let session = &result.unit.scenario.sessions[self.at.0];
        let step = &session.steps[self.at.1];
        let place = if step.action.span.range().is_empty() { &session.client.span } else { &step.action.span };
        diag.label(place, "the verdict came here")
            .note(format!("before that the milter said `{}`, of which the scenario says nothing", self.text))
    }
}

/// Whether what comes in later steps of the session may follow from these mismatches of one step.
pub(super) fn has_consequences(mismatches: &[Mismatch]) -> bool {
    let is_answer =
        |subject| matches!(subject, Subject::Line(LineKind::Milter | LineKind::MilterOf(_) | LineKind::Smtp));
    mismatches.iter().any(|mismatch| is_answer(mismatch.subject))
}

/// Whether the scenario says what the milter answers in a step, or what the client is told.
fn speaks_of_it(result: &UnitResult, step: &Step) -> bool {
    step.expected(&result.unit.profile)
        .any(|line| matches!(line.kind, LineKind::Milter | LineKind::MilterOf(_) | LineKind::Smtp))
}

/// Whether an answer, as an `M:` line, ends something.
fn is_verdict(answer: &str) -> bool {
    let verb = answer.split(' ').nth(1).unwrap_or_default();
    VERDICTS.contains(&verb)
}

const VERDICTS: [&str; 8] = ["accept", "reject", "tempfail", "discard", "reply", "shutdown", "connfail", "close"];
