//! Processes that a milter has started and that have left its process group, as daemons do. They are known by a mark in the
//! environment that they were started with, which `/proc` shows; where there is none, nobody is found.

#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill as signal},
    unistd::{Pid, getpgid},
};
#[cfg(target_os = "linux")]
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{PidfdFlags, pidfd_open},
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

/// Kills all that have the mark, and waits until they are gone: one that is not could still write into a folder that is removed, or
/// take a connection that is meant for the next one.
pub(super) fn kill(mark: &str) {
    let deadline = Instant::now() + END_LIMIT;
    // One of them may start another while the list is made.
    for _ in 0..ROUNDS {
        let members = members(mark);
        if members.is_empty() {
            break;
        }
        // The handles are taken before: afterwards an id may be another process's.
        let ends: Vec<End> = members.iter().map(|id| End::of(*id)).collect();
        // It fails if the process is gone, which is what was wanted.
        for id in &members {
            let _ = signal(*id, Signal::SIGKILL);
        }
        ends.iter().for_each(|end| end.wait(deadline));
    }
}

/// The same for all that this program has started.
pub(super) fn kill_all() {
    kill(&root());
}

/// What tells that a process has ended, be it a child of ours or not.
#[cfg(target_os = "linux")]
struct End(Option<OwnedFd>);

#[cfg(target_os = "linux")]
impl End {
    /// Nothing if the process has ended already.
    fn of(id: Pid) -> Self {
        let id = rustix::process::Pid::from_raw(id.as_raw());
        Self(id.and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok()))
    }

    /// Waits for it, but not beyond the deadline.
    fn wait(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        if let (Some(handle), Ok(left)) = (&self.0, Timespec::try_from(left)) {
            // An error leaves the wait out, and nothing else.
            let _ = poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&left));
        }
    }
}

/// Elsewhere there is no `/proc`, and nobody is found.
#[cfg(not(target_os = "linux"))]
struct End;

#[cfg(not(target_os = "linux"))]
impl End {
    fn of(_: Pid) -> Self {
        Self
    }

    fn wait(&self, _: Instant) {}
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

/// How long those who were killed are waited for: one that hangs in the kernel may take for ever.
const END_LIMIT: Duration = Duration::from_secs(1);
