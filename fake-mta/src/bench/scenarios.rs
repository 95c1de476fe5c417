//! The scenarios whose sessions are the load.

use std::{path::PathBuf, sync::Arc};

use super::together::together;
use crate::{
    diag::{self, Diag, Source},
    init::FIRST_SCENARIO,
    openspf,
    run::{self, find_scenarios},
    scenario::{self, ProfileName, Unit},
    suite,
};

/// What is played, and where.
#[derive(Debug)]
pub(super) struct Scenarios {
    /// Played one after the other while the load is recorded; there is at least one.
    pub(super) units: Vec<Unit>,
    /// The scenario of the world: what it hands to the milter, and the zones of all.
    pub(super) world: Unit,
}

/// Which runs of the scenarios are taken.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    /// Files, and folders with files; none stands for a short message.
    pub(super) paths: &'a [PathBuf],
    /// The profile; `None` is the first one of each scenario.
    pub(super) profile: Option<&'a ProfileName>,
    /// What has to stand in the path or the name.
    pub(super) filter: Option<&'a str>,
    /// Whether a milter is started for it, with what the scenarios hand to it.
    pub(super) is_started: bool,
}

impl Choice<'_> {
    /// Reads the scenarios.
    ///
    /// # Errors
    /// What is wrong in the files; scenarios of which none is left, or which cannot be played in one world.
    pub(super) fn read(&self) -> Result<Scenarios, Vec<Diag>> {
        let units: Vec<Unit> =
            self.sources()?.iter().map(|source| self.units(source)).collect::<Result<Vec<_>, _>>()?.concat();
        let Some(first) = units.first() else { return Err(vec![self.nothing_left()]) };
        let world = together(first, &units, self.is_started).map_err(|diag| vec![diag])?;
        Ok(Scenarios { units, world })
    }

    fn sources(&self) -> Result<Vec<Arc<Source>>, Vec<Diag>> {
        if self.paths.is_empty() {
            return Ok(vec![Source::new("a plain message", FIRST_SCENARIO)]);
        }
        let files = find_scenarios(self.paths)?;
        let read = |path: PathBuf| {
            let text = diag::read_named_text(&path, diag::MAX_TEXT_BYTES).map_err(|diag| vec![diag])?;
            Ok(Source::new(&path, text))
        };
        // The tests of an openspf suite are no scenarios: each has a world of its own.
        files.into_iter().filter(|path| !openspf::is_suite_file(path)).map(read).collect()
    }

    /// The runs of a file: each scenario, with each variant and case, in one profile.
    fn units(&self, source: &Arc<Source>) -> Result<Vec<Unit>, Vec<Diag>> {
        let mut units = scenario::units(&scenario::parse(source)?);
        units.retain(|unit| match self.profile {
            Some(profile) => unit.profile == *profile,
            None => unit.scenario.mta.profiles.first().is_none_or(|first| first.value == unit.profile),
        });
        units.retain(|unit| self.filter.is_none_or(|filter| run::is_named(unit, filter)));
        Ok(units)
    }

    fn nothing_left(&self) -> Diag {
        let mut limits = Vec::new();
        limits.extend(self.filter.map(|filter| format!("--filter {}", run::quoted(filter))));
        limits.extend(self.profile.map(|profile| format!("--profile {profile}")));
        let diag = Diag::error(match limits.is_empty() {
            true => "there is no scenario to record a load from".to_owned(),
            false => format!("no scenario has a run that fits {}", limits.join(" and ")),
        });
        diag.help("`fake-mta list` shows the runs; the tests of openspf suites are none of them")
    }
}

impl Scenarios {
    /// The suite file beside the scenarios, for a load that names no milter.
    ///
    /// # Errors
    /// There is none, or not the same for all of them.
    pub(super) fn suite_file(&self) -> Result<PathBuf, Diag> {
        let of = |unit: &Unit| suite::find(unit.scenario.path());
        let found = self.units.first().and_then(of).ok_or_else(no_milter)?;
        let same = |path: &PathBuf| path.canonicalize().ok() == found.canonicalize().ok();
        match self.units.iter().find(|unit| !of(unit).as_ref().is_some_and(same)) {
            Some(other) => Err(Diag::error(format!(
                "{} belongs to another milter than {}",
                diag::shown(other.scenario.path()),
                diag::shown(self.units[0].scenario.path())
            ))
            .help(NAME_ONE)),
            None => Ok(found),
        }
    }

    /// The name of the load: that of the scenario if it is one.
    pub(super) fn name(&self) -> String {
        match &self.units[..] {
            [unit] => unit.name(),
            units => format!("{} scenarios", units.len()),
        }
    }
}

/// Nobody says what is to be measured.
pub(super) fn no_milter() -> Diag {
    Diag::error("no milter to measure").help(NAME_ONE)
}

/// What to do where no milter is named.
const NAME_ONE: &str = "name one with --milter ADDR, --command 'PROGRAM {listen}' or --suite fake-mta.toml";
