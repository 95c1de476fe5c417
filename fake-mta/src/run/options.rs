//! What a run is asked to do.

use std::{net::SocketAddr, path::PathBuf};

use super::MilterAddr;
use crate::{openspf::TimeoutForm, report::Target, scenario::ProfileName};

/// What a run is asked to do; the command line's options.
#[derive(Clone, Debug)]
pub struct Options {
    /// Scenario files, and folders that are searched for them.
    pub paths: Vec<PathBuf>,
    /// A milter that runs already, in place of the suite's.
    pub milter: Option<MilterAddr>,
    /// The fake DNS server's address, in place of a free port.
    pub dns: Option<SocketAddr>,
    /// Only this profile.
    pub profile: Option<ProfileName>,
    /// Only units whose path or name holds this text.
    pub filter: Option<String>,
    /// What `TIMEOUT` in openspf suites stands for.
    pub openspf_timeout: TimeoutForm,
    /// How many units run at once.
    pub jobs: usize,
    /// Accept what came.
    pub bless: Option<BlessMode>,
    /// Reports beside the one for people.
    pub reports: Vec<Target>,
    /// Leave temporary folders behind.
    pub keep: bool,
    /// Warnings are failures.
    pub strict: bool,
    /// Show the transcript of every unit.
    pub verbose: bool,
    /// What `{bin}` stands for: the folder of the running program.
    pub bin: PathBuf,
}

/// How differences are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlessMode {
    /// Rewrite the lines that differ.
    Write,
    /// Say what would be rewritten.
    Check,
    /// Rewrite lines with matchers too.
    Force,
}
