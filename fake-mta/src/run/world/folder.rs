//! The temporary folder of a world.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Fatal, FatalKind};
use crate::run::remains;

/// A folder that is removed with its world, unless it is to be kept.
#[derive(Debug)]
pub(super) struct Folder {
    dir: TempDir,
    /// It goes even if the program ends at once.
    remains: Option<remains::Folder>,
}

impl Folder {
    /// A folder with a short name: a Unix socket's path may have 107 bytes at most.
    pub(super) fn new(keep: bool) -> Result<Self, Fatal> {
        let new = |parent: &Path| tempfile::Builder::new().prefix("fm-").rand_bytes(8).tempdir_in(parent);
        let usual = std::env::temp_dir();
        let parent = if usual.as_os_str().len() > MAX_TEMP_BYTES { PathBuf::from("/tmp") } else { usual };
        let dir = new(&parent).map_err(|error| {
            let text = format!("cannot make a temporary folder in {}: {error}", parent.display());
            Fatal {
                help: Some("set TMPDIR to a folder that can be written to".into()),
                ..Fatal::new(FatalKind::Harness, text)
            }
        })?;
        let mut folder = Self { dir, remains: None };
        folder.keep(keep);
        Ok(folder)
    }

    /// Whether it outlives its world.
    pub(super) fn keep(&mut self, keep: bool) {
        self.dir.disable_cleanup(keep);
        self.remains = (!keep).then(|| remains::Folder::new(self.dir.path()));
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A Unix socket's path may have 107 bytes; the folder's own name and the socket's take 19.
const MAX_TEMP_BYTES: usize = 80;
