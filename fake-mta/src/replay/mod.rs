//! Captured sessions of real MTAs, replayed against the fake one.
//!
//! A capture is a file that tells what an SMTP client sent to a real MTA, what the MTA answered, every packet that it
//! exchanged with its filters, what it delivered, and what it wrote into its log. The fake MTA of that profile and
//! configuration gets the same client and the same filters; what differs is told.
//!
//! | file | what |
//! | --- | --- |
//! | `capture`, `source` | the captures, as they are written and where they lie |
//! | `base` | the configuration under which they were made |
//! | `play`, `filter` | the client's side and the filters' side of a replay |
//! | `bind`, `compare/` | what is compared, and what varies from run to run |
//! | `known` | what cannot be equal, and why |
//! | `report`, `command` | what is told, and the command line |

mod base;
mod bind;
mod capture;
mod command;
mod compare;
mod filter;
mod known;
mod main_cf;
mod play;
mod report;
mod source;

pub use capture::Capture;
pub(crate) use capture::{packet_code, payload};
pub use command::{HELP, ReplayArgs, run};
use compare::{Difference, Point};
pub use filter::Medium;
pub use report::{Judged, Verdict};
pub use source::{SourceError, read};

/// What became of one capture.
#[derive(Debug)]
struct Replayed {
    differences: Vec<Difference>,
    /// The fake MTA has no model of this: a configuration key, a group, a step.
    not_modelled: Option<String>,
}

impl Replayed {
    /// Whether packets, replies and messages are equal.
    fn is_equal(&self) -> bool {
        self.not_modelled.is_none() && self.differences.iter().all(|difference| difference.point == Point::Log)
    }

    /// Whether the log lines are equal.
    fn log_is_equal(&self) -> bool {
        self.not_modelled.is_none() && !self.differences.iter().any(|difference| difference.point == Point::Log)
    }
}

/// Replays one capture. In memory, waits take no time if the runtime's clock is paused.
pub async fn replay(capture: &Capture, medium: Medium) -> Judged {
    let replayed = match play::play(capture, medium).await {
        Ok(outcome) => Replayed { differences: compare::compare(capture, &outcome), not_modelled: None },
        Err(what) => Replayed { differences: Vec::new(), not_modelled: Some(what) },
    };
    Judged::new(capture, replayed)
}
