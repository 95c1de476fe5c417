//! A milter that is started for the one message.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::SendArgs;
use crate::{
    diag::{Diag, Source},
    run::{Cancel, Fatal, World, WorldOptions, build_one},
    scenario::{self, Unit},
    suite::Suite,
    under_test::{command_suite, suite_at},
};

/// The suite that the arguments name; `None` if the milter runs already.
///
/// # Errors
/// All that is wrong in it.
pub(crate) fn suite(args: &SendArgs) -> Result<Option<Suite>, Vec<Diag>> {
    match (&args.command, &args.suite) {
        (Some(command), _) => command_suite(command).map(Some),
        (None, Some(path)) => suite_at(path.clone()).map(Some),
        (None, None) => Ok(None),
    }
}

/// Starts the milter, with a DNS server that has the zones.
///
/// # Errors
/// What is wrong in the zones.
pub(super) fn unit(args: &SendArgs) -> Result<Unit, Vec<Diag>> {
    let zones: Vec<toml::Value> =
        args.zone.iter().map(|path| absolute(path).to_string_lossy().into_owned().into()).collect();
    let text = format!("name = \"send\"\n[dns]\ninclude = {}\n", toml::Value::Array(zones));
    let scenario = format!("{text}[[session]]\nclient = \"192.0.2.1\"\ndialogue = \"\"\n");
    let parsed = scenario::parse(&Source::new("send", scenario))?;
    scenario::units(&parsed).into_iter().next().ok_or_else(Vec::new)
}

/// Starts the milter.
///
/// # Errors
/// It did not start.
pub(super) async fn start(suite: Suite, unit: &Unit, bin: PathBuf, cancel: &Cancel) -> Result<World, Fatal> {
    let suite = Arc::new(suite);
    let bin = build_one(&suite, &bin, cancel).await?;
    let options = WorldOptions { suite: Some(suite), running: Vec::new(), dns: None, bin, keep: false };
    World::start(unit, &options, cancel).await
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
