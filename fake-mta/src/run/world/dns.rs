//! The DNS servers of worlds: one after the other at an address that the milter knows, or each at a free port.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use fake_dns::{Builder, FakeDns, Sockets, StartError};

use super::{Fatal, FatalKind};
use crate::{run::netns, scenario::Unit};

/// An address that somebody has named. It is bound once: between two worlds the sockets wait here, open. One that was closed and
/// is bound again could be taken meanwhile, or be held still by a process on its way from fork to exec. Clones share the sockets.
#[derive(Clone, Debug)]
pub struct DnsAddress {
    /// Where the servers answer.
    pub addr: SocketAddr,
    waiting: Arc<Mutex<Option<Sockets>>>,
}

impl From<SocketAddr> for DnsAddress {
    fn from(addr: SocketAddr) -> Self {
        Self { addr, waiting: Arc::default() }
    }
}

impl DnsAddress {
    fn take(&self) -> Option<Sockets> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, sockets: Option<Sockets>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = sockets;
    }
}

/// Starts the unit's server: at the address that was named, else at a free one.
pub(super) async fn start(unit: &Unit, address: Option<&DnsAddress>) -> Result<Arc<FakeDns>, Fatal> {
    let started = match address {
        Some(address) => match address.take() {
            Some(sockets) => builder(unit)?.start_on(sockets),
            None => builder(unit)?.listen(address.addr).start().await,
        },
        None if netns::is_inside() => start_in_netns(unit).await?,
        None => builder(unit)?.start().await,
    };
    started.map(Arc::new).map_err(|error| {
        let help = address
            .map(|DnsAddress { addr, .. }| format!("something else listens on {addr}: end it, or give another --dns"));
        Fatal { help, ..not_started(&error) }
    })
}

/// In namespaces of our own port 53 is free, at one address for each unit that runs.
async fn start_in_netns(unit: &Unit) -> Result<Result<FakeDns, StartError>, Fatal> {
    let mut started = builder(unit)?.listen(netns::dns_addr(0)).start().await;
    for attempt in 1..netns::DNS_ADDRESSES {
        if started.is_ok() {
            break;
        }
        started = builder(unit)?.listen(netns::dns_addr(attempt)).start().await;
    }
    Ok(started)
}

/// The unit's server in place of another one, on its sockets.
pub(super) async fn follow(unit: &Unit, before: Arc<FakeDns>) -> Result<Arc<FakeDns>, Fatal> {
    let held = || Fatal::new(FatalKind::Harness, "the fake DNS server of the scenario before is still in use");
    let sockets = Arc::into_inner(before).ok_or_else(held)?.into_sockets().await.ok_or_else(held)?;
    builder(unit)?.start_on(sockets).map(Arc::new).map_err(|error| not_started(&error))
}

/// A server that nobody asks.
pub(super) async fn idle() -> Result<Arc<FakeDns>, Fatal> {
    FakeDns::builder().start().await.map(Arc::new).map_err(|error| not_started(&error))
}

/// Ends a server, and keeps its sockets if their address was named.
pub(super) async fn end(dns: Arc<FakeDns>, address: Option<&DnsAddress>) {
    // Whoever still holds it ends it by dropping it.
    let Some(dns) = Arc::into_inner(dns) else { return };
    let sockets = dns.into_sockets().await;
    if let Some(address) = address {
        address.keep(sockets);
    }
}

fn builder(unit: &Unit) -> Result<Builder, Fatal> {
    let dns = &unit.scenario.dns;
    let mut builder = FakeDns::builder().mode(dns.mode.into());
    let harness = |text: String| Fatal::new(FatalKind::Harness, text);
    for zone in &dns.zones {
        let name = zone.span.source().path().to_string_lossy().into_owned();
        builder = builder.zone_text(&name, &zone.text).map_err(|error| harness(error.to_string()))?;
    }
    for rule in &dns.faults {
        builder = builder.fault(rule.parse().map_err(|error| harness(format!("{}: {error}", rule.span)))?);
    }
    Ok(builder)
}

fn not_started(error: &StartError) -> Fatal {
    Fatal::new(FatalKind::Harness, format!("the fake DNS server did not start: {error}"))
}
