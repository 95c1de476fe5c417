//! The milters, started, and the load put on them in turns.

use std::{collections::BTreeSet, path::Path, pin::pin, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    load::{Shape, load},
    record::{Recording, record},
    report::{Figures, Outcome, Scenario},
    scenarios::Scenarios,
    stats::Stats,
};
use crate::{
    run::{Cancel, Fatal, FatalKind, World, WorldOptions, build_one, explain},
    scenario::Unit,
    under_test::Origin,
};

/// Starts the milters, records the load with each, and puts it on them, round by round.
///
/// # Errors
/// A milter does not start, or takes the scenario so that there is nothing to send. What breaks off later is told in the outcome.
pub(super) async fn measure(
    scenarios: &Scenarios,
    shape: Shape,
    rounds: u32,
    origins: &[(String, Origin)],
    bin: &Path,
    cancel: &Cancel,
) -> Result<Outcome, Fatal> {
    let mut milters = Vec::new();
    for (_, origin) in origins {
        let prepared = cancel.or(Prepared::new(scenarios, origin, bin, cancel)).await;
        milters.push(prepared.unwrap_or_else(|| Err(interrupted()))?);
    }
    if shape.ahead > 0 && !milters.iter().all(Prepared::is_answered) {
        return Err(Fatal::new(FatalKind::Harness, "the milter answers nothing: messages cannot be sent ahead"));
    }
    let mut figures: Vec<_> =
        origins.iter().zip(&milters).map(|((name, _), milter)| Figures::new(name, milter.cut_short())).collect();
    // One alone has nobody to take turns with.
    let rounds = if milters.len() == 1 { 1 } else { rounds };
    let broken_off = take_turns(&mut milters, &mut figures, shape.share(rounds), rounds, cancel).await;
    for milter in milters {
        milter.world.stop().await;
    }
    let played = |unit: &Unit| Scenario { name: unit.name(), profile: unit.profile.to_string() };
    let played = scenarios.units.iter().map(played).collect();
    Ok(Outcome { name: scenarios.name(), scenarios: played, shape, milters: figures, broken_off })
}

/// Says why it broke off, if it did.
async fn take_turns(
    milters: &mut [Prepared],
    figures: &mut [Figures],
    shape: Shape,
    rounds: u32,
    cancel: &Cancel,
) -> Option<Fatal> {
    for _ in 0..rounds {
        for (milter, figures) in milters.iter_mut().zip(&mut *figures) {
            let (stats, broken_off) = milter.put_on(shape, cancel).await;
            figures.add(&stats);
            if broken_off.is_some() {
                return broken_off;
            }
        }
    }
    None
}

/// A milter that runs, and what is sent to it.
struct Prepared {
    world: World,
    recordings: Arc<[Recording]>,
}

impl Prepared {
    async fn new(scenarios: &Scenarios, origin: &Origin, bin: &Path, cancel: &Cancel) -> Result<Self, Fatal> {
        let (suite, running, bin) = match origin {
            Origin::Running(addr) => (None, vec![addr.clone()], bin.to_owned()),
            Origin::Started(suite) => (Some(Arc::clone(suite)), Vec::new(), build_one(suite, bin, cancel).await?),
        };
        let options = WorldOptions { suite, running, dns: None, bin, keep: false };
        let mut world = World::start(&scenarios.world, &options, cancel).await?;
        match record(scenarios, &world).await {
            Ok(recordings) => Ok(Self { world, recordings }),
            Err(mut fatal) => {
                explain(&mut fatal, &mut world).await;
                Err(fatal)
            }
        }
    }

    /// Which sessions of the load have no end of a message, in words.
    fn cut_short(&self) -> Option<String> {
        let stages: BTreeSet<_> = self.recordings.iter().filter_map(Recording::cut_short).collect();
        let count = self.recordings.iter().filter(|recording| recording.cut_short().is_some()).count();
        let stages = stages.into_iter().collect::<Vec<_>>().join(", ");
        (count > 0).then(|| {
            format!(
                "the milter had its verdict before the end of the message in {count} of {} sessions: at {stages}",
                self.recordings.len()
            )
        })
    }

    fn is_answered(&self) -> bool {
        self.recordings.iter().all(|recording| recording.train.is_answered())
    }

    /// Puts the load on until it is over, somebody stops it, or the milter ends.
    async fn put_on(&mut self, shape: Shape, cancel: &Cancel) -> (Stats, Option<Fatal>) {
        let (stop, milter, recordings) = (Cancel::new(), self.world.milter().clone(), Arc::clone(&self.recordings));
        let mut load = pin!(load(&milter, &recordings, shape, &stop));
        let why = tokio::select! {
            biased;
            stats = &mut load => {
                let ended = if stats.errors > 0 { self.late_end().await } else { None };
                return (stats, ended);
            }
            () = cancel.cancelled() => interrupted(),
            fatal = self.world.until_milter_ends() => fatal,
        };
        stop.cancel();
        (load.await, Some(why))
    }

    /// How the milter ended, if it has: its connections break a moment before.
    async fn late_end(&mut self) -> Option<Fatal> {
        timeout(END_LIMIT, self.world.until_milter_ends()).await.ok()
    }
}

fn interrupted() -> Fatal {
    Fatal::new(FatalKind::Cancelled, "interrupted")
}

/// How long a milter whose connections broke may take to end.
const END_LIMIT: Duration = Duration::from_millis(500);
