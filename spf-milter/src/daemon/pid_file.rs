//! The file that holds the number of the process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// The file; it is locked as long as the process lives, so that one that a dead process left is no obstacle.
pub(super) struct PidFile {
    path: PathBuf,
    /// Holds the lock.
    file: File,
}

/// Why it cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PidFileError {
    #[error("another spf-milter holds the pid file {path}: {said}; stop it first, or name another file")]
    Held {
        path: String,
        /// What the file says.
        said: String,
    },
    #[error("cannot write the pid file {path}: {source}")]
    Io { path: String, source: io::Error },
}

impl PidFile {
    /// Writes it.
    pub(super) fn write(path: &Path) -> Result<Self, PidFileError> {
        let shown = path.display().to_string();
        let failed = |source| PidFileError::Io { path: shown.clone(), source };
        // A link in a folder that others can write to could point anywhere.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).custom_flags(OFlag::O_NOFOLLOW.bits());
        let mut file = options.mode(0o644).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PidFileError::Held { path: shown, said: said(&mut file) }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        // The umask may have taken away what readers need.
        written.and_then(|()| file.set_permissions(fs::Permissions::from_mode(0o644))).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // The user that the process has become may not be allowed to remove it: then it is left empty.
        if fs::remove_file(&self.path).is_err() {
            let _ = self.file.set_len(0);
        }
    }
}

fn said(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.take(20).read_to_string(&mut text);
    format!("pid {}", text.trim().escape_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_holds_the_file_and_a_dead_one_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        fs::write(&path, "99999999 left by a dead process\n").unwrap();
        let file = PidFile::write(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        let refused = PidFile::write(&path).err().expect("it is held").to_string();
        assert!(refused.contains(&format!("pid {}; stop it first", std::process::id())), "{refused}");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("precious"), directory.path().join("pid"));
        fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(PidFile::write(&link).is_err());
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    }
}
