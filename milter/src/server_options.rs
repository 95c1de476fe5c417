//! [`ServerOptions`]: the limits of a server.

use std::time::Duration;

/// Limits.
///
/// The size of packets is limited by the protocol: 64 KB, or the 256 KB or 1 MB that the two ends negotiated. A connection
/// holds up to two packets, and the macros of seven stages with up to one packet each, beside what the filter itself
/// keeps and its edits; an idle one holds next to nothing.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The most connections at a time; more wait in the listener's queue. 1024 by default.
    pub connections_max: usize,
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
    /// How long sessions may go on after the server was told to stop: 10 s by default.
    pub grace_period: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            connections_max: 1024,
            idle_timeout: Duration::from_secs(7210),
            write_timeout: Duration::from_secs(60),
            event_timeout: Duration::from_secs(30),
            edit_bytes_max: 64 * 1024 * 1024,
            grace_period: Duration::from_secs(10),
        }
    }
}
