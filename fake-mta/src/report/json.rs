//! JSON lines.

use serde_json::{Value, json};

use super::{fatal_word, mismatch, warnings, word};
use crate::{
    lint::MtaKind,
    run::{Fatal, Status, Summary, UnitResult, Warning},
    scenario::{Mismatch, SessionEvents},
};

/// One object for each unit, and one with the totals. `docs/reports.md` says what each field means, and promises that they stay.
pub(super) fn render(summary: &Summary) -> String {
    let totals = json!({
        "type": "summary",
        "format": FORMAT,
        "passed": summary.count(Status::Passed),
        "failed": summary.count(Status::Failed),
        "skipped": summary.count(Status::Skipped),
        "flaky": summary.flaky(),
        "known": summary.known(),
        "exit": summary.exit.0,
    });
    let lines = summary.results.iter().map(unit).chain([totals]);
    lines.map(|line| format!("{line}\n")).collect()
}

fn unit(result: &UnitResult) -> Value {
    let scenario = &result.unit.scenario;
    let mismatch = |one: &Mismatch| {
        json!({
            "what": mismatch::title(one),
            "line": one.span.line(),
            "column": one.span.column(),
            "expected": one.expected,
            "got": one.got,
        })
    };
    let tags: Vec<&str> = scenario.tags.iter().map(|tag| tag.as_str()).collect();
    let sessions: Vec<Value> = result.played.sessions.iter().map(session).collect();
    let transcript: Vec<&str> = result.played.transcript.lines().collect();
    let warnings: Vec<Value> = result.warnings.iter().map(|one| warning(result, one)).collect();
    let mismatches: Vec<Value> = result.mismatches.iter().map(mismatch).collect();
    json!({
        "type": "unit",
        "format": FORMAT,
        "file": scenario.path().to_string_lossy(),
        "line": scenario.name.span.line(),
        "name": scenario.name.value,
        "scenario": scenario.own_name(),
        "variant": scenario.variant,
        "case": scenario.case,
        "tags": tags,
        "profile": result.unit.profile.to_string(),
        "status": word(result),
        "flaky": result.is_flaky(),
        "rounds": { "passed": result.rounds.passed, "failed": result.rounds.failed },
        "known_deviation": result.played.known_deviation,
        "elapsed_ms": u64::try_from(result.elapsed.as_millis()).unwrap_or(u64::MAX),
        "mismatches": mismatches,
        "warnings": warnings,
        "difference": result.difference.as_ref().map(|found| json!({ "places": found.places, "diff": found.diff })),
        "hint": result.hint.as_ref().map(|hint| json!({ "what": hint.title, "help": hint.help })),
        "milter_differs": result.milter_differs,
        "fatal": result.played.fatal.as_ref().map(|fatal| fatal.text.clone()),
        "fatal_detail": result.played.fatal.as_ref().map(fatal),
        "skipped": result.played.skipped,
        "journal": result.played.journal,
        "dns_log": result.played.dns_log,
        "transcript": transcript,
        "sessions": sessions,
        "rerun": result.rerun,
    })
}

fn session(events: &SessionEvents) -> Value {
    json!({ "envelope": events.envelope, "delivered": events.delivered })
}

fn fatal(fatal: &Fatal) -> Value {
    json!({ "kind": fatal_word(fatal.kind), "notes": fatal.notes, "help": fatal.help })
}

fn warning(result: &UnitResult, warning: &Warning) -> Value {
    let (finding, lint) = (&warning.finding, warning.finding.lint);
    json!({
        "id": lint.id(),
        "what": lint.title(),
        "line": warnings::place(result, warning).map(|span| span.line()),
        "milter": finding.filter + 1,
        "stage": finding.stage,
        "packet": finding.packet,
        "detail": finding.detail,
        "sendmail": lint.outcome(MtaKind::Sendmail),
        "postfix": lint.outcome(MtaKind::Postfix),
    })
}

/// Counts up where a field changes its meaning or goes away.
const FORMAT: u32 = 1;
