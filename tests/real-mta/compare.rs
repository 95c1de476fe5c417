//! The fake MTA's record against the real one's.

use std::fmt::Write as _;

use crate::{
    normal::normal,
    record::{Record, SessionRecord},
};

/// Something in which the two differ.
pub(crate) struct Difference {
    /// Where: `session 1, step 3`.
    place: String,
    /// What the fake MTA has.
    fake: Vec<String>,
    /// What the real MTA has.
    real: Vec<String>,
}

/// Everything that differs, in order.
pub(crate) fn differences(fake: &Record, real: &Record) -> Vec<Difference> {
    let (fake, real) = (normal(fake), normal(real));
    let mut differences = Vec::new();
    let empty = SessionRecord::default();
    for number in 0..fake.sessions.len().max(real.sessions.len()) {
        let session = |record: &'_ Record| record.sessions.get(number).cloned().unwrap_or_else(|| empty.clone());
        sessions(number + 1, &session(&fake), &session(&real), &mut differences);
    }
    if fake.held != real.held {
        let lines = |count: usize| vec![format!("{count} messages")];
        differences.push(Difference { place: "held".to_owned(), fake: lines(fake.held), real: lines(real.held) });
    }
    differences
}

fn sessions(number: usize, fake: &SessionRecord, real: &SessionRecord, differences: &mut Vec<Difference>) {
    let mut check = |place: String, fake: Vec<String>, real: Vec<String>| {
        if fake != real {
            differences.push(Difference { place: format!("session {number}, {place}"), fake, real });
        }
    };
    for step in 0..fake.steps.len().max(real.steps.len()) {
        let replies = |session: &SessionRecord| session.steps.get(step).cloned().unwrap_or_default();
        check(format!("replies of step {step}"), replies(fake), replies(real));
    }
    check("envelope".to_owned(), fake.envelope.clone(), real.envelope.clone());
    for message in 0..fake.delivered.len().max(real.delivered.len()) {
        let lines = |session: &SessionRecord| {
            let text = session.delivered.get(message).map_or("(none)", String::as_str);
            text.split('\n').map(str::to_owned).collect::<Vec<_>>()
        };
        check(format!("message {}", message + 1), lines(fake), lines(real));
    }
}

/// For people.
pub(crate) fn report(differences: &[Difference], fake: &Record, real: &Record) -> String {
    let mut text = String::new();
    for Difference { place, fake, real } in differences {
        writeln!(text, "{place}:").expect("a String takes all");
        for (name, lines, others) in [("fake", fake, real), ("real", real, fake)] {
            for line in lines {
                let mark = if others.contains(line) { ' ' } else { '*' };
                writeln!(text, "  {name} {mark} {}", line.escape_debug()).expect("a String takes all");
            }
        }
    }
    format!("{text}\nthe fake MTA:\n{}\nthe real MTA's log:\n{}", fake.notes, real.notes)
}
