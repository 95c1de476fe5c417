//! Zone files into records.

use std::io::Write as _;
use std::path::Path;

use zone::{ParseOptions, Record};

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
    let text = match std::fs::read(path) {
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

/// Shows a place in a file on standard error.
pub(crate) fn show(excerpt: &Excerpt<'_>) {
    let _ = writeln!(anstream::stderr(), "{excerpt}");
}
