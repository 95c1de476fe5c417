//! The fake MTA's run of a unit.

use std::sync::Arc;

use fake_mta::run::{Cancel, Played, Player as _, ScriptedPlayer, World, WorldOptions};
use libtest_mimic::Failed;

use crate::{
    milter,
    record::{Record, SessionRecord},
    units::Comparison,
};

/// Plays the unit against its milter through the fake MTA.
pub(crate) fn play(comparison: &Comparison) -> Result<Record, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let played = runtime.block_on(play_in_world(comparison));
    match &played.fatal {
        Some(fatal) => Err(Failed::from(format!("the fake MTA broke off: {}\n{}", fatal.text, fatal.notes.join("\n")))),
        None => Ok(record(played)),
    }
}

async fn play_in_world(comparison: &Comparison) -> Played {
    let options = WorldOptions {
        suite: Some(Arc::clone(&comparison.suite)),
        running: Vec::new(),
        dns: None,
        bin: milter::bin_dir().to_owned(),
        keep: false,
    };
    let cancel = Cancel::new();
    let mut world = match World::start(&comparison.unit, &options, &cancel).await {
        Ok(world) => world,
        Err(fatal) => return Played { fatal: Some(fatal), ..Played::default() },
    };
    let mut played = ScriptedPlayer.play(&comparison.unit, &mut world, &cancel).await;
    let ended = world.stop().await;
    played.fatal = played.fatal.or(ended);
    played
}

fn record(played: Played) -> Record {
    let sessions = played.sessions.into_iter().map(|session| SessionRecord {
        steps: session.steps.into_iter().map(|step| step.replies).collect(),
        envelope: session.envelope,
        delivered: session.delivered,
    });
    Record {
        sessions: sessions.collect(),
        held: played.transcript.lines().filter(|line| line.starts_with("held: ") || *line == "held:").count(),
        notes: played.transcript,
    }
}
