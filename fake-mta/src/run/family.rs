//! Processes that a milter has started and that have left its process group, as daemons do. They are known by a mark in the
//! environment that they were started with, which `/proc` shows; where there is none, nobody is found.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
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
    format!("{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
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

fn members(mark: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={mark}");
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    // That of a process which has ended and was not waited for is empty; that of others' processes cannot be read.
    let has_mark = |id: &i32| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    ids.filter(has_mark).map(Pid::from_raw).collect()
}

const ROUNDS: usize = 10;
