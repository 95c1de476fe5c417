//! The limit of open files.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit as far as that is allowed; returns what it is then.
///
/// The usual soft limit of 1024 is there for programs that use select(2), which is not done here.
pub(super) fn raise_limit() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return USUAL };
    let wanted = hard.min(ENOUGH).max(soft);
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() { wanted } else { soft }
}

/// How many connections there is room for, when each may need a socket for a question to the DNS as well.
pub(super) fn connections_max(open_files: u64) -> usize {
    usize::try_from(open_files.saturating_sub(OTHERS) / 2).unwrap_or(usize::MAX).max(1)
}

/// The usual soft limit.
const USUAL: u64 = 1024;

/// More than that is never needed.
const ENOUGH: u64 = 1024 * 1024;

/// Log, listeners, signals, the runtime's own, those who are turned away, those who read metrics.
const OTHERS: u64 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_the_dns() {
        assert_eq!(connections_max(1024), 448);
        assert_eq!(connections_max(65_536), 32_704);
        assert_eq!(connections_max(0), 1);
    }
}
