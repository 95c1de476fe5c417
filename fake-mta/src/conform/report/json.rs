//! One JSON document.

use serde_json::{Value, json};

use super::{Battery, CaseResult, row};

/// Everything that is known.
pub(super) fn render(battery: &Battery) -> String {
    let cases: Vec<Value> = battery.cases.iter().enumerate().map(|(index, _)| case(battery, index)).collect();
    let milters: Vec<Value> = battery
        .milters
        .iter()
        .map(|milter| json!({ "name": milter.name, "error": milter.fatal.as_ref().map(|fatal| fatal.text.clone()) }))
        .collect();
    format!("{:#}\n", json!({ "milters": milters, "cases": cases }))
}

fn case(battery: &Battery, index: usize) -> Value {
    let case = &battery.cases[index];
    let results: Vec<Value> = row(battery, index).map(|came| came.map_or(Value::Null, result)).collect();
    json!({
        "id": case.id,
        "level": case.level.to_string(),
        "title": case.title,
        "reason": case.reason,
        "standard": case.standard,
        "seen": case.seen,
        "results": results,
    })
}

fn result(result: &CaseResult) -> Value {
    json!({
        "verdict": result.verdict.to_string(),
        "why": result.why,
        "ended_early": result.ended_early,
        "elapsed_ms": u64::try_from(result.elapsed.as_millis()).unwrap_or(u64::MAX),
        "exchange": result.exchange,
    })
}
