//! What the player hands back: the boundary between playing a unit and judging it.

use std::future::Future;

use super::{Cancel, World};
use crate::{
    diag::Diag,
    scenario::{SessionEvents, Unit},
};

/// The outcome of one unit, before it is judged.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// The canonical transcript: no port, pid, time or random id in it. This is what snapshots hold.
    pub transcript: String,
    /// What happened, one entry for each session played.
    pub sessions: Vec<SessionEvents>,
    /// The whole DNS journal, `name TYPE` each, in order, without repeats of the same packet.
    pub journal: Vec<String>,
    /// The DNS log for people: question, answer, fault, and the near-miss hint for a name that is not in the zone.
    pub dns_log: Vec<String>,
    /// Records of the zone that matter to a failure, where the file that was run does not show them.
    pub zone: Vec<String>,
    /// In what the milter differs from the scenario, which knows of it.
    pub known_deviation: Option<String>,
    /// Why it was not played at all, though the run went on.
    pub skipped: Option<String>,
    /// Why it broke off, if it did.
    pub fatal: Option<Fatal>,
}

/// Why a unit could not be played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fatal {
    /// Whose fault it is; decides the exit code.
    pub kind: FatalKind,
    /// What happened, as a lowercase fragment; a wait that ran out names its limit.
    pub text: String,
    /// The session and the step (both from 0) that it happened in, if it began to play.
    pub at: Option<(usize, usize)>,
    /// Further paragraphs: the tail of the milter's stderr, its exit status or signal.
    pub notes: Vec<String>,
    /// How to mend it.
    pub help: Option<String>,
}

impl From<&Fatal> for Diag {
    fn from(fatal: &Fatal) -> Self {
        let help = fatal.help.iter().cloned().collect();
        Self { notes: fatal.notes.clone(), help, ..Self::error(fatal.text.clone()) }
    }
}

impl Fatal {
    /// A reason without place and notes.
    pub fn new(kind: FatalKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), at: None, notes: Vec::new(), help: None }
    }

    /// It as a message, where no scenario is judged.
    pub(crate) fn diag(&self) -> Diag {
        let help = self.help.iter().cloned().collect();
        Diag { notes: self.notes.clone(), help, ..Diag::error(self.text.clone()) }
    }
}

/// Whose fault it is that a unit broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FatalKind {
    /// The harness: no port, no process, no temporary folder. Exit code 3.
    Harness,
    /// The milter crashed, ended or broke the protocol. Exit code 4.
    Milter,
    /// A wait ran out. Exit code 5.
    Timeout,
    /// The run was stopped from outside (Ctrl-C).
    Cancelled,
}

/// Plays a unit: drives its sessions through the fake MTA against the milter of its world.
pub trait Player: Send + Sync + 'static {
    /// Plays all sessions of the unit, as far as that is possible, and writes down what happened.
    ///
    /// Every wait in it has a limit of its own. It ends soon after `cancel` is raised, with [`FatalKind::Cancelled`].
    fn play(&self, unit: &Unit, world: &mut World, cancel: &Cancel) -> impl Future<Output = Played> + Send;
}
