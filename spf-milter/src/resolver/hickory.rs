//! One server, asked by hickory-resolver.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr;
use spf::{AnswerKind, Failure, Name, Question};
use tokio::time::timeout;

use super::answers::{record_type, response, to_hickory};
use super::options::DnsOptions;
use super::response::{Exchange, Reached, Response};

/// One server, with a resolver of its own: hickory's pool spends the time of all its servers on the first that is
/// silent.
pub(super) struct Hickory {
    resolver: TokioResolver,
    timeout: Duration,
}

impl Hickory {
    /// Makes the resolver.
    ///
    /// # Errors
    /// What hickory says of the set-up.
    pub(super) fn new(address: SocketAddr, options: &DnsOptions) -> Result<Self, String> {
        let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
        udp.port = address.port();
        tcp.port = address.port();
        // The flag lets a negative answer count.
        let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        set_options(builder.options_mut(), options);
        let resolver = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { resolver, timeout: options.timeout })
    }

    /// Whether a domain has a record of the retired type SPF; false if that cannot be found out in time.
    pub(super) async fn has_type_99(&self, domain: &Name) -> bool {
        let Ok(name) = to_hickory(domain) else {
            return false;
        };
        let rtype = rr::RecordType::Unknown(TYPE_SPF);
        match timeout(self.timeout, self.resolver.lookup(name, rtype)).await {
            Ok(Ok(found)) => found.answers().iter().any(|record| record.record_type() == rtype),
            _ => false,
        }
    }
}

impl Exchange for Hickory {
    async fn exchange(&self, question: &Question) -> Response {
        let name = match to_hickory(&question.name) {
            Ok(name) => name,
            Err(failure) => return Response::said(AnswerKind::Failed(failure), None),
        };
        // hickory bounds each exchange by the time-out; a truncated answer or a chain of CNAMEs takes more than one.
        match timeout(self.timeout, self.resolver.lookup(name.clone(), record_type(question.rtype))).await {
            Ok(found) => response(&name, question.rtype, found.as_ref().map(Lookup::answers)),
            Err(_) => Response::silence(Failure::Timeout),
        }
    }

    async fn is_there(&self) -> bool {
        // The servers of the root: every recursive server has them at hand, so half of the time is enough.
        let found = timeout(self.timeout / 2, self.resolver.lookup(rr::Name::root(), rr::RecordType::NS)).await;
        found.is_ok_and(|found| match found {
            Ok(_) => true,
            Err(error) => super::answers::reached(&error) == Reached::Yes,
        })
    }
}

fn set_options(options: &mut ResolverOpts, wanted: &DnsOptions) {
    options.timeout = wanted.timeout;
    // hickory counts retries: the rounds are ours, and so is the cache.
    options.attempts = 0;
    options.cache_size = 0;
    // Names are asked as they are: no search list, no hosts file.
    options.ndots = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.num_concurrent_reqs = 1;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    // The whole chain is needed to find the records that answer the question.
    options.preserve_intermediates = true;
    options.case_randomization = wanted.case_randomization;
    options.edns_payload_len = EDNS_PAYLOAD_BYTES;
    options.max_active_requests = TCP_QUESTIONS_MAX;
}

/// Fits one Ethernet frame on all common paths.
const EDNS_PAYLOAD_BYTES: u16 = 1_232;

/// Questions under way on one TCP connection.
const TCP_QUESTIONS_MAX: usize = 1_024;

/// The record type of RFC 4408 section 3.1.1, given up by RFC 7208.
const TYPE_SPF: u16 = 99;
