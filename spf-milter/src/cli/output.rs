//! Writing to stdout and stderr where nobody may be reading.

use std::io::{self, Write as _};
use std::process::ExitCode;

/// Writes a result to stdout, with colours where that is a terminal. `code` is what the program ends with, unless the
/// result could not be written: a disk may be full, a reader gone.
pub(crate) fn print(text: &str, code: ExitCode) -> ExitCode {
    let mut stdout = anstream::AutoStream::auto(io::stdout().lock());
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Ok(()) => code,
        Err(error) => {
            complain(&format!("cannot write the result: {error}"));
            ExitCode::from(EXIT_OUTPUT)
        }
    }
}

/// Says on stderr why the program does not go on; where nobody can be told the exit code must do.
pub(crate) fn complain(what: &str) {
    let mut stderr = anstream::AutoStream::auto(io::stderr().lock());
    let _ = writeln!(stderr, "spf-milter: {what}");
}

/// Output that could not be written, as sysexits.h has it.
const EXIT_OUTPUT: u8 = 74;
