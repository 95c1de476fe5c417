//! What the checks of one message found, and which of them decides.

use std::sync::Arc;

use spf::SpfResult;

use super::check::{Check, Identity};

/// The checks of one message.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    /// Whether the sender was empty, so that the HELO name stands in for it.
    pub(crate) null_sender: bool,
    deciding: Arc<Check>,
    other: Option<Arc<Check>>,
}

impl Findings {
    /// A check that decides, and one that was made beside it.
    pub(crate) fn new(deciding: Arc<Check>, other: Option<Arc<Check>>, null_sender: bool) -> Self {
        Self { null_sender, deciding, other }
    }

    /// The check that decides.
    pub(crate) fn deciding(&self) -> &Check {
        &self.deciding
    }

    /// The check that was made beside it.
    pub(crate) fn other(&self) -> Option<&Check> {
        self.other.as_deref()
    }

    /// The check of the HELO name, if it was made.
    pub(crate) fn helo(&self) -> Option<&Check> {
        [Some(self.deciding()), self.other()].into_iter().flatten().find(|check| check.identity == Identity::Helo)
    }

    /// The check of the HELO name, to be kept.
    pub(crate) fn helo_shared(&self) -> Option<Arc<Check>> {
        let checks = [Some(&self.deciding), self.other.as_ref()];
        checks.into_iter().flatten().find(|check| check.identity == Identity::Helo).map(Arc::clone)
    }

    /// The result for the HELO name, if it was checked.
    pub(crate) fn helo_result(&self) -> Option<SpfResult> {
        self.helo().map(Check::result)
    }
}
