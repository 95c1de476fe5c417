//! Several scenarios in one world: one milter that is started once, and one DNS server that has the zones of all.

use std::{collections::BTreeSet, sync::Arc};

use fake_dns::{FaultRule, LogEntry};
use zone::{Record, Store};

use crate::{
    diag::Diag,
    journal::Question,
    run::{Fatal, FatalKind, question},
    scenario::{Dns, Located, MilterSection, Unit, ZoneText},
};

/// The unit in whose world all can be played: what it hands to the milter, and the zones of all.
///
/// # Errors
/// They have several milters, another kind of DNS server, or hand different things to a milter that is started.
pub(super) fn together(first: &Unit, units: &[Unit], is_started: bool) -> Result<Unit, Diag> {
    for unit in units {
        check_milter(first, unit, is_started)?;
    }
    let mut scenario = (*first.scenario).clone();
    // One alone has its zone as it stands, in the order of its records.
    if units.len() > 1 {
        scenario.dns = joined(first, units);
    }
    Ok(Unit { scenario: Arc::new(scenario), profile: first.profile.clone() })
}

/// One milter is measured, started once.
fn check_milter(first: &Unit, unit: &Unit, is_started: bool) -> Result<(), Diag> {
    if !unit.scenario.more_milters.is_empty() {
        let title = "a load is put on one milter, and this scenario has several";
        return Err(Diag::error(title).label(&unit.scenario.name.span, "").help(APART));
    }
    if is_started && !hands_the_same(&first.scenario.milter, &unit.scenario.milter) {
        let title = "the scenarios hand different things to the milter, which is started once for all of them";
        return Err(both(title, first, unit));
    }
    if first.scenario.dns.mode != unit.scenario.dns.mode {
        let title = "the scenarios have different kinds of DNS servers";
        return Err(both(title, first, unit));
    }
    Ok(())
}

fn hands_the_same(one: &MilterSection, other: &MilterSection) -> bool {
    let args = |section: &MilterSection| section.args.iter().map(|arg| arg.value.clone()).collect::<Vec<_>>();
    let env = |section: &MilterSection| {
        section.env.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect::<Vec<_>>()
    };
    one.config == other.config && args(one) == args(other) && env(one) == env(other)
}

/// The zones and faults of all; what several have is there once.
fn joined(first: &Unit, units: &[Unit]) -> Dns {
    let (mut text, mut known) = (String::new(), BTreeSet::new());
    let mut faults: Vec<Located<String>> = Vec::new();
    for unit in units {
        let records: Vec<String> = unit.scenario.dns.records().map(|record| line(&record)).collect();
        text.extend(records.iter().filter(|record| !known.contains(*record)).map(|record| format!("{record}\n")));
        known.extend(records);
        for rule in &unit.scenario.dns.faults {
            if faults.iter().all(|known| known.value != rule.value) {
                faults.push(rule.clone());
            }
        }
    }
    let zones = vec![ZoneText { text, span: first.scenario.name.span.clone() }];
    Dns { zones, mode: first.scenario.dns.mode, faults, expect: None }
}

/// A record in the one spelling of its owner.
fn line(record: &Record) -> String {
    Record { owner: record.owner.to_lowercase(), ..record.clone() }.to_string()
}

/// Sees to it that the milter was told in the world of all what the unit's own would have told it.
///
/// # Errors
/// The first question that is answered otherwise.
pub(super) fn told_the_same(unit: &Unit, world: &Unit, asked: &[LogEntry]) -> Result<(), Fatal> {
    let store = |unit: &Unit| unit.scenario.dns.records().collect::<Store>();
    let (own, all, mode) = (store(unit), store(world), unit.scenario.dns.mode.into());
    let answer = |store: &Store, entry: &LogEntry| {
        let answer = store.lookup_in(&entry.name, entry.rtype, entry.class, mode);
        let mut records: Vec<String> = answer.records.iter().map(line).collect();
        records.sort();
        (answer.outcome, records)
    };
    let faults = |unit: &Unit, entry: &LogEntry| {
        let rules = unit.scenario.dns.faults.iter().filter_map(|rule| rule.parse::<FaultRule>().ok());
        rules.filter(|rule| rule.fits(&entry.name, entry.rtype, entry.transport)).count()
    };
    let is_other =
        |entry: &&LogEntry| answer(&own, entry) != answer(&all, entry) || faults(unit, entry) != faults(world, entry);
    let Some(entry) = asked.iter().find(is_other) else { return Ok(()) };
    let Question { question, answer } = question(entry);
    let text = format!("`{question}` has another answer where the scenarios are played together");
    let mut fatal = Fatal::new(FatalKind::Harness, text);
    fatal.notes.push(format!("asked for in {}: {}", unit.scenario.path().display(), unit.name()));
    fatal.notes.push(format!("the answer: {answer}"));
    fatal.help = Some(APART.into());
    Err(fatal)
}

/// Two scenarios that do not go together.
fn both(title: impl Into<String>, one: &Unit, other: &Unit) -> Diag {
    Diag::error(title).label(&one.scenario.name.span, "").label(&other.scenario.name.span, "").help(APART)
}

/// What to do where scenarios do not go together.
const APART: &str = "measure them apart: --filter TEXT picks scenarios by path or name";

#[cfg(test)]
mod tests {
    use fake_dns::{LoggedAnswer, Transport};
    use zone::{Class, RecordType};

    use super::*;
    use crate::{diag::Source, scenario};

    fn unit(dns: &str) -> Unit {
        let session = "[[session]]\nclient = \"192.0.2.1\"\ndialogue = \"\"\"\nC: QUIT\n\"\"\"\n";
        let text = format!("name = \"s\"\n[dns]\n{dns}\n{session}");
        let scenarios = scenario::parse(&Source::new("s.toml", text)).expect("a good scenario");
        scenario::units(&scenarios).remove(0)
    }

    fn asked(name: &str) -> LogEntry {
        LogEntry {
            seq: 0,
            transport: Transport::Udp,
            id: 1,
            name: name.parse().expect("a name"),
            rtype: RecordType::A,
            class: Class::IN,
            step: 0,
            repeat: false,
            fault: None,
            answer: LoggedAnswer::default(),
        }
    }

    #[test]
    fn what_the_milter_asks_has_the_answer_of_the_scenario_alone() {
        let one = unit("zone = '''\na.example. A 192.0.2.1\na.example. TXT x\nb.example. A 192.0.2.2\n'''");
        let two = unit("fault = [\"c.example A SERVFAIL\"]\nzone = '''\na.example. TXT x\nA.Example. A 192.0.2.1\n'''");
        let world = together(&one, &[one.clone(), two.clone()], true).expect("nothing is handed to the milter");
        let fails = |unit, name| told_the_same(unit, &world, &[asked(name)]).is_err();
        assert!(!fails(&one, "a.example") && !fails(&two, "a.example"), "the same records, each once");
        assert!(!fails(&one, "b.example") && fails(&two, "b.example"), "alone it has no such name");
        assert!(fails(&one, "c.example") && !fails(&two, "c.example"), "a fault of the other");
    }
}
