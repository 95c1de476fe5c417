//! What a process holds, as `/proc` tells.

use std::fs;

/// What the processes of a milter hold together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Open file descriptors.
    pub(super) descriptors: u64,
    /// Threads; a process that has ended and that nobody has waited for counts as one.
    pub(super) threads: u64,
    /// Memory that is really there, in KiB.
    pub(super) resident_kib: u64,
}

/// What a process and those that it started hold; `None` where the system does not tell.
pub(super) fn usage(pid: u32) -> Option<Usage> {
    let mut total = Usage::default();
    for pid in family(pid) {
        let Some(one) = usage_of(pid) else { continue };
        total.descriptors += one.descriptors;
        total.threads += one.threads;
        total.resident_kib += one.resident_kib;
    }
    (total.threads > 0).then_some(total)
}

fn usage_of(pid: u32) -> Option<Usage> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let number = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    if status.lines().any(|line| line.starts_with("State:") && line.contains(ENDED)) {
        return Some(Usage { threads: 1, ..Usage::default() });
    }
    Some(Usage {
        descriptors: u64::try_from(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count()).ok()?,
        threads: number("Threads:")?,
        resident_kib: number("VmRSS:").unwrap_or(0),
    })
}

/// A process and all below it.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(parent) = all.get(next).copied() {
        next += 1;
        let Ok(children) = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")) else { continue };
        all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()).take(MAX_PROCESSES));
        all.truncate(MAX_PROCESSES);
    }
    all
}

/// The state of a process that has ended and that nobody has waited for.
const ENDED: &str = "zombie";

/// As many as a system has room for as a rule: one that waits for none of its children has thousands, and they are to be seen to grow.
const MAX_PROCESSES: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_can_look_at_itself() {
        let usage = usage(std::process::id()).expect("there is a /proc");
        assert!(usage.descriptors > 0 && usage.threads > 0 && usage.resident_kib > 0, "{usage:?}");
    }

    #[test]
    fn a_process_that_nobody_has_waited_for_still_takes_a_place() {
        let mut child = std::process::Command::new("true").spawn().expect("it starts");
        let state = || fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it is not waited for");
        while !state().contains(ENDED) {
            std::thread::yield_now();
        }
        assert_eq!(usage_of(child.id()), Some(Usage { threads: 1, ..Usage::default() }));
        child.wait().expect("it has ended");
    }

    #[test]
    fn a_process_that_is_not_there_holds_nothing() {
        assert_eq!(usage(u32::MAX), None);
    }
}
