//! The program `fake-mta`; see [`fake_mta::cli`].

use std::process::ExitCode;

use fake_mta::{cli, run::ScriptedPlayer};

fn main() -> ExitCode {
    ExitCode::from(cli::main(std::env::args_os(), ScriptedPlayer).0)
}
