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
        let before = &session.steps[..last.min(session.steps.len())];
        // What was said of another message has come to its end; what was said before the first one holds for all.
        let first_mail = before.iter().position(|step| says(step, "MAIL ")).unwrap_or(last);
        let own_mail = before.iter().rposition(|step| says(step, "MAIL ")).unwrap_or(0);
        let at_recipient = session.steps.get(last).is_some_and(|step| says(step, "RCPT "));
        let steps = before.iter().zip(&events.steps).enumerate();
        let steps = steps.filter(|(index, _)| *index < first_mail || *index >= own_mail);
        steps.filter(|(_, (step, _))| !speaks_of_it(result, step)).find_map(|(index, (step, events))| {
            // A recipient that is refused has nothing to do with another one.
            let is_other = |answer: &str| says(step, "RCPT ") && at_recipient && is_refusal(answer);
            let text = events.answers().into_iter().find(|answer| is_verdict(answer) && !is_other(answer))?;
            Some(Self { at: (number, index), text })
        })
    }

    /// The part of the transcript to show: from the verdict on, if that is not too long.
    pub(super) fn excerpt(&self, result: &UnitResult, own: &Range<usize>, max_lines: usize) -> Range<usize> {
        let step = &result.played.sessions[self.at.0].steps[self.at.1].transcript;
        let whole = step.start..own.end;
        if step.is_empty() || whole.len() > max_lines { own.clone() } else { whole }
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

/// Whether a step is an SMTP command.
fn says(step: &Step, verb: &str) -> bool {
    let said = step.action.value.to_string();
    said.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb))
}

/// Whether an answer, as an `M:` line, ends something.
fn is_verdict(answer: &str) -> bool {
    is_refusal(answer) || ENDS.contains(&verb(answer))
}

fn is_refusal(answer: &str) -> bool {
    REFUSALS.contains(&verb(answer))
}

fn verb(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

const ENDS: [&str; 5] = ["accept", "discard", "shutdown", "connfail", "close"];
const REFUSALS: [&str; 3] = ["reject", "tempfail", "reply"];
