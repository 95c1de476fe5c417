//! A whole unit against what happened in it.

use std::collections::BTreeMap;

use super::{
    envelope,
    events::SessionEvents,
    lists::{self, List},
    step::{self, Names},
};
use crate::{
    diag::Span,
    scenario::{
        LineKind, Located, Session, Unit,
        matcher::{Bindings, is_queue_id},
    },
};

/// One line that is not as the scenario says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What was compared.
    pub subject: Subject,
    /// The session and the step, both from 0; `None` for the journal of the whole scenario, and the step is that of the
    /// last line played for what belongs to a whole session.
    pub at: Option<(usize, usize)>,
    /// The expected line's text. For what came unexpected, the line behind which it would have to stand.
    pub span: Span,
    /// The expected text; `None` if something came that nothing expects.
    pub expected: Option<String>,
    /// What came instead; `None` if nothing came.
    pub got: Option<String>,
}

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The lines of a step.
    Line(LineKind),
    /// `known_deviation` of the scenario, which is gone.
    KnownDeviation,
    /// `known_deviation` of the scenario, where something else comes than its `instead` says.
    OtherDeviation,
    /// `envelope` of a session.
    Envelope,
    /// `delivered` of a session.
    Delivered,
    /// `log` of a session.
    SessionLog,
    /// `expect` of `[dns]`.
    Journal,
    /// `result` of a test of an openspf suite.
    SpfResult,
    /// `explanation` of a test of an openspf suite.
    Explanation,
}

/// Compares a unit's expectations with what happened; an empty list means that all hold.
///
/// Steps and sessions that were not played, because the run broke off, are not compared. `journal` is the list of all DNS
/// questions, `name TYPE` each.
pub fn compare(unit: &Unit, sessions: &[SessionEvents], journal: &[String]) -> Vec<Mismatch> {
    compare_all(unit, &unit.scenario.sessions, sessions, journal)
}

/// The same with what `instead` says in the place of what is expected; all holds where nothing is said.
pub fn compare_instead(unit: &Unit, sessions: &[SessionEvents], journal: &[String]) -> Vec<Mismatch> {
    let Some(planned) = &unit.scenario.instead else { return Vec::new() };
    compare_all(unit, planned, sessions, journal)
}

fn compare_all(unit: &Unit, planned: &[Session], sessions: &[SessionEvents], journal: &[String]) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let mut names = Names::default();
    for (index, (session, events)) in planned.iter().zip(sessions).enumerate() {
        let before = mismatches.len();
        for (step_index, (planned, events)) in session.steps.iter().zip(&events.steps).enumerate() {
            let mut found = step::compare(planned, &unit.profile, events, &mut names);
            found.iter_mut().for_each(|mismatch| mismatch.at = Some((index, step_index)));
            mismatches.append(&mut found);
        }
        if events.steps.len() >= session.steps.len() {
            mismatches.extend(compare_session(index, session, events, &mut names.lines));
        }
        mismatches[before..].iter_mut().for_each(|mismatch| name_queue_ids(mismatch, &events.queue_ids));
    }
    let all_played = sessions.len() == planned.len()
        && planned.iter().zip(sessions).all(|(session, events)| events.steps.len() >= session.steps.len());
    if let (Some(expected), true) = (&unit.scenario.dns.expect, all_played) {
        mismatches.extend(compare_journal(expected, journal, &mut names.lines));
    }
    mismatches
}

/// Writes queue ids as the transcript does, but for one that the file itself names.
fn name_queue_ids(mismatch: &mut Mismatch, queue_ids: &BTreeMap<String, String>) {
    let line = mismatch.span.text().to_owned();
    for (id, name) in queue_ids.iter().filter(|(id, _)| is_queue_id(id) && !line.contains(id.as_str())) {
        for text in [&mut mismatch.expected, &mut mismatch.got].into_iter().flatten() {
            *text = text.replace(id.as_str(), name);
        }
    }
}

/// What belongs to a session as a whole.
fn compare_session(index: usize, session: &Session, events: &SessionEvents, names: &mut Bindings) -> Vec<Mismatch> {
    let mut found = Vec::new();
    if let Some(expected) = &session.envelope {
        let list = List { subject: Subject::Envelope, expected: &expected.value, anchor: &expected.span };
        let lines: Vec<&str> = expected.iter().map(|line| line.as_str()).collect();
        let came = envelope::in_order(&lines, &events.envelope, names);
        found.extend(lists::compare_exact(&list, &came, names));
    }
    if let Some(expected) = &session.delivered {
        found.extend(compare_delivered(expected, &events.delivered, names));
    }
    let log: Vec<String> = events.steps.iter().flat_map(|step| step.log.iter().cloned()).collect();
    let list = List { subject: Subject::SessionLog, expected: &session.log, anchor: &session.span };
    found.extend(lists::compare_subsequence(&list, &log, names));
    let last = session.steps.len().saturating_sub(1);
    found.iter_mut().for_each(|mismatch| mismatch.at = Some((index, last)));
    found
}

fn compare_delivered(
    expected: &Located<Vec<Vec<Located<String>>>>,
    delivered: &[String],
    names: &mut Bindings,
) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for (index, lines) in expected.iter().enumerate() {
        let anchor = lines.first().map_or(&expected.span, |line| &line.span);
        let list = List { subject: Subject::Delivered, expected: lines, anchor };
        match delivered.get(index) {
            Some(message) => found.extend(lists::compare_exact(&list, &message_lines(message), names)),
            None => found.push(missing_message(anchor, index)),
        }
    }
    for message in delivered.iter().skip(expected.len()) {
        found.push(Mismatch {
            subject: Subject::Delivered,
            at: None,
            span: expected.span.clone(),
            expected: None,
            got: Some(message.clone()),
        });
    }
    found
}

fn missing_message(anchor: &Span, index: usize) -> Mismatch {
    let expected = Some(format!("message {} of the session", index + 1));
    Mismatch { subject: Subject::Delivered, at: None, span: anchor.clone(), expected, got: None }
}

fn message_lines(message: &str) -> Vec<String> {
    let message = message.strip_suffix('\n').unwrap_or(message);
    message.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect()
}

fn compare_journal(
    expected: &Located<Vec<Located<String>>>,
    journal: &[String],
    names: &mut Bindings,
) -> Vec<Mismatch> {
    let lines: Vec<Located<String>> =
        expected.iter().map(|line| Located::new(step::question(line), line.span.clone())).collect();
    let journal: Vec<String> = journal.iter().map(|line| step::question(line)).collect();
    lists::compare_exact(&List { subject: Subject::Journal, expected: &lines, anchor: &expected.span }, &journal, names)
}
