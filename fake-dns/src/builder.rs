//! What a server serves, before it starts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use zone::{Mode, ParseOptions, RdataError, Record, ZoneErrors};

use crate::{FakeDns, FaultRule, LogEntry, Sockets};

/// Collects zones, faults and options, and starts a [`FakeDns`].
pub struct Builder {
    pub(crate) records: Vec<Record>,
    pub(crate) faults: Vec<FaultRule>,
    pub(crate) mode: Mode,
    pub(crate) listen: SocketAddr,
    pub(crate) tcp_idle: Duration,
    pub(crate) log_capacity: usize,
    pub(crate) log_bytes: usize,
    pub(crate) observer: Option<Observer>,
}

pub(crate) type Observer = Arc<dyn Fn(&LogEntry) + Send + Sync>;

impl Default for Builder {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            faults: Vec::new(),
            mode: Mode::default(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tcp_idle: DEFAULT_TCP_IDLE,
            log_capacity: DEFAULT_LOG_CAPACITY,
            log_bytes: DEFAULT_LOG_BYTES,
            observer: None,
        }
    }
}

impl Builder {
    /// Adds the records of a master-file text; several texts merge into one world. `name` is for error messages.
    ///
    /// # Errors
    /// The text has errors.
    pub fn zone_text(self, name: &str, text: impl AsRef<[u8]>) -> Result<Self, ZoneTextError> {
        self.zone_text_with(name, text, &ParseOptions::default())
    }

    /// Adds the records of a master-file text with an origin or a default TTL of its own.
    ///
    /// # Errors
    /// The text has errors.
    pub fn zone_text_with(
        self,
        name: &str,
        text: impl AsRef<[u8]>,
        options: &ParseOptions,
    ) -> Result<Self, ZoneTextError> {
        match zone::parse(text, options) {
            Ok(records) => Ok(self.records(records)),
            Err(errors) => Err(ZoneTextError { name: name.to_owned(), errors }),
        }
    }

    /// Adds records.
    #[must_use]
    pub fn records(mut self, records: impl IntoIterator<Item = Record>) -> Self {
        self.records.extend(records);
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, rule: FaultRule) -> Self {
        self.faults.push(rule);
        self
    }

    /// Adds faults.
    #[must_use]
    pub fn faults(mut self, rules: impl IntoIterator<Item = FaultRule>) -> Self {
        self.faults.extend(rules);
        self
    }

    /// Answers as a recursive server (the default) or as an authoritative one.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The address for both UDP and TCP; port 0 takes a free one. Default `127.0.0.1:0`.
    #[must_use]
    pub fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// How long a TCP connection may be silent; 30 s by default.
    #[must_use]
    pub fn tcp_idle_timeout(mut self, timeout: Duration) -> Self {
        self.tcp_idle = timeout;
        self
    }

    /// How many questions the log keeps; 100 000 by default. The oldest go first.
    #[must_use]
    pub fn log_capacity(mut self, entries: usize) -> Self {
        self.log_capacity = entries;
        self
    }

    /// How many bytes the log keeps, answers included; 64 MiB by default. The oldest questions go first.
    #[must_use]
    pub fn log_bytes(mut self, bytes: usize) -> Self {
        self.log_bytes = bytes;
        self
    }

    /// Calls `observer` with each log entry as it is written, retransmissions included. It must not block: one that
    /// prints does so through [`Lines`](crate::Lines).
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&LogEntry) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Binds the sockets and starts answering, on the current tokio runtime.
    ///
    /// # Errors
    /// A record has no wire form, or the address cannot be bound.
    pub async fn start(self) -> Result<FakeDns, StartError> {
        FakeDns::start(self).await
    }

    /// Starts answering on the sockets of a server that has stopped, whatever [`listen`](Self::listen) says.
    ///
    /// # Errors
    /// A record has no wire form; the sockets are closed then.
    pub fn start_on(self, sockets: Sockets) -> Result<FakeDns, StartError> {
        FakeDns::start_on(self, sockets)
    }
}

/// Why a zone text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines())]
pub struct ZoneTextError {
    /// The name given for the text, as it was given.
    pub name: String,
    /// What is wrong in it.
    pub errors: ZoneErrors,
}

impl ZoneTextError {
    /// `name:line:column: message`, one error a line.
    fn lines(&self) -> String {
        let name = self.name.escape_debug().to_string();
        let mut lines: Vec<_> = self.errors.errors().iter().map(|error| format!("{name}:{error}")).collect();
        if self.errors.has_more() {
            lines.push(format!("{name}: too many errors, reading stopped"));
        }
        lines.join("\n")
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A zone text has errors.
    #[error(transparent)]
    Zone(#[from] ZoneTextError),
    /// A record cannot be sent.
    #[error("the {rtype} record of {owner} cannot be sent: {source}")]
    Record {
        /// The record's owner.
        owner: zone::Name,
        /// The record's type.
        rtype: zone::RecordType,
        /// Why.
        source: RdataError,
    },
    /// The address cannot be bound.
    #[error("cannot listen on {addr} (UDP and TCP): {source}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

const DEFAULT_TCP_IDLE: Duration = Duration::from_secs(30);
const DEFAULT_LOG_CAPACITY: usize = 100_000;
const DEFAULT_LOG_BYTES: usize = 64 << 20;
