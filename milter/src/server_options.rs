//! [`ServerOptions`]: the limits of a server.

use std::time::Duration;

use crate::{Action, Monitor};

/// Limits.
///
/// The size of packets is limited by the protocol: 64 KB, or the 256 KB or 1 MB that the two ends negotiated (see
/// [`FilterOptions::payload_max`](crate::FilterOptions::payload_max)). A connection holds up to two packets, and 256 KB
/// of macros, beside what the filter itself keeps and its edits; an idle one holds next to nothing.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The most connections at a time: 1024 by default. What comes beyond is accepted, told
    /// [`over_limit`](Self::over_limit) when its client connects, and has no filter.
    pub connections_max: usize,
    /// The most messages at a time: no limit by default. A sender beyond is answered with
    /// [`over_limit`](Self::over_limit).
    pub messages_max: usize,
    /// What a client or a sender over a limit is told: to try again later, by default.
    pub over_limit: Action,
    /// How long to wait for the MTA's next packet before hanging up: 7210 s by default, as libmilter does.
    pub idle_timeout: Duration,
    /// How long to wait for the MTA to take an answer: 60 s by default.
    pub write_timeout: Duration,
    /// How long one method of a filter may take; then the MTA is told to try again later. 30 s by default.
    ///
    /// The method's future is dropped; the filter goes on with the next event. sendmail gives up after 10 s, Postfix
    /// after 30 s, and after 300 s in the content of a message.
    pub event_timeout: Duration,
    /// The most bytes of edits to one message: 64 MiB by default.
    pub edit_bytes_max: usize,
    /// How long messages under way may go on after the server was told to stop: 10 s by default. Sessions without a message
    /// are closed at once.
    pub grace_period: Duration,
    /// How long, after that, a message under way has to take a last answer, which tells the MTA to try again later: 2 s
    /// by default. Without an answer an MTA may do with the message what it likes.
    pub last_word: Duration,
    /// Where the server counts what it does.
    pub monitor: Monitor,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            connections_max: 1024,
            messages_max: usize::MAX,
            over_limit: Action::Tempfail,
            idle_timeout: Duration::from_secs(7210),
            write_timeout: Duration::from_secs(60),
            event_timeout: Duration::from_secs(30),
            edit_bytes_max: 64 * 1024 * 1024,
            grace_period: Duration::from_secs(10),
            last_word: Duration::from_secs(2),
            monitor: Monitor::default(),
        }
    }
}
