//! The milter's process, for those who end it and start it again.

use super::{Fatal, FatalKind, World, describe, launch, no_milter, start, with_output};
use crate::{
    run::{Cancel, WorldOptions},
    scenario::Unit,
};

impl World {
    /// The id of the milter's process; `None` if it was not started here.
    pub(crate) fn milter_id(&self) -> Option<u32> {
        self.process.as_ref().map(super::Process::id)
    }

    /// Ends when the milter does, and says how; never if it was not started here.
    pub(crate) async fn until_milter_ends(&mut self) -> Fatal {
        let Some(process) = self.process.as_mut() else { return std::future::pending().await };
        let text = format!("the milter ended: {}", describe(process.wait().await));
        with_output(Fatal::new(FatalKind::Milter, text), process, &self.command).await
    }

    /// Kills the milter.
    pub(crate) async fn kill_milter(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await;
        }
    }

    /// Starts the milter again, at the same address and in the same folder.
    ///
    /// # Errors
    /// It did not come up.
    pub(crate) async fn start_again(
        &mut self,
        unit: &Unit,
        options: &WorldOptions,
        cancel: &Cancel,
    ) -> Result<(), Fatal> {
        self.kill_milter().await;
        let suite = self.suite.clone().ok_or_else(no_milter)?;
        let milter = self.milter();
        let launch = launch(&unit.scenario.milter, &suite, options, milter, self.dir.path(), self.dns.addr())?;
        self.process = Some(start(&launch, &suite, milter, cancel).await?);
        Ok(())
    }
}
