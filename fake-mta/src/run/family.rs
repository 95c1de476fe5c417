//! Processes that a milter has started and that have left its process group, as daemons do. They are known by a mark in the
//! environment that they were started with, which `/proc` shows; where there is none, nobody is found.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill as signal},
    unistd::{Pid, getpgid},
};

/// The variable that holds the mark.
pub(super) const MARK: &str = "FAKE_MTA_FAMILY";

/// A mark that no other process has.
pub(super) fn mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{}{}.", root(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// What all marks of this program begin with, and those of no other.
fn root() -> String {
    format!("{}.", std::process::id())
}

/// How many have the mark and are in another process group than this one.
pub(super) fn beyond(mark: &str, group: Pid) -> usize {
    members(mark).into_iter().filter(|id| getpgid(Some(*id)).is_ok_and(|of| of != group)).count()
}

/// Kills all that have the mark.
pub(super) fn kill(mark: &str) {
    let mut killed = Vec::new();
    // One of them may start another while the list is made.
    for _ in 0..ROUNDS {
        let members: Vec<Pid> = members(mark).into_iter().filter(|id| !killed.contains(id)).collect();
        if members.is_empty() {
            break;
        }
        // It fails if the process is gone, which is what was wanted.
        for id in &members {
            let _ = signal(*id, Signal::SIGKILL);
        }
        killed.extend(members);
    }
}

/// Kills all that this program has started, and waits a moment until they are gone.
pub(super) fn kill_all() {
    for _ in 0..END_LOOKS {
        let members = members(&root());
        if members.is_empty() {
            break;
        }
        for id in members {
            let _ = signal(id, Signal::SIGKILL);
        }
        thread::sleep(END_PAUSE);
    }
}

/// Those whose mark begins so.
fn members(mark: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={mark}");
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    // That of a process which has ended and was not waited for is empty; that of others' processes cannot be read.
    let has_mark = |id: &i32| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable.starts_with(wanted.as_bytes()))
    };
    ids.filter(has_mark).map(Pid::from_raw).collect()
}

const ROUNDS: usize = 10;

/// So often it is looked whether those who were killed are gone, and between two looks there is so much time: a second in all.
const END_LOOKS: usize = 100;
const END_PAUSE: Duration = Duration::from_millis(10);
