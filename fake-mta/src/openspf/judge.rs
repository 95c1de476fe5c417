//! What came out of a test against what its file says.

use std::collections::BTreeSet;

use super::{
    case::{Case, Expected},
    verdict::{refusal_text, verdict},
};
use crate::{
    run::Played,
    scenario::{Mismatch, SessionEvents, Subject},
};

/// Compares, and adds the records that matter to what is shown of a failure. What broke off is not compared.
pub(crate) fn judge(case: &Case, played: &mut Played) -> Vec<Mismatch> {
    if played.fatal.is_some() || played.skipped.is_some() {
        return Vec::new();
    }
    let none = SessionEvents::default();
    let (subject, got) = compare(case, played.sessions.first().unwrap_or(&none));
    let Err(got) = got else { return Vec::new() };
    played.zone = zone(case, &played.journal);
    let last = played.sessions.first().map_or(0, |session| session.steps.len().saturating_sub(1));
    let expected = Some(case.expected.to_string());
    vec![Mismatch { subject, at: Some((0, last)), span: case.span.clone(), expected, got }]
}

/// What came, if it is not what was expected.
fn compare(case: &Case, session: &SessionEvents) -> (Subject, Result<(), Option<String>>) {
    match &case.expected {
        Expected::Results(results) => {
            let verdict = verdict(session, case.identity);
            let holds = verdict.as_ref().is_some_and(|verdict| results.contains(&verdict.result));
            let got = || verdict.map(|verdict| format!("{}, from {}", verdict.result, verdict.from));
            (Subject::SpfResult, if holds { Ok(()) } else { Err(got()) })
        }
        Expected::Explanation(text) => {
            let got = refusal_text(session);
            (Subject::Explanation, if got.as_ref() == Some(text) { Ok(()) } else { Err(got) })
        }
    }
}

/// The records and time-outs of the names that were asked for, and of the test's own domains.
fn zone(case: &Case, journal: &[String]) -> Vec<String> {
    let shown = |name: &zone::Name| name.to_lowercase().to_text_without_dot();
    let mut names: BTreeSet<String> = case.domains.iter().map(shown).collect();
    names.extend(journal.iter().filter_map(|question| Some(question.rsplit_once(' ')?.0.to_owned())));
    let records = case.zone.records.iter().filter(|record| names.contains(&shown(&record.owner)));
    let faults = case.zone.faults.iter().filter(|rule| match &rule.name {
        fake_dns::NamePattern::Exact(name) => names.contains(&shown(name)),
        _ => false,
    });
    records.map(ToString::to_string).chain(faults.map(|rule| format!("fault: {rule}"))).collect()
}
