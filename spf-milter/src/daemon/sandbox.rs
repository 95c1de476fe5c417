//! Landlock: the kernel takes away what the daemon does not need of the file system.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
    RulesetStatus, make_bitflags, path_beneath_rules,
};
use milter::ListenAddr;

use crate::config::Config;

/// What came of it, to be told once there is a log.
pub(super) enum Sandbox {
    Entered(RulesetStatus),
    Failed(RulesetError),
    NotWanted,
}

impl Sandbox {
    /// Writes it into the log.
    pub(super) fn tell(&self) {
        match self {
            Self::Entered(RulesetStatus::FullyEnforced) => tracing::info!("landlock: files can be read, not written"),
            Self::Entered(RulesetStatus::PartiallyEnforced) => {
                tracing::info!("landlock: files can be read, not written, as far as this kernel can see to it");
            }
            Self::Entered(RulesetStatus::NotEnforced) => tracing::info!("landlock: this kernel has none"),
            Self::Failed(error) => tracing::warn!("landlock: not in force: {error}"),
            Self::NotWanted => {}
        }
    }
}

/// From here on this thread, and those that it starts, can read files and do nothing else with them: neither write nor
/// make nor run them. Reading stays, as a reload may name lists anywhere. What a stop removes can be removed.
pub(super) fn enter(config: &Config) -> Sandbox {
    if !config.service.process.landlock {
        return Sandbox::NotWanted;
    }
    restrict(&removable(config)).map_or_else(Sandbox::Failed, Sandbox::Entered)
}

fn restrict(removable: &[PathBuf]) -> Result<RulesetStatus, RulesetError> {
    let reading: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let removing: BitFlags<AccessFs> = make_bitflags!(AccessFs::{RemoveFile | WriteFile | Truncate});
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(["/"], reading))?
        .add_rules(path_beneath_rules(removable, removing))?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// The folders of sockets and pid file.
fn removable(config: &Config) -> Vec<PathBuf> {
    let service = &config.service;
    let sockets = [Some(&config.listen), service.metrics.as_ref()].into_iter().flatten();
    let sockets = sockets.filter_map(|address| match address {
        ListenAddr::Unix(path) => path.parent(),
        ListenAddr::Inet { .. } | ListenAddr::Inet6 { .. } => None,
    });
    let pid_file = service.process.pid_file.as_deref().and_then(Path::parent);
    sockets.chain(pid_file).map(Path::to_owned).collect()
}

/// The newest form of Landlock that this was written for; older kernels do what they can.
const NEWEST: ABI = ABI::V5;

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::ErrorKind;

    use super::*;

    /// In a thread of its own: there is no way out again.
    #[test]
    fn what_landlock_takes_away_stays_away() {
        let (kept, taken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = [kept.path().join("file"), taken.path().join("file")];
        files.iter().for_each(|file| fs::write(file, "text").unwrap());
        let folder = kept.path().to_owned();
        let confined = std::thread::spawn(move || {
            let status = restrict(&[folder]).unwrap();
            if status == RulesetStatus::NotEnforced {
                return;
            }
            let denied = |outcome: std::io::Result<()>| outcome.unwrap_err().kind() == ErrorKind::PermissionDenied;
            assert_eq!(fs::read_to_string(&files[1]).unwrap(), "text");
            assert!(denied(File::options().write(true).open(&files[1]).map(drop)));
            assert!(denied(fs::remove_file(&files[1])));
            assert!(denied(File::create(files[1].with_extension("new")).map(drop)));
            assert!(denied(File::create(files[0].with_extension("new")).map(drop)));
            assert!(std::process::Command::new("/bin/true").status().is_err());
            fs::remove_file(&files[0]).unwrap();
        });
        confined.join().unwrap();
    }
}
