//! The program `fake-dns`: serves zone files with faults, and checks them.

use std::process::ExitCode;

fn main() -> ExitCode {
    fake_dns::cli::run(std::env::args_os())
}
