//! Zone files into records.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use zone::{MAX_TEXT_BYTES, ParseOptions, Record};

use super::args::Reading;
use super::complain;
use super::excerpt::{Excerpt, Severity};

/// A zone file that could be read.
pub(crate) struct ZoneFile {
    /// Its path, safe to show.
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
    pub(crate) records: Vec<Record>,
}

/// Reads a zone file; says on standard error what is wrong with it.
pub(crate) fn load(path: &Path, reading: &Reading) -> Option<ZoneFile> {
    let name = path.display().to_string().escape_debug().to_string();
    let text = match read(path) {
        Ok(text) => text,
        Err(error) => {
            complain(format_args!("cannot read {name}: {error}"));
            return None;
        }
    };
    let options = ParseOptions { origin: reading.origin.clone(), default_ttl: reading.ttl };
    match zone::parse(&text, &options) {
        Ok(records) => Some(ZoneFile { name, text, records }),
        Err(errors) => {
            for error in errors.errors() {
                let (message, help) = (&error.message, error.help.as_deref());
                show(&Excerpt { severity: Severity::Error, name: &name, text: &text, span: error.span, message, help });
            }
            if errors.has_more() {
                complain(format_args!("{name}: too many errors, reading stopped"));
            }
            None
        }
    }
}

/// Reads no more than zone text may have, and one byte by which it is seen to have more: a file may have no end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_TEXT_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Shows a place in a file on standard error.
pub(crate) fn show(excerpt: &Excerpt<'_>) {
    let _ = writeln!(anstream::stderr(), "{excerpt}");
}
