//! The names of matchers (`[qid=first]`): one that stands in a single place is compared with nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diag::{Diag, Span},
    scenario::{Scenario, matcher, problems::Problems, vocabulary},
};

/// Refuses names that come but once in all that a file stands for.
pub(super) fn check(scenarios: &[Scenario], problems: &mut Problems) {
    let mut places: BTreeMap<String, BTreeSet<(usize, usize)>> = BTreeMap::new();
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    for (text, span) in scenarios.iter().flat_map(expected) {
        for (index, name) in matcher::names(text).enumerate() {
            places.entry(name.to_owned()).or_default().insert((span.range().start, index));
            first.entry(name.to_owned()).or_insert_with(|| span.clone());
        }
    }
    for (name, _) in places.iter().filter(|(_, places)| places.len() == 1) {
        let others: Vec<&str> = places.keys().map(String::as_str).filter(|other| other != name).collect();
        let help = match vocabulary::nearest(name, others) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "give the same name to the matcher that has to stand for the same text".to_owned(),
        };
        let title = format!("nothing else is called `{name}`");
        problems.add(Diag::error(title).label(&first[name], "").help(help));
    }
}

/// All expected texts of a scenario.
fn expected(scenario: &Scenario) -> Vec<(&str, &Span)> {
    let mut texts = Vec::new();
    for session in scenario.sessions.iter().chain(scenario.instead.iter().flatten()) {
        for step in &session.steps {
            let lines = step.lines.iter().chain(step.wire.iter().flat_map(|wire| &wire.lines));
            texts.extend(lines.map(|line| (line.text.as_str(), &line.text_span)));
        }
        let lists = session.envelope.iter().flat_map(|list| &list.value).chain(&session.log);
        let delivered = session.delivered.iter().flat_map(|list| list.value.iter().flatten());
        texts.extend(lists.chain(delivered).map(|line| (line.value.as_str(), &line.span)));
    }
    let journal = scenario.dns.expect.iter().flat_map(|list| &list.value);
    texts.extend(journal.map(|line| (line.value.as_str(), &line.span)));
    texts
}
