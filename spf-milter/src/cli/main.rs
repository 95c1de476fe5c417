//! From the command line to the program that it names.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use super::args::{Cli, Command};
use super::output::complain;
use super::source::SourceError;
use super::{check, config_check, lint, run};

/// Runs the program with its arguments, the program's own name first; returns the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Where the message cannot be written the exit code must do.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => run::run(args),
        Command::Check(args) => tool(async { check::run(&args).await }),
        Command::ConfigCheck(args) => config_check::run(&args),
        Command::Lint(args) => tool(async { lint::run(&args).await }),
    }
}

/// The command line, for those who write about it.
#[doc(hidden)]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs a command-line tool on one thread.
fn tool(work: impl Future<Output = Result<ExitCode, SourceError>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    runtime.block_on(work).unwrap_or_else(|error| failed(&error))
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    complain(&error.to_string());
    ExitCode::from(EXIT_SETUP)
}

/// A wrong command line, as sysexits.h has it.
const EXIT_USAGE: u8 = 64;

/// A tool cannot begin: no zone, no resolver.
const EXIT_SETUP: u8 = 10;
