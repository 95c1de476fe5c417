//! Where captures lie: folders of files, single files, and the compact form with one capture a line.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::capture::Capture;
use crate::diag::{self, Diag};

/// Why captures cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file or folder cannot be read.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The file cannot be read, or is no text.
    #[error("{}", .0.title)]
    Unreadable(Diag),
    /// That is no capture.
    #[error("{}:{line}: {error}", .path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// The line of the file, from 1; in the compact form the capture's own line.
        line: usize,
        /// What is wrong there.
        error: serde_json::Error,
    },
    /// There is no capture anywhere.
    #[error("no captures (*.json, *.jsonl) in the paths given")]
    Nothing,
}

/// Reads all captures, in the order of the paths and within a folder by name.
///
/// # Errors
/// A path that cannot be read, a file that is no capture, and no capture at all.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Capture>, SourceError> {
    let mut captures = Vec::new();
    for path in paths {
        for file in files(path)? {
            read_file(&file, &mut captures)?;
        }
    }
    if captures.is_empty() { Err(SourceError::Nothing) } else { Ok(captures) }
}

fn files(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let failed = |error| SourceError::Io { path: path.to_owned(), error };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
    let mut names: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    names.sort();
    let mut found = Vec::new();
    for name in names {
        if name.is_dir() {
            found.extend(files(&name)?);
        } else if !diag::waits(&name) && matches!(name.extension().and_then(|end| end.to_str()), Some("json" | "jsonl"))
        {
            found.push(name);
        }
    }
    Ok(found)
}

fn read_file(path: &Path, captures: &mut Vec<Capture>) -> Result<(), SourceError> {
    let text = diag::read_named_text(path, diag::MAX_CAPTURE_BYTES).map_err(SourceError::Unreadable)?;
    // A pipe has no name that tells.
    let is_whole = |line: &str| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    let is_compact = match path.extension() {
        Some(end) => end == "jsonl",
        None => text.lines().next().is_some_and(is_whole),
    };
    if is_compact {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            captures.push(parse(path, line, Some(number + 1))?);
        }
    } else {
        captures.push(parse(path, &text, None)?);
    }
    Ok(())
}

fn parse(path: &Path, text: &str, line: Option<usize>) -> Result<Capture, SourceError> {
    Capture::parse(text).map_err(|error| SourceError::Syntax {
        path: path.to_owned(),
        line: line.unwrap_or_else(|| error.line()),
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTURE: &str =
        r#"{"name":"n","mta":"postfix","group":"basic","config":{},"client":{},"smtp":[],"filters":[]}"#;

    #[test]
    fn folders_files_and_lines_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("one.json"), CAPTURE).unwrap();
        fs::write(folder.path().join("two.jsonl"), format!("{CAPTURE}\n{CAPTURE}\n")).unwrap();
        fs::write(folder.path().join("README.md"), "no capture").unwrap();
        assert_eq!(read(&[folder.path().to_owned()]).unwrap().len(), 3);
        assert_eq!(read(&[inner.join("one.json")]).unwrap().len(), 1);
        let nameless = folder.path().join("63");
        for (text, count) in [(format!("{CAPTURE}\n{CAPTURE}\n"), 2), (CAPTURE.replace(',', ",\n"), 1)] {
            fs::write(&nameless, text).unwrap();
            assert_eq!(read(std::slice::from_ref(&nameless)).unwrap().len(), count);
        }
    }

    #[test]
    fn what_is_no_capture_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.jsonl");
        fs::write(&path, format!("{CAPTURE}\nnonsense\n")).unwrap();
        let error = read(&[path]).unwrap_err().to_string();
        assert!(error.contains("bad.jsonl:2: "), "{error}");
        assert!(matches!(read(&[folder.path().join("nothing")]), Err(SourceError::Io { .. })));
    }
}
