//! The milter's process, for those who end it and start it again.

use super::{Fatal, World, launch, no_milter, start};
use crate::{
    run::{Cancel, WorldOptions},
    scenario::Unit,
};

impl World {
    /// The id of the milter's process; `None` if it was not started here.
    pub(crate) fn milter_id(&self) -> Option<u32> {
        self.process.as_ref().map(super::Process::id)
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
