//! Playing a unit, and the judgement of it.

use std::{fmt::Write as _, sync::Arc};

use fake_mta::{
    run::{Cancel, Fatal, Played, Player as _, ScriptedPlayer, World, WorldOptions},
    scenario::{Mismatch, compare},
};
use libtest_mimic::Failed;

use crate::{collect::Entry, milter, snapshots};

/// Plays the unit in a world of its own. Its expectations must hold, then its transcript must be that of the snapshot.
pub(crate) fn play_and_judge(entry: &Entry) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let played = runtime.block_on(play(entry));
    let mismatches = compare(&entry.unit, &played.sessions, &played.journal);
    if played.fatal.is_some() || !mismatches.is_empty() {
        return Err(Failed::from(report(&played, &mismatches)));
    }
    snapshots::assert(entry, &played.transcript);
    Ok(())
}

async fn play(entry: &Entry) -> Played {
    let options = WorldOptions {
        suite: Some(Arc::clone(&entry.suite)),
        running: Vec::new(),
        dns: None,
        bin: milter::bin_dir().to_owned(),
        keep: false,
    };
    let cancel = Cancel::new();
    let mut world = match World::start(&entry.unit, &options, &cancel).await {
        Ok(world) => world,
        Err(fatal) => return Played { fatal: Some(fatal), ..Played::default() },
    };
    let mut played = ScriptedPlayer.play(&entry.unit, &mut world, &cancel).await;
    let ended = world.stop().await;
    played.fatal = played.fatal.or(ended);
    played
}

/// What is wrong, and all that happened.
fn report(played: &Played, mismatches: &[Mismatch]) -> String {
    let mut text = String::new();
    for mismatch in mismatches {
        let nothing = || "nothing".to_owned();
        let expected = mismatch.expected.clone().unwrap_or_else(nothing);
        let got = mismatch.got.clone().unwrap_or_else(nothing);
        writeln!(text, "{}\n  expected: {expected}\n  came:     {got}", mismatch.span).expect("a String takes all");
    }
    if let Some(Fatal { text: reason, notes, .. }) = &played.fatal {
        writeln!(text, "broken off: {reason}\n{}", notes.join("\n")).expect("a String takes all");
    }
    format!("{text}\n{}\nDNS log:\n  {}\n", played.transcript, played.dns_log.join("\n  "))
}
