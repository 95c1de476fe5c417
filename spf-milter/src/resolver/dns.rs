//! Set-up of hickory-resolver, and one question to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::lookup::Lookup as Response;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr;
use spf::{Answer, AnswerKind, Failure, Lookup, Name, Question};
use tokio::time::{Instant, timeout_at};

use super::answers::{outcome, record_type, to_hickory};
use super::system::{RESOLV_CONF, name_servers};
use crate::metrics::{DnsMetrics, ServerMetrics};

/// A caching stub resolver over UDP and TCP, shared by all checks: cloning it is cheap.
///
/// A server that does not answer, or answers with an error, is followed by the next one, twice round; the next question
/// goes first to the server that answered. It must be made and used within a tokio runtime.
#[derive(Clone)]
pub struct DnsResolver {
    servers: Arc<Servers>,
}

struct Servers {
    /// One resolver for each: hickory's own pool spends the time of all its servers on the first that is silent.
    list: Vec<Server>,
    /// The server that answered last.
    first: AtomicUsize,
    metrics: Arc<DnsMetrics>,
}

struct Server {
    resolver: TokioResolver,
    metrics: Arc<ServerMetrics>,
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
    /// Makes a resolver that asks `servers`, the first one first, with `timeout` for each try.
    ///
    /// # Errors
    /// There is no server, or hickory-resolver refuses the set-up.
    pub fn new(servers: &[SocketAddr], timeout: Duration) -> Result<Self, ResolverError> {
        if servers.is_empty() {
            return Err(ResolverError::NoServers);
        }
        let metrics = Arc::<DnsMetrics>::default();
        let server = |address: &SocketAddr| {
            for_server(*address, timeout).map(|resolver| Server { resolver, metrics: metrics.server(*address) })
        };
        let list = servers.iter().map(server).collect::<Result<_, _>>()?;
        Ok(Self { servers: Arc::new(Servers { list, first: AtomicUsize::new(0), metrics }) })
    }

    /// Makes a resolver that asks the servers of `/etc/resolv.conf`.
    ///
    /// # Errors
    /// The file cannot be read, or hickory-resolver refuses the set-up.
    pub fn system(timeout: Duration) -> Result<Self, ResolverError> {
        let text = std::fs::read_to_string(RESOLV_CONF).map_err(ResolverError::System)?;
        Self::new(&name_servers(&text), timeout)
    }

    /// Makes the [`Lookup`] of one event: after `budget` it answers [`Failure::Deadline`] at once
    /// (RFC 7208 section 4.6.4).
    #[must_use]
    pub fn within(&self, budget: Duration) -> DnsLookup {
        DnsLookup { resolver: self.clone(), deadline: Instant::now() + budget }
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> Arc<DnsMetrics> {
        Arc::clone(&self.servers.metrics)
    }

    async fn ask(&self, question: &Question) -> AnswerKind {
        let name = match to_hickory(&question.name) {
            Ok(name) => name,
            Err(failure) => return AnswerKind::Failed(failure),
        };
        let Servers { list, first, .. } = &*self.servers;
        let start = first.load(Ordering::Relaxed);
        let mut kind = AnswerKind::Failed(Failure::Timeout);
        for index in (start..).take(list.len() * ROUNDS).map(|index| index % list.len()) {
            let (server, asked) = (&list[index], Instant::now());
            let response = server.resolver.lookup(name.clone(), record_type(question.rtype)).await;
            kind = outcome(&name, question.rtype, response.as_ref().map(Response::answers));
            server.metrics.asked(&kind, asked.elapsed());
            if !matches!(kind, AnswerKind::Failed(_)) {
                first.store(index, Ordering::Relaxed);
                break;
            }
        }
        kind
    }
}

/// A [`DnsResolver`] with a deadline, for the checks that one event of the MTA asks for.
#[derive(Clone)]
pub struct DnsLookup {
    resolver: DnsResolver,
    deadline: Instant,
}

impl DnsLookup {
    /// Whether a domain has a record of the retired type SPF; false if that cannot be found out in time.
    pub(super) async fn has_type_99(&self, domain: &Name) -> bool {
        let Ok(name) = to_hickory(domain) else {
            return false;
        };
        let Servers { list, first, .. } = &*self.resolver.servers;
        let server = &list[first.load(Ordering::Relaxed)].resolver;
        let rtype = rr::RecordType::Unknown(TYPE_SPF);
        let response = timeout_at(self.deadline, server.lookup(name, rtype)).await;
        let Ok(Ok(lookup)) = response else {
            return false;
        };
        lookup.answers().iter().any(|record| record.record_type() == rtype)
    }
}

impl Lookup for DnsLookup {
    async fn lookup(&self, question: Question) -> Answer {
        let start = Instant::now();
        // A time-out looks at the answer before it looks at the clock, and an answer from the cache is there at once.
        if start >= self.deadline {
            self.resolver.servers.metrics.looked_up(&AnswerKind::Failed(Failure::Deadline), Duration::ZERO);
            return Answer::new(AnswerKind::Failed(Failure::Deadline));
        }
        let kind = timeout_at(self.deadline, self.resolver.ask(&question)).await;
        let kind = kind.unwrap_or(AnswerKind::Failed(Failure::Deadline));
        self.resolver.servers.metrics.looked_up(&kind, start.elapsed());
        Answer::new(kind).with_elapsed(start.elapsed())
    }
}

fn for_server(address: SocketAddr, timeout: Duration) -> Result<TokioResolver, ResolverError> {
    let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
    udp.port = address.port();
    tcp.port = address.port();
    // The flag lets a negative answer count.
    let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    set_options(builder.options_mut(), timeout);
    builder.build().map_err(|error| ResolverError::Build(error.to_string()))
}

fn set_options(options: &mut ResolverOpts, timeout: Duration) {
    options.timeout = timeout;
    // hickory counts retries: the rounds are ours.
    options.attempts = 0;
    // Names are asked as they are: no search list, no hosts file.
    options.ndots = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.num_concurrent_reqs = 1;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    // The whole chain is needed to find the records that answer the question.
    options.preserve_intermediates = true;
    options.case_randomization = false;
    options.cache_size = CACHE_ENTRIES;
    options.positive_max_ttl = Some(TTL_MAX);
    options.negative_max_ttl = Some(NEGATIVE_TTL_MAX);
    options.edns_payload_len = EDNS_PAYLOAD_BYTES;
}

/// How often each server is asked.
const ROUNDS: usize = 2;

/// Answers kept.
const CACHE_ENTRIES: u64 = 8_192;

/// The longest time an answer is kept, whatever its TTL.
const TTL_MAX: Duration = Duration::from_secs(86_400);

/// The longest time a negative answer is kept (RFC 2308 section 5 advises one to three hours).
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(3_600);

/// Fits one Ethernet frame on all common paths.
const EDNS_PAYLOAD_BYTES: u16 = 1_232;

/// The record type of RFC 4408 section 3.1.1, given up by RFC 7208.
const TYPE_SPF: u16 = 99;
