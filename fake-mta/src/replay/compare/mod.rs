//! Compares what the fake MTA did with what was captured.

mod delivered;
mod difference;
mod log;
mod packets;
mod replies;

pub(crate) use difference::{Difference, Point};

use super::{base::HOSTNAME, bind::Binder, capture::Capture, play::Outcome};
use crate::journal::Event;

/// The two sides of a comparison, each with its own volatile values.
struct Sides<'a> {
    capture: &'a Capture,
    outcome: &'a Outcome,
    expected: Binder,
    got: Binder,
}

/// All respects in which the replay differs, each with its first difference.
pub(super) fn compare(capture: &Capture, outcome: &Outcome) -> Vec<Difference> {
    let mut sides =
        Sides { capture, outcome, expected: expected_binder(capture), got: actual_binder(capture, outcome) };
    let mut differences = Vec::new();
    differences.extend(sides.packets());
    if capture.has_packets_only() {
        return differences;
    }
    differences.extend(sides.replies());
    differences.extend(sides.delivered());
    differences.extend(sides.log());
    differences
}

fn expected_binder(capture: &Capture) -> Binder {
    let mut binder = Binder::new();
    let kinds = [("queue_id", "queue_id"), ("date", "date"), ("date_t_macro", "date_t"), ("message_id", "message_id")];
    for (key, kind) in kinds {
        for literal in capture.volatile(key) {
            binder.add(&literal, kind);
        }
    }
    binder
}

fn actual_binder(capture: &Capture, outcome: &Outcome) -> Binder {
    let hostname = capture.config.get("hostname").and_then(serde_json::Value::as_str).unwrap_or(HOSTNAME);
    let mut binder = Binder::new();
    for zone in ["GMT", "+0000 (UTC)"] {
        binder.add(&outcome.clock.rfc5322(zone), "date");
    }
    let (minutes, seconds) = (outcome.clock.compact_minutes(), outcome.clock.compact_seconds());
    binder.add(&minutes, "date_t");
    for event in &outcome.events {
        if let Event::Log(line) = event
            && let Some(id) = line.queue_id.as_deref().filter(|id| *id != "NOQUEUE")
        {
            // The pieces of a long line are numbered: `6AMDfscH002246[1]`.
            let id = id.split('[').next().unwrap_or(id);
            binder.add(id, "queue_id");
            for moment in [&minutes, &seconds] {
                binder.add(&format!("<{moment}.{id}@{hostname}>"), "message_id");
            }
        }
    }
    binder
}
