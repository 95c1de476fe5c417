//! The log: what a line looks like, where it goes, and that nobody waits for it.
//!
//! | module   | holds                                                               |
//! | -------- | ------------------------------------------------------------------- |
//! | `record` | one event: text that can do no harm, whatever it was                |
//! | `format` | a record as text, for systemd, as JSON, for syslog, for the journal |
//! | `target` | stderr, the syslog's socket, the journal's socket                   |
//! | `writer` | the thread that writes; a queue in front of it that drops and counts |
//! | `layer`  | from tracing's events to records; start and change of the log       |

mod format;
mod layer;
mod record;
mod target;
mod writer;

pub(crate) use format::Format;
#[cfg(test)]
pub(crate) use layer::Capture;
pub(crate) use layer::{Log, start};
pub(crate) use target::Target;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// Where lines go.
    pub(crate) target: Target,
    /// How a line looks; by default as the reader of stderr wants it.
    pub(crate) format: Option<Format>,
    /// The least level that is written, unless `RUST_LOG` says something else.
    pub(crate) level: tracing::Level,
}
