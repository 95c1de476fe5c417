//! `spf-milter config-check`: whether a configuration is good, and what it comes to.

use std::path::Path;
use std::process::ExitCode;

use super::args::ConfigCheckArgs;
use super::output::{complain, print};
use crate::config::{Config, ConfigError, effective, read_text};

/// Reads the file as the daemon would.
pub(super) fn run(args: &ConfigCheckArgs) -> ExitCode {
    match check(&args.file, args.print) {
        Ok(shown) => print(&shown, ExitCode::SUCCESS),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

fn check(path: &Path, shows_all: bool) -> Result<String, ConfigError> {
    let shown = path.display().to_string();
    let text = read_text(path)?;
    if shows_all {
        return effective(&shown, &text).map_err(ConfigError::Invalid);
    }
    Config::parse(&shown, &text).map_err(ConfigError::Invalid)?;
    Ok(format!("{shown}: good\n"))
}

/// As of the daemon that does not start for it.
const EXIT_CONFIG: u8 = 2;
