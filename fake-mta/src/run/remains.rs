//! What has to go with this program even if it ends at once: the processes that it has started, and its temporary folders.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::process::{Child, Command};

use super::family;

/// Kills what was started and removes the folders. Nothing can be started afterwards: the program has to end.
pub(crate) fn remove_all() {
    let remains = lock();
    for group in &remains.groups {
        let _ = killpg(*group, Signal::SIGKILL);
    }
    family::kill_all();
    for folder in &remains.folders {
        // It fails if the folder is gone, which is what was wanted.
        let _ = fs::remove_dir_all(folder);
    }
    std::mem::forget(remains);
}

/// Starts a process that leads a group of its own.
pub(super) fn spawn(command: &mut Command) -> io::Result<(Child, Group)> {
    // Held over the start: else the process could come up just behind the look of `remove_all`.
    let mut remains = lock();
    let child = command.spawn()?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let group = group.ok_or_else(|| io::Error::other("the process ended before it began"))?;
    remains.groups.insert(group);
    Ok((child, Group(group)))
}

/// A process group that goes with the program, until this is dropped.
#[derive(Debug)]
pub(super) struct Group(Pid);

impl Group {
    pub(super) fn id(&self) -> Pid {
        self.0
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        lock().groups.remove(&self.0);
    }
}

/// A folder that goes with the program, until this is dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        lock().folders.insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        lock().folders.remove(&self.0);
    }
}

struct Remains {
    groups: BTreeSet<Pid>,
    folders: BTreeSet<PathBuf>,
}

static REMAINS: Mutex<Remains> = Mutex::new(Remains { groups: BTreeSet::new(), folders: BTreeSet::new() });

fn lock() -> MutexGuard<'static, Remains> {
    // Whoever panicked with it has left sets that are still good.
    REMAINS.lock().unwrap_or_else(PoisonError::into_inner)
}
