//! The program `fake-mta` once more, under a name of its own, for suites whose milter is `fake-mta filter`; see `main.rs`.

use std::process::ExitCode;

use fake_mta::{cli, run::ScriptedPlayer};

fn main() -> ExitCode {
    ExitCode::from(cli::main(std::env::args_os(), ScriptedPlayer).0)
}
