//! Delivered messages as files, so that mail programs and scripts can read them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{message::Delivered, run::envelope_lines};

/// A maildir: a message is written in `tmp` and moved to `new` when it is whole.
#[derive(Debug)]
pub(super) struct Maildir {
    dir: PathBuf,
    count: AtomicU64,
}

impl Maildir {
    /// Makes the folders that are not there.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        for name in ["tmp", "new", "cur"] {
            fs::create_dir_all(dir.join(name))?;
        }
        Ok(Self { dir: dir.to_owned(), count: AtomicU64::new(0) })
    }

    /// Writes a message; its envelope stands above its header, as `X-Envelope` fields.
    pub(super) fn put(&self, delivered: &Delivered, seconds: i64) -> io::Result<()> {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("{seconds}.P{}Q{number}.fake-mta", std::process::id());
        let mut text = Vec::with_capacity(delivered.message.len() + 256);
        for line in envelope_lines(delivered) {
            text.extend_from_slice(format!("X-Envelope: {}\n", crate::diag::escape(&line)).as_bytes());
        }
        if let Some(reason) = &delivered.held {
            let reason = String::from_utf8_lossy(reason).into_owned();
            text.extend_from_slice(format!("X-Envelope-Held: {}\n", crate::diag::escape(&reason)).as_bytes());
        }
        text.extend_from_slice(&delivered.message);
        let unfinished = self.dir.join("tmp").join(&name);
        fs::write(&unfinished, text)?;
        fs::rename(unfinished, self.dir.join("new").join(name))
    }
}
