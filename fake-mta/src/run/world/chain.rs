//! The milters behind the first one: each a process of its own, in a folder of its own.

use super::{END_LIMIT, Fatal, FatalKind, World, free_address, launch, no_milter, start, stop, with_output};
use crate::{
    run::{
        Cancel, MilterAddr, WorldOptions,
        process::{Process, describe},
    },
    scenario::Unit,
    suite::Suite,
};

/// A milter of a chain.
#[derive(Debug)]
pub(super) struct Member {
    process: Process,
    command: String,
    milter: MilterAddr,
}

impl World {
    /// Starts the further milters of the scenario, one after the other.
    pub(super) async fn start_others(
        &mut self,
        unit: &Unit,
        options: &WorldOptions,
        cancel: &Cancel,
    ) -> Result<(), Fatal> {
        let Some(suite) = self.suite.clone() else { return Ok(()) };
        for (index, section) in unit.scenario.more_milters.iter().enumerate() {
            let dir = self.dir.path().join((index + 2).to_string());
            std::fs::create_dir(&dir).map_err(|error| {
                Fatal::new(FatalKind::Harness, format!("cannot make the folder {}: {error}", dir.display()))
            })?;
            let milter = free_address(suite.socket, &dir).await?;
            let launch = launch(section, &suite, options, &milter, &dir, self.dns.addr())?;
            let process = start(&launch, &suite, &milter, cancel).await?;
            self.milters.push(milter.clone());
            self.others.push(Member { process, command: launch.milter.shown(), milter });
        }
        Ok(())
    }
}

impl Member {
    /// How it ended, if it has.
    pub(super) async fn end(&mut self) -> Option<Fatal> {
        let status = tokio::time::timeout(END_LIMIT, self.process.wait()).await.ok()?;
        let text = format!("a milter of the chain ended during the scenario: {}", describe(status));
        Some(with_output(Fatal::new(FatalKind::Milter, text), &mut self.process, &self.command).await)
    }

    /// Asks it to stop.
    pub(super) async fn stop(self, suite: &Suite) -> Option<Fatal> {
        stop(self.process, suite, &self.command, &self.milter).await
    }
}

/// Those of the milters that run already which the scenario's chain takes: the first ones.
pub(super) fn running(unit: &Unit, running: &[MilterAddr]) -> Result<Vec<MilterAddr>, Fatal> {
    if running.is_empty() {
        return Err(no_milter());
    }
    let wanted = 1 + unit.scenario.more_milters.len();
    let missing = || {
        let given = running.len();
        let fatal =
            Fatal::new(FatalKind::Harness, format!("the scenario has {wanted} milters, and --milter names {given}"));
        let help =
            "give --milter for each, in the order of the scenario; without --milter the suite file starts all of them";
        Fatal { help: Some(help.into()), ..fatal }
    };
    running.get(..wanted).map(<[_]>::to_vec).ok_or_else(missing)
}
