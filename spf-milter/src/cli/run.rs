//! The daemon, from the command line.

use std::process::ExitCode;

use super::args::RunArgs;
use super::output::complain;
use crate::daemon::{self, ConfigSource};

/// Serves MTAs until a signal comes.
pub(super) fn run(args: RunArgs) -> ExitCode {
    let RunArgs { config: path, listen, resolver: resolvers, user, group, pid_file } = args;
    let source = ConfigSource { path, listen, resolvers, user, group, pid_file };
    match daemon::run(source) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}
