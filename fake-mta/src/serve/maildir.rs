//! Delivered messages as files, so that mail programs and scripts can read them.

use std::{
    fs::{self, File},
    hash::{BuildHasher as _, RandomState},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use crate::{message::Delivered, run::envelope_lines};

/// A maildir: a message is written in `tmp` and moved to `new` when it is whole.
#[derive(Debug)]
pub(super) struct Maildir {
    dir: PathBuf,
    /// The machine's name as a part of file names.
    hostname: String,
    count: AtomicU64,
}

impl Maildir {
    /// Makes the folders that are not there.
    ///
    /// # Errors
    /// The path that could not be made, and why.
    pub(super) fn open(dir: &Path) -> Result<Self, String> {
        for name in ["tmp", "new", "cur"] {
            let path = dir.join(name);
            fs::create_dir_all(&path).map_err(|error| at(&path, &error))?;
        }
        let hostname = nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned();
        // A slash and a colon mean something in the names of a maildir.
        let hostname = hostname.replace('/', "\\057").replace(':', "\\072");
        Ok(Self { dir: dir.to_owned(), hostname, count: AtomicU64::new(0) })
    }

    /// Writes a message; its envelope stands above its header, as `X-Envelope` fields.
    ///
    /// # Errors
    /// The path that could not be written, and why. Nothing is left behind.
    pub(super) fn put(&self, delivered: &Delivered) -> Result<(), String> {
        let name = self.unique_name();
        let (unfinished, finished) = (self.dir.join("tmp").join(&name), self.dir.join("new").join(&name));
        let kept = write(&unfinished, &text(delivered))
            .map_err(|error| at(&unfinished, &error))
            // A link replaces nothing, as a rename would.
            .and_then(|()| fs::hard_link(&unfinished, &finished).map_err(|error| at(&finished, &error)));
        let _ = fs::remove_file(&unfinished);
        kept
    }

    /// Moment, process, number and random bits: process ids alone repeat from container to container.
    fn unique_name(&self) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (seconds, micros, process) = (now.as_secs(), now.subsec_micros(), std::process::id());
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let random = RandomState::new().hash_one(number);
        format!("{seconds}.M{micros:06}P{process}Q{number}R{random:016x}.{}", self.hostname)
    }
}

fn text(delivered: &Delivered) -> Vec<u8> {
    let mut text = Vec::with_capacity(delivered.message.len() + 256);
    for line in envelope_lines(delivered) {
        text.extend_from_slice(format!("X-Envelope: {}\n", crate::diag::escape(&line)).as_bytes());
    }
    if let Some(reason) = &delivered.held {
        let reason = String::from_utf8_lossy(reason).into_owned();
        text.extend_from_slice(format!("X-Envelope-Held: {}\n", crate::diag::escape(&reason)).as_bytes());
    }
    text.extend_from_slice(&delivered.message);
    text
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text)
}

fn at(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Delivered {
        Delivered {
            sender: b"<a@b.example>".to_vec(),
            sender_params: Vec::new(),
            recipients: vec![(b"<c@d.example>".to_vec(), Vec::new())],
            local: Vec::new(),
            message: b"Subject: x\n\nx\n".to_vec(),
            held: None,
        }
    }

    fn names(dir: &Path, folder: &str) -> Vec<String> {
        let files = fs::read_dir(dir.join(folder)).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn two_servers_with_one_process_id_share_a_maildir() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            Maildir::open(dir.path()).unwrap().put(&letter()).unwrap();
        }
        assert_eq!(names(dir.path(), "new").len(), 2);
        assert_eq!(names(dir.path(), "tmp").len(), 0);
    }

    #[test]
    fn what_cannot_be_written_is_named_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let maildir = Maildir::open(dir.path()).unwrap();
        fs::remove_dir(dir.path().join("new")).unwrap();
        let error = maildir.put(&letter()).unwrap_err();
        assert!(error.starts_with(dir.path().join("new").to_str().unwrap()), "{error}");
        assert_eq!(names(dir.path(), "tmp").len(), 0);
    }
}
