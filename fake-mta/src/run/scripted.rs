//! The player of scenarios against real milters.

use std::sync::Arc;

use super::{
    Cancel, Fatal, FatalKind, MilterAddr, Played, Player, World,
    player::{self, Stage},
};
use crate::scenario::Unit;

/// Plays scenarios through the fake MTA over real sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScriptedPlayer;

impl Player for ScriptedPlayer {
    async fn play(&self, unit: &Unit, world: &mut World, cancel: &Cancel) -> Played {
        let stage = Stage { milters: world.milters().to_vec(), dns: Some(Arc::clone(world.dns())) };
        let Some(mut played) = cancel.or(player::play(unit, &stage)).await else {
            return Played { fatal: Some(Fatal::new(FatalKind::Cancelled, "stopped")), ..Played::default() };
        };
        if let Some(fatal) = &mut played.fatal {
            explain(fatal, world).await;
        }
        played
    }
}

/// Plays a unit against a milter that runs already, without a DNS server of its own.
pub(crate) async fn play_unit(unit: &Unit, milter: &MilterAddr) -> Played {
    player::play(unit, &Stage { milters: vec![milter.clone()], dns: None }).await
}

/// A connection that broke tells little; how the milter ended, and what it wrote, tells more.
pub(crate) async fn explain(fatal: &mut Fatal, world: &mut World) {
    if fatal.kind == FatalKind::Cancelled {
        return;
    }
    let end = match fatal.kind {
        FatalKind::Milter => world.milter_end().await,
        _ => None,
    };
    match end {
        Some(end) => {
            fatal.notes.push(end.text);
            fatal.notes.extend(end.notes);
        }
        None => {
            let lines = world.milter_output().await;
            if !lines.is_empty() {
                fatal.notes.push(format!("the milter's last lines:\n  {}", lines.join("\n  ")));
            }
        }
    }
}
