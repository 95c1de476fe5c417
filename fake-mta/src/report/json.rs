//! JSON lines.

use serde_json::{Value, json};

use super::{human, warnings, word};
use crate::{
    lint::MtaKind,
    run::{Status, Summary, UnitResult, Warning},
    scenario::Mismatch,
};

/// One object for each unit, and one with the totals.
pub(super) fn render(summary: &Summary) -> String {
    let totals = json!({
        "type": "summary",
        "passed": summary.count(Status::Passed),
        "failed": summary.count(Status::Failed),
        "skipped": summary.count(Status::Skipped),
        "exit": summary.exit.0,
    });
    let lines = summary.results.iter().map(unit).chain([totals]);
    lines.map(|line| format!("{line}\n")).collect()
}

fn unit(result: &UnitResult) -> Value {
    let scenario = &result.unit.scenario;
    let mismatch = |mismatch: &Mismatch| {
        json!({
            "what": human::title(mismatch),
            "line": mismatch.span.line(),
            "column": mismatch.span.column(),
            "expected": mismatch.expected,
            "got": mismatch.got,
        })
    };
    let warnings: Vec<Value> = result.warnings.iter().map(|one| warning(result, one)).collect();
    let mismatches: Vec<Value> = result.mismatches.iter().map(mismatch).collect();
    json!({
        "type": "unit",
        "file": scenario.path().to_string_lossy(),
        "name": scenario.name.value,
        "profile": result.unit.profile.to_string(),
        "status": word(result),
        "flaky": result.is_flaky(),
        "known_deviation": result.played.known_deviation,
        "elapsed_ms": u64::try_from(result.elapsed.as_millis()).unwrap_or(u64::MAX),
        "mismatches": mismatches,
        "warnings": warnings,
        "difference": result.difference.as_ref().map(|found| json!({ "places": found.places, "diff": found.diff })),
        "fatal": result.played.fatal.as_ref().map(|fatal| fatal.text.clone()),
        "skipped": result.played.skipped,
        "journal": result.played.journal,
    })
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
