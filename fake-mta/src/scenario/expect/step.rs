//! One step against what happened in it.

use super::{
    compare::{Mismatch, Subject},
    events::StepEvents,
    lists::{self, List},
};
use crate::scenario::{Line, LineKind, Located, ProfileName, Step, Wire, dialogue::NONE, matcher::Bindings};

/// What the names of matchers stand for. In wire blocks queue ids are rewritten, so that names there are names of their own.
#[derive(Default)]
pub(super) struct Names {
    /// In all lines but those.
    pub(super) lines: Bindings,
    wire: Bindings,
}

/// Compares the lines of a step that hold in `profile`.
pub(super) fn compare(step: &Step, profile: &ProfileName, events: &StepEvents, names: &mut Names) -> Vec<Mismatch> {
    let kinds = LineKind::ALL.into_iter();
    let mut found: Vec<Mismatch> =
        kinds.flat_map(|kind| compare_kind(kind, step, profile, events, &mut names.lines)).collect();
    found.extend(step.wire.iter().flat_map(|wire| compare_wire(wire, profile, events, &mut names.wire)));
    found.sort_by_key(|mismatch| mismatch.span.range().start);
    found
}

/// All packets of a step, in order.
fn compare_wire(wire: &Wire, profile: &ProfileName, events: &StepEvents, names: &mut Bindings) -> Vec<Mismatch> {
    let lines = wire.lines.iter().filter(|line| line.holds_in(profile));
    let expected: Vec<Located<String>> = lines.map(located).collect();
    let list = List { subject: Subject::Line(LineKind::Wire), expected: &expected, anchor: &wire.anchor };
    lists::compare_packets(&list, &events.wire, names)
}

fn compare_kind(
    kind: LineKind,
    step: &Step,
    profile: &ProfileName,
    events: &StepEvents,
    names: &mut Bindings,
) -> Vec<Mismatch> {
    let mut lines: Vec<&Line> = step.expected(profile).filter(|line| line.kind == kind).collect();
    // A case fills as many lines as its worst row needs: `none` beside others says nothing.
    if kind == LineKind::Warning && lines.len() > 1 {
        let first = lines[0];
        lines.retain(|line| line.text != NONE);
        if lines.is_empty() {
            lines.push(first);
        }
    }
    if lines.is_empty() {
        return Vec::new();
    }
    let subject = Subject::Line(kind);
    let actual = actual(kind, events);
    let expected: Vec<Located<String>> = lines.iter().map(|line| located(line)).collect();
    if let [none] = &expected[..]
        && none.value == NONE
    {
        return lists::compare_none(subject, none, &actual);
    }
    let list = List { subject, expected: &expected, anchor: &step.action.span };
    match kind {
        LineKind::Smtp => lists::compare_exact(&list, &actual, names),
        LineKind::Milter | LineKind::MilterOf(_) => lists::compare_with(&list, &actual, names, is_quiet),
        LineKind::Wire => Vec::new(),
        LineKind::Dns | LineKind::Warning => lists::compare_set(&list, &actual, names),
        LineKind::Log => lists::compare_subsequence(&list, &actual, names),
    }
}

fn located(line: &Line) -> Located<String> {
    let text = if line.kind == LineKind::Dns { question(&line.text) } else { line.text.clone() };
    Located::new(text, line.text_span.clone())
}

/// The lines of a kind that came.
pub(in crate::scenario) fn actual(kind: LineKind, events: &StepEvents) -> Vec<String> {
    match kind {
        LineKind::Smtp => events.replies.clone(),
        LineKind::Milter => events.milter.clone(),
        LineKind::MilterOf(number) => events.later_milters.get(&number).cloned().unwrap_or_default(),
        LineKind::Dns => events.dns.iter().map(|text| question(text)).collect(),
        LineKind::Log => events.log.clone(),
        LineKind::Warning => events.warning_names(),
        LineKind::Wire => Vec::new(),
    }
}

/// Answers that let the mail go on as it is; a scenario need not write them.
pub(super) fn is_quiet(answer: &str) -> bool {
    let verb = answer.split(' ').next().unwrap_or_default();
    matches!(verb, "continue" | "progress" | "negotiate")
}

/// `name TYPE` in one form: lower case, no dot at the end, one space.
pub(super) fn question(text: &str) -> String {
    match text.split_once(char::is_whitespace) {
        Some((name, kind)) if !text.starts_with('/') => {
            format!("{} {}", name.strip_suffix('.').unwrap_or(name).to_lowercase(), kind.trim())
        }
        _ => text.to_owned(),
    }
}
