//! Worlds that stay up after their runs, so that somebody can look at them.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Cancel, Console, Keep, World};

/// The worlds of all runs so far that are kept. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<Mutex<Vec<One>>>);

#[derive(Debug)]
struct One {
    /// The run that was played in it last.
    name: String,
    description: Vec<String>,
    world: Option<World>,
}

impl Kept {
    /// Takes the world of a run that has ended; gives back what is to be stopped.
    pub(super) fn take(&self, name: String, world: World, keep: Keep) -> Option<World> {
        let description = match keep {
            Keep::Nothing => return Some(world),
            Keep::Folder => vec![format!("folder: {}", world.dir().display())],
            Keep::World => world.description(),
        };
        let (kept, rest) = if keep == Keep::World { (Some(world), None) } else { (None, Some(world)) };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(One { name, description, world: kept });
        rest
    }

    /// Says where everything is, waits for Ctrl-C if anything is still up, and stops it.
    pub(super) async fn show(&self, cancel: &Cancel, console: &mut Console) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for one in &all {
            let lines: String =
                one.description.iter().map(|line| format!("  {}\n", crate::diag::escape(line))).collect();
            console.results(&format!("kept of {}:\n{lines}", crate::diag::escape(&one.name)));
        }
        let worlds: Vec<World> = all.into_iter().filter_map(|one| one.world).collect();
        if worlds.is_empty() {
            return;
        }
        console.message("they are up; Ctrl-C ends them\n");
        cancel.cancelled().await;
        for world in worlds {
            world.discard().await;
        }
    }
}
