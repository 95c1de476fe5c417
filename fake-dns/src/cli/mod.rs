//! The command line of the program `fake-dns`.
//!
//! Exit codes: 0 all well, 2 a file cannot be read or has errors, 3 the address cannot be bound, 64 usage.

mod args;
mod check;
mod excerpt;
mod load;
mod serve;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
pub use excerpt::harmless;

/// Does what the arguments say; the first is the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Args::try_parse_from(args) {
        Ok(Args { command: Command::Serve(serve) }) => serve::run(serve),
        Ok(Args { command: Command::Check(check) }) => check::run(&check),
        Err(error) => {
            // Nothing can be done about a closed output.
            let _ = error.print();
            if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS }
        }
    }
}

/// Says on standard error what went wrong.
fn complain(message: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "fake-dns: {message}");
}

const EXIT_BAD_FILE: u8 = 2;
const EXIT_CANNOT_BIND: u8 = 3;
const EXIT_USAGE: u8 = 64;
