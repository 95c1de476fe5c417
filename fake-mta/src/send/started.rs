//! A milter that is started for the one message.

use std::{path::PathBuf, sync::Arc};

use super::SendArgs;
use crate::{
    diag::Diag,
    run::{Cancel, Fatal, World, WorldOptions, build_one},
    scenario::Unit,
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
