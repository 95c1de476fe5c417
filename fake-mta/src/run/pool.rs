//! Several units at once, with results in the order of the plan.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    Cancel, Fatal, FatalKind, Keep, Options, Played, Player, Rounds, UnitResult, Warning, World, WorldOptions,
    difference, hint,
    kept::Kept,
    plan::{Plan, Planned},
    quoted,
};
use crate::{
    openspf,
    scenario::{Mismatch, Subject, Unit, compare, compare_instead},
    suite::ProcessScope,
};

/// Runs all units and calls `each` with their results: `done` as they end, in any order, `each` in the order of the plan.
pub(super) async fn run_units(
    plan: &Plan,
    options: &Options,
    player: Arc<impl Player>,
    cancel: &Cancel,
    kept: &Kept,
    mut done: impl FnMut(&UnitResult, bool),
) -> Vec<UnitResult> {
    let permits = Arc::new(Semaphore::new(jobs(options)));
    let mut tasks = JoinSet::new();
    let ways = Ways { strict: options.strict, keep: options.keep, kept: kept.clone() };
    let mut first = 0;
    for group in plan.units.chunk_by(share_world) {
        let (permits, player, cancel) = (Arc::clone(&permits), Arc::clone(&player), cancel.clone());
        let (world, group, index) = (world_options(&group[0], plan, options), group.to_vec(), first);
        let ways = ways.clone();
        first += group.len();
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            (index, run_group(group, &world, player.as_ref(), &cancel, &ways).await)
        });
    }
    let mut results = Vec::new();
    let mut waiting = BTreeMap::new();
    while let Some(joined) = tasks.join_next().await {
        let (index, ended) = joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        ended.iter().for_each(|result| done(result, false));
        waiting.insert(index, ended);
        while let Some(mut next) = waiting.remove(&results.len()) {
            for result in &mut next {
                if let Some(compared) = difference::find(&results, result) {
                    result.is_compared = true;
                    result.difference = compared.difference;
                    result.milter_differs = compared.milter_differs;
                }
            }
            next.iter().for_each(|result| done(result, true));
            results.extend(next);
        }
    }
    results
}

/// What holds for all units of a run.
#[derive(Clone)]
struct Ways {
    strict: bool,
    keep: Keep,
    kept: Kept,
}

/// Each scenario has a world of its own; the tests of one document of an openspf suite share theirs.
fn share_world(one: &Planned, other: &Planned) -> bool {
    match (&one.openspf, &other.openspf) {
        (Some(one), Some(other)) => one.shares_world_with(other),
        (None, None) => share_milter(one, other),
        _ => false,
    }
}

/// A suite may have one process for all scenarios that hand it nothing of their own.
fn share_milter(one: &Planned, other: &Planned) -> bool {
    let (Some(suite), Some(same)) = (&one.suite, &other.suite) else { return false };
    let is_plain = |planned: &Planned| {
        let section = &planned.unit.scenario.milter;
        let is_alone = planned.unit.scenario.more_milters.is_empty();
        is_alone && section.config.is_none() && section.args.is_empty() && section.env.is_empty()
    };
    suite.process == ProcessScope::Suite && Arc::ptr_eq(suite, same) && is_plain(one) && is_plain(other)
}

/// A milter or a DNS server at a fixed address serves one unit at a time.
fn jobs(options: &Options) -> usize {
    if !options.milters.is_empty() || options.dns.is_some() { 1 } else { options.jobs.max(1) }
}

fn world_options(planned: &Planned, plan: &Plan, options: &Options) -> WorldOptions {
    let own = planned.suite.as_ref().and_then(|suite| plan.bins.get(suite.source.path()));
    WorldOptions {
        suite: planned.suite.clone(),
        running: options.milters.clone(),
        dns: plan.dns.clone(),
        bin: own.unwrap_or(&options.bin).clone(),
        keep: options.keep != Keep::Nothing,
    }
}

/// Has the units of one world played, one after the other, and judges them.
async fn run_group(
    group: Vec<Planned>,
    options: &WorldOptions,
    player: &impl Player,
    cancel: &Cancel,
    ways: &Ways,
) -> Vec<UnitResult> {
    let mut stage = Stage { options, cancel, world: None, failed: None };
    let mut results = Vec::new();
    let last = group.len().saturating_sub(1);
    for (index, planned) in group.into_iter().enumerate() {
        let began = Instant::now();
        let mut played = match planned.openspf.as_ref().and_then(|case| case.skipped()) {
            Some(reason) => Played { skipped: Some(reason.to_owned()), ..Played::default() },
            None => stage.play(&planned, player).await,
        };
        // The next unit gets a milter that is whole.
        if index == last || played.fatal.is_some() {
            let ended = stage.end(&planned.unit, ways).await;
            // What broke first is what is told.
            played.fatal = played.fatal.or(ended);
        }
        results.push(judged(planned, played, began, options, ways.strict));
    }
    results
}

fn judged(planned: Planned, mut played: Played, began: Instant, options: &WorldOptions, strict: bool) -> UnitResult {
    let Planned { unit, openspf, .. } = planned;
    let mismatches = match &openspf {
        Some(case) => openspf::judge(case, &mut played),
        None => expectations(&unit, &mut played),
    };
    let mut rerun = rerun(&unit, options);
    rerun.extend(openspf.and_then(|case| case.rerun_option()));
    let warnings = Warning::of(&unit, &played.sessions);
    let is_failed = !mismatches.is_empty() || played.fatal.is_some();
    let hint = if is_failed { hint::asked_nothing(&unit, &mismatches, &played, options) } else { None };
    UnitResult {
        elapsed: began.elapsed(),
        unit,
        played,
        mismatches,
        warnings,
        hint,
        difference: None,
        milter_differs: Vec::new(),
        is_compared: false,
        strict,
        rerun,
        rounds: Rounds::default(),
    }
}

/// What is not as the scenario says. What comes in the step in which a run breaks off follows from that, and is not compared.
pub(super) fn expectations(unit: &Unit, played: &mut Played) -> Vec<Mismatch> {
    let mut mismatches = compare(unit, &played.sessions, &played.journal);
    if let Some(end) = played.fatal.as_ref().and_then(|fatal| fatal.at) {
        mismatches.retain(|mismatch| mismatch.at.is_some_and(|at| at < end));
    }
    without_known(unit, mismatches, played)
}

/// A deviation that the scenario knows of is no failure; but another one is, and one that is not there any more.
fn without_known(unit: &Unit, mismatches: Vec<Mismatch>, played: &mut Played) -> Vec<Mismatch> {
    let Some(known) = unit.scenario.known_deviation(&unit.profile).filter(|_| played.fatal.is_none()) else {
        return mismatches;
    };
    let told = |subject| {
        let (span, expected) = (known.span.clone(), Some(known.value.clone()));
        Mismatch { subject, at: None, span, expected, got: None }
    };
    if mismatches.is_empty() {
        return vec![told(Subject::KnownDeviation)];
    }
    let others = compare_instead(unit, &played.sessions, &played.journal);
    if !others.is_empty() {
        return [vec![told(Subject::OtherDeviation)], others].concat();
    }
    played.known_deviation = Some(known.value.clone());
    Vec::new()
}

/// The command that runs a unit alone.
fn rerun(unit: &Unit, options: &WorldOptions) -> String {
    let path = unit.scenario.path().to_string_lossy();
    let (path, name) = (quoted(&path), quoted(&unit.name()));
    let mut command = format!("fake-mta run {path} --filter {name} --profile {}", unit.profile);
    for milter in &options.running {
        command += &format!(" --milter {}", quoted(&milter.to_string()));
    }
    if let Some(dns) = &options.dns {
        command += &format!(" --dns {}", dns.addr);
    }
    command
}

/// The world of a group: started when the first unit needs it.
struct Stage<'a> {
    options: &'a WorldOptions,
    cancel: &'a Cancel,
    world: Option<World>,
    /// Why there is none. It is not tried again.
    failed: Option<Fatal>,
}

impl Stage<'_> {
    async fn play(&mut self, planned: &Planned, player: &impl Player) -> Played {
        let unit = &planned.unit;
        if self.cancel.is_cancelled() {
            return broken_off(Fatal::new(FatalKind::Cancelled, "stopped before it began"));
        }
        let cancel = self.cancel;
        let world = match self.world(planned).await {
            Ok(world) => world,
            Err(fatal) => return broken_off(fatal),
        };
        let playing = tokio::time::timeout(UNIT_LIMIT, player.play(unit, world, cancel)).await;
        playing.unwrap_or_else(|_| {
            let limit = super::duration_text(UNIT_LIMIT);
            broken_off(Fatal::new(FatalKind::Timeout, format!("the scenario did not end within {limit}")))
        })
    }

    async fn world(&mut self, planned: &Planned) -> Result<&mut World, Fatal> {
        if let Some(fatal) = &self.failed {
            return Err(fatal.clone());
        }
        match &mut self.world {
            // The tests of an openspf document have one zone too.
            Some(world) if planned.openspf.is_none() => world.serve(&planned.unit).await?,
            Some(_) => {}
            None => {
                let started = World::start(&planned.unit, self.options, self.cancel).await;
                self.world = Some(started.inspect_err(|fatal| self.failed = Some(fatal.clone()))?);
            }
        }
        Ok(self.world.as_mut().expect("it was started just now"))
    }

    async fn end(&mut self, unit: &Unit, ways: &Ways) -> Option<Fatal> {
        let world = ways.kept.take(unit.name(), self.world.take()?, ways.keep)?;
        world.stop().await
    }
}

fn broken_off(fatal: Fatal) -> Played {
    Played { fatal: Some(fatal), ..Played::default() }
}

/// Every wait inside has its own, shorter limit; this one is for what was forgotten.
const UNIT_LIMIT: Duration = Duration::from_mins(10);
