//! The program `fake-dns`: serves zone files with faults, and checks them.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
