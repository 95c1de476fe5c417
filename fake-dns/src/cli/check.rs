//! `fake-dns check`.

use std::io::Write as _;
use std::process::ExitCode;

use super::args::Check;
use super::excerpt::{Excerpt, Severity};
use super::load::{ZoneFile, load, show};
use super::{EXIT_BAD_FILE, complain};

/// Checks each file, whatever the others are like.
pub(crate) fn run(args: &Check) -> ExitCode {
    let mut bad = false;
    for path in &args.files {
        match load(path, &args.reading) {
            Some(file) => bad |= report(&file) > 0 && args.strict,
            None => bad = true,
        }
    }
    if bad { ExitCode::from(EXIT_BAD_FILE) } else { ExitCode::SUCCESS }
}

/// Shows what is odd in a file; gives the number of warnings.
fn report(file: &ZoneFile) -> usize {
    let found = zone::lint(&file.records);
    let warnings = found.warnings();
    for warning in warnings {
        let (message, help) = (&warning.message, warning.help.as_deref());
        show(&Excerpt {
            severity: Severity::Warning,
            name: &file.name,
            text: &file.text,
            span: warning.span,
            message,
            help,
        });
    }
    if found.has_more() {
        complain(format_args!("{}: there are more warnings than these", file.name));
    }
    let (records, count) = (file.records.len(), warnings.len());
    let _ =
        writeln!(anstream::stdout(), "{}: {}, {}", file.name, counted(records, "record"), counted(count, "warning"));
    count
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
