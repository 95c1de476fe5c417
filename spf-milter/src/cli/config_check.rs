//! `spf-milter config-check`: whether a configuration is good, and what it comes to.

use std::path::Path;
use std::process::ExitCode;

use super::args::ConfigCheckArgs;
use super::output::{complain, print};
use crate::config::{Config, ConfigError, effective, read_text};
use crate::diagnostic::Problems;

/// Reads the file as the daemon would. What the daemon would only warn of is an error where the check is strict.
pub(super) fn run(args: &ConfigCheckArgs) -> ExitCode {
    match check(&args.file, args.print) {
        Ok(Checked { shown, warnings: None }) => print(&shown, ExitCode::SUCCESS),
        Ok(Checked { shown, warnings: Some(warnings) }) => {
            complain(&warnings.to_string());
            print(&shown, if args.strict { ExitCode::from(EXIT_WARNINGS) } else { ExitCode::SUCCESS })
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// A file that is good.
struct Checked {
    shown: String,
    /// What is good and may not be meant so.
    warnings: Option<Problems>,
}

fn check(path: &Path, shows_all: bool) -> Result<Checked, ConfigError> {
    let shown = path.display().to_string();
    let text = read_text(path)?;
    let config = Config::parse(&shown, &text).map_err(ConfigError::Invalid)?;
    let warnings = config.warnings_in(&shown, &text);
    let shown = if shows_all {
        effective(&shown, &text).map_err(ConfigError::Invalid)?
    } else {
        format!("{shown}: good{}\n", if warnings.is_some() { ", with warnings" } else { "" })
    };
    Ok(Checked { shown, warnings })
}

/// Warnings, and `--strict`.
const EXIT_WARNINGS: u8 = 1;

/// As of the daemon that does not start for it.
const EXIT_CONFIG: u8 = 2;
