//! The program `fake-dns` once more, under a name of its own, for the commands of the book; see `main.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fake_dns::cli::run(std::env::args_os())
}
