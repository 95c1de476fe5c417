//! Several scenarios in one world: one milter that is started once, and one DNS server that has the zones of all.

use std::{collections::BTreeMap, sync::Arc};

use zone::ParseOptions;

use crate::{
    diag::Diag,
    scenario::{Dns, Located, MilterSection, Unit, ZoneText},
};

/// The unit in whose world all can be played: what it hands to the milter, and the zones of all.
///
/// # Errors
/// They hand different things to the milter, or answer a DNS question differently.
pub(super) fn together(first: &Unit, units: &[Unit]) -> Result<Unit, Diag> {
    for unit in units {
        check_milter(first, unit)?;
    }
    let mut scenario = (*first.scenario).clone();
    // One alone has its zone as it stands, in the order of its records.
    if units.len() > 1 {
        scenario.dns = joined(first, units)?;
    }
    Ok(Unit { scenario: Arc::new(scenario), profile: first.profile.clone() })
}

/// One milter is measured, started once.
fn check_milter(first: &Unit, unit: &Unit) -> Result<(), Diag> {
    if !unit.scenario.more_milters.is_empty() {
        let title = "a load is put on one milter, and this scenario has several";
        return Err(Diag::error(title).label(&unit.scenario.name.span, "").help(APART));
    }
    if !hands_the_same(&first.scenario.milter, &unit.scenario.milter) {
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

/// The zones and faults of all, each once.
fn joined(first: &Unit, units: &[Unit]) -> Result<Dns, Diag> {
    let mut owners: BTreeMap<String, (&Unit, Vec<String>)> = BTreeMap::new();
    let mut faults: Vec<Located<String>> = Vec::new();
    for unit in units {
        for (name, records) in records(unit) {
            match owners.get(&name) {
                None => drop(owners.insert(name, (unit, records))),
                Some((_, known)) if *known == records => {}
                Some((owner, _)) => {
                    return Err(both(
                        format!("both scenarios have records of {name}, and not the same ones"),
                        owner,
                        unit,
                    ));
                }
            }
        }
        for rule in &unit.scenario.dns.faults {
            if faults.iter().all(|known| known.value != rule.value) {
                faults.push(rule.clone());
            }
        }
    }
    let text = owners.into_values().flat_map(|(_, records)| records).collect();
    let zones = vec![ZoneText { text, span: first.scenario.name.span.clone() }];
    Ok(Dns { zones, mode: first.scenario.dns.mode, faults, expect: None })
}

/// The records of a unit, a line each, by the name that has them.
fn records(unit: &Unit) -> BTreeMap<String, Vec<String>> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for zone in &unit.scenario.dns.zones {
        // A zone that cannot be read was told when the scenario was read.
        for record in zone::parse(&zone.text, &ParseOptions::default()).unwrap_or_default() {
            names.entry(record.owner.to_string().to_ascii_lowercase()).or_default().push(format!("{record}\n"));
        }
    }
    names
}

/// Two scenarios that do not go together.
fn both(title: impl Into<String>, one: &Unit, other: &Unit) -> Diag {
    Diag::error(title).label(&one.scenario.name.span, "").label(&other.scenario.name.span, "").help(APART)
}

/// What to do where scenarios do not go together.
const APART: &str = "measure them apart: --filter TEXT picks scenarios by path or name";
