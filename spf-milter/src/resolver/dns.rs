//! The resolver as a whole: cache, questions under way, servers; and a budget for each event.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use spf::{Answer, AnswerKind, Failure, Lookup, Name, Question};
use tokio::time::{Instant, timeout, timeout_at};

use super::cache::Cache;
use super::flights::{Flight, Flights};
use super::hickory::Hickory;
use super::meter::{DnsCost, Meter};
use super::options::DnsOptions;
use super::response::{Reached, Response};
use super::servers::Servers;
use super::system::{RESOLV_CONF, name_servers};
use crate::metrics::DnsMetrics;

/// A caching stub resolver over UDP and TCP, shared by all checks: cloning it is cheap.
///
/// A server that does not answer, or answers with an error, is followed by the next one, as many rounds as
/// [`DnsOptions::tries`] says. One that is dead is noticed and left alone until it answers again. The same question asked
/// by several checks at once is asked once. It must be made and used within a tokio runtime.
#[derive(Clone)]
pub struct DnsResolver {
    inner: Arc<Inner>,
}

struct Inner {
    cache: Cache,
    flights: Flights,
    servers: Arc<Servers<Hickory>>,
    metrics: Arc<DnsMetrics>,
}

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// The system's list of name servers cannot be read.
    #[error("cannot read the name servers from {RESOLV_CONF}: {0}; name one with `resolver` or --resolver")]
    System(std::io::Error),
    /// There is nobody to ask.
    #[error("no name server is given; name one with `resolver` or --resolver")]
    NoServers,
    /// hickory-resolver refuses the set-up.
    #[error("cannot set up the resolver: {0}")]
    Build(String),
}

impl DnsResolver {
    /// Makes a resolver that asks `servers`, the first one first.
    ///
    /// # Errors
    /// There is no server, or hickory-resolver refuses the set-up.
    pub fn new(servers: &[SocketAddr], options: &DnsOptions) -> Result<Self, ResolverError> {
        if servers.is_empty() {
            return Err(ResolverError::NoServers);
        }
        Self::counting(servers, options, Arc::default())
    }

    /// Makes a resolver that asks the servers of `/etc/resolv.conf`.
    ///
    /// # Errors
    /// The file cannot be read, or hickory-resolver refuses the set-up.
    pub fn system(options: &DnsOptions) -> Result<Self, ResolverError> {
        Self::counting(&[], options, Arc::default())
    }

    /// Makes a resolver that asks `servers`, or without any those of `/etc/resolv.conf`, and counts in `metrics`: where
    /// it takes the place of another one the numbers go on.
    ///
    /// # Errors
    /// As [`DnsResolver::system`].
    pub fn counting(
        servers: &[SocketAddr],
        options: &DnsOptions,
        metrics: Arc<DnsMetrics>,
    ) -> Result<Self, ResolverError> {
        let system = if servers.is_empty() { system_servers()? } else { Vec::new() };
        let hickory = |address: &SocketAddr| Hickory::new(*address, options).map(|hickory| (*address, hickory));
        let list =
            servers.iter().chain(&system).map(hickory).collect::<Result<_, _>>().map_err(ResolverError::Build)?;
        let servers = Arc::new(Servers::new(list, options, &metrics));
        let cache = Cache::new(options.cache.clone(), Arc::clone(&metrics));
        Ok(Self { inner: Arc::new(Inner { cache, flights: Flights::default(), servers, metrics }) })
    }

    /// Makes the [`Lookup`] of one event: after `budget` it answers [`Failure::Deadline`] at once
    /// (RFC 7208 section 4.6.4).
    #[must_use]
    pub fn within(&self, budget: Duration) -> DnsLookup {
        DnsLookup { resolver: self.clone(), deadline: Instant::now() + budget, meter: Arc::default() }
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> Arc<DnsMetrics> {
        Arc::clone(&self.inner.metrics)
    }

    async fn ask(&self, question: &Question, meter: &Meter) -> AnswerKind {
        let inner = &self.inner;
        if let Some(kept) = inner.cache.get(question, Instant::now()) {
            meter.cached();
            return kept;
        }
        let (landing, flight) = inner.flights.join(question);
        match flight {
            // A task of its own: whoever asks may run out of time, and others wait for the answer too.
            Some(flight) => drop(tokio::spawn(Arc::clone(inner).fly(flight))),
            None => inner.metrics.coalesced.inc(),
        }
        let response = landing.wait().await;
        if response.reached == Reached::Nobody {
            meter.outage();
        }
        response.kind
    }
}

impl Inner {
    async fn fly(self: Arc<Self>, flight: Flight) {
        let response = timeout(FLIGHT_MAX, self.servers.ask(flight.question())).await;
        let response = response.unwrap_or_else(|_| Response::too_late());
        self.cache.put(flight.question(), &response, Instant::now());
        flight.land(response);
    }
}

fn system_servers() -> Result<Vec<SocketAddr>, ResolverError> {
    std::fs::read_to_string(RESOLV_CONF).map(|text| name_servers(&text)).map_err(ResolverError::System)
}

/// A [`DnsResolver`] with a deadline, for the checks that one event of the MTA asks for.
#[derive(Clone)]
pub struct DnsLookup {
    resolver: DnsResolver,
    deadline: Instant,
    meter: Arc<Meter>,
}

impl DnsLookup {
    /// The same event with less time: what it costs is added up in one place.
    #[must_use]
    pub fn at_most(&self, budget: Duration) -> Self {
        Self { deadline: self.deadline.min(Instant::now() + budget), ..self.clone() }
    }

    /// What the event's questions have cost so far.
    #[must_use]
    pub fn cost(&self) -> DnsCost {
        self.meter.cost()
    }

    /// Whether a domain has a record of the retired type SPF; false if that cannot be found out in time.
    pub(super) async fn has_type_99(&self, domain: &Name) -> bool {
        let Some(server) = self.resolver.inner.servers.first() else {
            return false;
        };
        timeout_at(self.deadline, server.has_type_99(domain)).await.unwrap_or(false)
    }
}

impl Lookup for DnsLookup {
    async fn lookup(&self, question: Question) -> Answer {
        let start = Instant::now();
        let mut kind = AnswerKind::Failed(Failure::Deadline);
        // A time-out looks at the answer before it looks at the clock, and an answer from the cache is there at once.
        if start < self.deadline {
            kind = timeout_at(self.deadline, self.resolver.ask(&question, &self.meter)).await.unwrap_or(kind);
        }
        let elapsed = start.elapsed();
        self.meter.asked(elapsed);
        self.resolver.inner.metrics.looked_up(&kind, elapsed);
        Answer::new(kind).with_elapsed(elapsed)
    }
}

/// The longest time for a question, all tries at all servers: nobody waits longer, as no event has a longer budget.
const FLIGHT_MAX: Duration = Duration::from_secs(20);
