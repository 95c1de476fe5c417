//! The files of a recorded connection: NAME-1.json, NAME-1.toml, and the messages NAME-1-1.eml.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{
    RecordArgs, capture,
    redact::Redactor,
    scenario::scenario,
    seen::{Recording, tell},
    story::Story,
};

/// The numbers that connections get.
#[derive(Debug, Default)]
pub(super) struct Numbers(AtomicU32);

impl Numbers {
    /// Begins behind the highest number of a file that is there.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(super) fn behind_those_in(dir: &Path, name: &str) -> io::Result<std::sync::Arc<Self>> {
        let mut highest = 0;
        for entry in fs::read_dir(dir)? {
            let file = entry?.file_name();
            let number =
                file.to_str().and_then(|file| file.strip_prefix(name)?.strip_prefix('-')?.split(['-', '.']).next());
            highest = highest.max(number.and_then(|number| number.parse().ok()).unwrap_or(0));
        }
        Ok(std::sync::Arc::new(Self(AtomicU32::new(highest))))
    }

    /// One that nobody had before.
    pub(super) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

/// Writes all files of a connection, and tells of it if that fails.
pub(super) fn write(args: &RecordArgs, numbers: &Numbers, redactor: &Mutex<Redactor>, mut recording: Recording) {
    let number = recording.number;
    if args.redact {
        recording.entries = redactor.lock().unwrap_or_else(PoisonError::into_inner).redact(&recording.entries);
        if !args.quiet {
            recording.entries.iter().for_each(|entry| tell(number, &entry.line()));
        }
    }
    if let Err(error) = try_write(args, numbers, &recording) {
        tell(number, &format!("cannot write into {}: {error}", args.dir.display()));
    }
}

fn try_write(args: &RecordArgs, numbers: &Numbers, recording: &Recording) -> io::Result<()> {
    let (stem, file) = create(args, numbers, recording.number)?;
    let story = Story::of(&recording.entries);
    let mut file = BufWriter::new(file);
    capture::write(&mut file, &stem, recording, &story)?;
    file.flush()?;
    let new = |name: String, bytes: &[u8]| File::create_new(args.dir.join(name))?.write_all(bytes);
    for (index, message) in story.messages().iter().enumerate() {
        new(format!("{stem}-{}.eml", index + 1), message)?;
    }
    match scenario(&stem, &recording.entries, &story, recording.cut_off.as_deref()) {
        Some(scenario) if args.redact => new(format!("{stem}.toml"), loosened(&scenario).as_bytes()),
        Some(scenario) => new(format!("{stem}.toml"), scenario.as_bytes()),
        None => {
            tell(recording.number, "nothing happened that a scenario could show");
            Ok(())
        }
    }
}

/// The scenario of a redacted recording: the milter says something else where something was left out.
fn loosened(scenario: &str) -> String {
    let loose = |line: &str| match line.strip_prefix("M: ") {
        Some(answer) if answer.starts_with("replbody") => "M: replbody [..]\n".to_owned(),
        Some(_) => line.replace("X-Redacted", "[..]").replace("redacted", "[..]"),
        None => line.to_owned(),
    };
    scenario.split_inclusive('\n').map(loose).collect()
}

/// The capture's file. Another recorder may write into the same folder: what is there stays.
fn create(args: &RecordArgs, numbers: &Numbers, mut number: u32) -> io::Result<(String, File)> {
    loop {
        let stem = format!("{}-{number}", args.name);
        match File::create_new(args.dir.join(format!("{stem}.json"))) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number = numbers.next(),
            file => return Ok((stem, file?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_not_expected() {
        let scenario =
            "name = \"redacted\"\nC: DATA\nM: addheader X-Redacted: redacted\nM: replbody 12 bytes\nM: continue\n";
        let wanted = "name = \"redacted\"\nC: DATA\nM: addheader [..]: [..]\nM: replbody [..]\nM: continue\n";
        assert_eq!(loosened(scenario), wanted);
    }

    #[test]
    fn numbers_go_on_behind_the_files_that_are_there() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["it-2.json", "it-7-1.eml", "other-9.json", "it-x.json", "it.json"] {
            fs::write(dir.path().join(name), "").expect("a file");
        }
        let numbers = Numbers::behind_those_in(dir.path(), "it").expect("it can be read");
        assert_eq!((numbers.next(), numbers.next()), (8, 9));
    }
}
