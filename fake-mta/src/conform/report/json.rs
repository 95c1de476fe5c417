//! One JSON document.

use serde_json::{Map, Value, json};

use super::{Battery, CaseResult, Level, MilterResult, NOT_TRIED, Verdict, row};

/// Everything that is known.
pub(super) fn render(battery: &Battery) -> String {
    let cases: Vec<Value> = battery.cases.iter().enumerate().map(|(index, _)| case(battery, index)).collect();
    let milters: Vec<Value> = battery.milters.iter().map(|one| milter(battery, one)).collect();
    let report = json!({
        "fake_mta": env!("CARGO_PKG_VERSION"),
        "date": battery.date,
        "interrupted": battery.is_interrupted,
        "milters": milters,
        "cases": cases,
    });
    format!("{report:#}\n")
}

fn milter(battery: &Battery, milter: &MilterResult) -> Value {
    let counts = Verdict::ALL.into_iter().map(|(word, verdict)| (word.to_owned(), json!(milter.count(verdict))));
    let levels = Level::ALL.into_iter().map(|(word, level)| {
        let counts =
            battery.counts(milter, Some(level)).map(|(verdict, count)| (verdict.replace(' ', "_"), json!(count)));
        (word.to_owned(), Value::Object(counts.collect()))
    });
    json!({
        "name": milter.name,
        "place": milter.place,
        "error": milter.fatal.as_ref().map(|fatal| fatal.text.clone()),
        "counts": Map::from_iter(counts),
        "counts_by_level": Map::from_iter(levels),
        "not_tried": battery.cases.len().saturating_sub(milter.results.len()),
        "ended_early": milter.ended_early(),
    })
}

fn case(battery: &Battery, index: usize) -> Value {
    let case = &battery.cases[index];
    let results: Vec<Value> =
        row(battery, index).map(|came| came.map_or_else(|| json!({ "verdict": NOT_TRIED }), result)).collect();
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
        "output": result.output,
    })
}
