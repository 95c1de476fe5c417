//! One thing that is wrong.

use super::Lint;

/// What a filter did, and where in its conversation with the MTA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub lint: Lint,
    /// The filter's number in the configuration, from 0.
    pub filter: usize,
    /// The stage whose answer it was: `mail`, `eom`, …
    pub stage: &'static str,
    /// The packet as scenarios write it; one that cannot be read, with its bytes in hex. Control characters are escaped.
    pub packet: String,
    /// What exactly, if the lint's own title does not say it.
    pub detail: String,
}
