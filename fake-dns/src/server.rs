//! The running server.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zone::{Name, NearMiss, Record, RecordType, Store};

use crate::answer::World;
use crate::log::Journal;
use crate::net::{bind_pair, serve_tcp, serve_udp};
use crate::{Builder, FaultRule, LogEntry, StartError};

/// A running fake DNS server. Dropping it stops it; [`shutdown`](Self::shutdown) also waits until nothing of it runs.
pub struct FakeDns {
    addr: SocketAddr,
    world: Arc<World>,
    /// The sockets serve until this is gone.
    stop: watch::Sender<()>,
    udp: JoinHandle<UdpSocket>,
    tcp: JoinHandle<TcpListener>,
}

impl FakeDns {
    /// The way to make one.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn start(builder: Builder) -> Result<Self, StartError> {
        check(&builder.records)?;
        let bind_error = |source| StartError::Bind { addr: builder.listen, source };
        let (udp, tcp) = bind_pair(builder.listen).await.map_err(bind_error)?;
        let addr = udp.local_addr().map_err(bind_error)?;
        Self::start_on(builder, Sockets { addr, udp, tcp })
    }

    pub(crate) fn start_on(builder: Builder, Sockets { addr, udp, tcp }: Sockets) -> Result<Self, StartError> {
        check(&builder.records)?;
        let store: Store = builder.records.into_iter().collect();
        let rules = builder.faults.into_iter().collect();
        let journal = Journal::new(builder.log_capacity, builder.log_bytes);
        let world = Arc::new(World::new(store, builder.mode, rules, journal, builder.observer));
        let (stop, stopped) = watch::channel(());
        let udp = tokio::spawn(serve_udp(udp, Arc::clone(&world), stopped.clone()));
        let tcp = tokio::spawn(serve_tcp(tcp, Arc::clone(&world), builder.tcp_idle, stopped));
        Ok(Self { addr, world, stop, udp, tcp })
    }

    /// The address of both sockets, with the port that was taken.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The questions so far, without retransmissions (a repeated id, name, type and transport), oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.log_since(0)
    }

    /// The questions since a [`mark`](Self::mark), without retransmissions.
    #[must_use]
    pub fn log_since(&self, mark: u64) -> Vec<LogEntry> {
        self.world.journal().since(mark).filter(|entry| !entry.repeat).cloned().collect()
    }

    /// The questions so far, retransmissions included.
    #[must_use]
    pub fn log_with_repeats(&self) -> Vec<LogEntry> {
        self.world.journal().since(0).cloned().collect()
    }

    /// A mark in the log: the number that the next question will get.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.world.journal().mark()
    }

    /// The step of the scenario, for rules with `until step N`; 0 at the start.
    pub fn set_step(&self, step: u64) {
        self.world.set_step(step);
    }

    /// Adds a fault to the rules in force, behind them.
    pub fn add_fault(&self, rule: FaultRule) {
        self.world.add_fault(rule);
    }

    /// What the zones have instead of a record that is not in them, if anything is close.
    #[must_use]
    pub fn near_miss(&self, name: &Name, rtype: RecordType) -> Option<NearMiss> {
        self.world.store().near_miss(name, rtype)
    }

    /// Counts of messages that the log does not show.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.world.stats()
    }

    /// Stops the server, delayed answers included, and waits until no task of it is left and the port is free.
    pub async fn shutdown(self) {
        drop(self.into_sockets().await);
    }

    /// Stops the server as [`shutdown`](Self::shutdown) does, but keeps its sockets open for the next one, for
    /// [`Builder::start_on`](crate::Builder::start_on). An address that is given up may be taken by others, or still be held by a
    /// process that was just forked off; one that is kept is free for certain. `None` if a task of the server had panicked.
    pub async fn into_sockets(self) -> Option<Sockets> {
        drop(self.stop);
        let (udp, tcp) = (self.udp.await, self.tcp.await);
        Some(Sockets { addr: self.addr, udp: udp.ok()?, tcp: tcp.ok()? })
    }
}

/// The sockets of a server that has stopped, still bound: the next one gets the same address by them.
#[derive(Debug)]
pub struct Sockets {
    addr: SocketAddr,
    udp: UdpSocket,
    tcp: TcpListener,
}

impl fmt::Debug for FakeDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeDns").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// Counts of messages that the log does not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages that are no question we can read: too short, answers, garbage, other operations, no or several questions.
    pub malformed: u64,
    /// Delayed answers and TCP connections that were given up because too many were open.
    pub over_limit: u64,
}

/// Every record must have a wire form, or questions for it would fail one by one later.
fn check(records: &[Record]) -> Result<(), StartError> {
    for record in records {
        record.rdata.to_wire().map_err(|source| StartError::Record {
            owner: record.owner.clone(),
            rtype: record.rtype(),
            source,
        })?;
    }
    Ok(())
}
