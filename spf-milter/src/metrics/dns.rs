//! What the DNS costs.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use spf::{AnswerKind, Failure};

use super::registry::Metrics;
use super::text::{Kind, MetricsText};
use super::value::{Counter, Gauge, Histogram};

/// What the DNS costs: questions of checks, what they came to, what the cache saved, and how each resolver did.
#[derive(Debug, Default)]
pub struct DnsMetrics {
    /// Questions of checks, by what they came to.
    lookups: [Counter; OUTCOMES.len()],
    /// How long a check waited for each of its questions.
    pub(crate) lookup_times: Histogram,
    /// Questions that the cache could answer.
    pub(crate) cache_hits: Counter,
    /// Questions that it could not.
    pub(crate) cache_misses: Counter,
    /// Answers that had to go before their time.
    pub(crate) cache_evictions: Counter,
    /// Answers in it.
    pub(crate) cache_entries: Gauge,
    /// Their size.
    pub(crate) cache_bytes: Gauge,
    /// Questions that another check had under way already.
    pub(crate) coalesced: Counter,
    servers: RwLock<Vec<(SocketAddr, Arc<ServerMetrics>)>>,
}

/// How one resolver does.
#[derive(Debug, Default)]
pub struct ServerMetrics {
    /// Questions put to it.
    queries: Counter,
    /// Those that came to no answer, by what was wrong.
    errors: [Counter; OUTCOMES.len()],
    times: Histogram,
    /// 1 while it is left alone as it does not answer.
    pub(crate) dead: Gauge,
}

impl DnsMetrics {
    /// Notes what a question of a check came to, and how long it took.
    pub(crate) fn looked_up(&self, kind: &AnswerKind, time: Duration) {
        self.lookups[outcome(kind)].inc();
        self.lookup_times.observe(time);
    }

    /// The numbers of one resolver, made at the first call.
    pub(crate) fn server(&self, address: SocketAddr) -> Arc<ServerMetrics> {
        let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = servers.iter().find(|(known, _)| *known == address) {
            return Arc::clone(known);
        }
        let new = Arc::new(ServerMetrics::default());
        servers.push((address, Arc::clone(&new)));
        new
    }

    /// How many questions checks have asked.
    #[must_use]
    pub fn lookups(&self) -> u64 {
        self.lookups.iter().map(Counter::get).sum()
    }

    /// How many questions were put to resolvers.
    #[must_use]
    pub fn queries(&self) -> u64 {
        self.servers().iter().map(|(_, server)| server.queries.get()).sum()
    }

    fn servers(&self) -> Vec<(String, Arc<ServerMetrics>)> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers.iter().map(|(address, server)| (address.to_string(), Arc::clone(server))).collect()
    }
}

impl ServerMetrics {
    /// Notes what a question to it came to, and how long it took.
    pub(crate) fn asked(&self, kind: &AnswerKind, time: Duration) {
        self.queries.inc();
        self.times.observe(time);
        if matches!(kind, AnswerKind::Failed(_)) {
            self.errors[outcome(kind)].inc();
        }
    }
}

impl Metrics for DnsMetrics {
    fn write(&self, text: &mut MetricsText) {
        text.family(
            "spf_milter_dns_lookups_total",
            Kind::Counter,
            "DNS questions of SPF checks, by what they came to.",
        );
        for (outcome, count) in OUTCOMES.iter().zip(&self.lookups) {
            text.sample(&[("outcome", outcome)], count.get());
        }
        text.family("spf_milter_dns_lookup_seconds", Kind::Histogram, "How long SPF checks waited for each question.");
        text.times(&[], &self.lookup_times);
        self.write_cache(text);
        self.write_servers(text);
    }
}

impl DnsMetrics {
    fn write_cache(&self, text: &mut MetricsText) {
        use Kind::{Counter, Gauge};
        let numbers = [
            ("spf_milter_dns_cache_hits_total", Counter, "Questions answered by the cache.", self.cache_hits.get()),
            ("spf_milter_dns_cache_misses_total", Counter, "Questions not in the cache.", self.cache_misses.get()),
            (
                "spf_milter_dns_cache_evictions_total",
                Counter,
                "Answers that were forgotten to make room.",
                self.cache_evictions.get(),
            ),
            ("spf_milter_dns_cache_entries", Gauge, "Answers in the cache.", self.cache_entries.get()),
            ("spf_milter_dns_cache_bytes", Gauge, "Size of the answers in the cache.", self.cache_bytes.get()),
            (
                "spf_milter_dns_coalesced_total",
                Counter,
                "Questions that another check had under way already.",
                self.coalesced.get(),
            ),
        ];
        for (name, kind, help, number) in numbers {
            text.family(name, kind, help);
            text.sample(&[], number);
        }
    }

    fn write_servers(&self, text: &mut MetricsText) {
        let servers = self.servers();
        text.family("spf_milter_dns_queries_total", Kind::Counter, "Questions put to a resolver; each try counts.");
        for (address, server) in &servers {
            text.sample(&[("server", address)], server.queries.get());
        }
        text.family(
            "spf_milter_dns_query_errors_total",
            Kind::Counter,
            "Tries that came to no answer, by what was wrong.",
        );
        for (address, server) in &servers {
            for (error, count) in OUTCOMES.iter().zip(&server.errors).skip(FIRST_ERROR) {
                text.sample(&[("server", address), ("error", error)], count.get());
            }
        }
        text.family("spf_milter_dns_query_seconds", Kind::Histogram, "How long each try at a resolver took.");
        for (address, server) in &servers {
            text.times(&[("server", address)], &server.times);
        }
        text.family(
            "spf_milter_dns_server_dead",
            Kind::Gauge,
            "1 while a resolver is left alone as it does not answer.",
        );
        for (address, server) in &servers {
            text.sample(&[("server", address)], server.dead.get());
        }
    }
}

/// What a question can come to, as the label says it.
const OUTCOMES: [&str; 9] =
    ["records", "nodata", "nxdomain", "timeout", "servfail", "refused", "deadline", "malformed", "other"];

/// Where those begin that are no answers.
const FIRST_ERROR: usize = 3;

/// The place in [`OUTCOMES`].
fn outcome(kind: &AnswerKind) -> usize {
    match kind {
        AnswerKind::Records(_) => 0,
        AnswerKind::NoData => 1,
        AnswerKind::NxDomain => 2,
        AnswerKind::Failed(Failure::Timeout) => 3,
        AnswerKind::Failed(Failure::Servfail) => 4,
        AnswerKind::Failed(Failure::Refused) => 5,
        AnswerKind::Failed(Failure::Deadline) => 6,
        AnswerKind::Failed(Failure::Malformed) => 7,
        AnswerKind::Failed(Failure::Other(_)) => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Registry;

    #[test]
    fn all_numbers_of_the_dns_as_prometheus_reads_them() {
        let metrics = Arc::new(DnsMetrics::default());
        let ms = Duration::from_millis;
        metrics.looked_up(&AnswerKind::NxDomain, ms(7));
        let server = metrics.server("192.0.2.1:53".parse().unwrap());
        server.asked(&AnswerKind::Failed(Failure::Timeout), ms(2_000));
        metrics.server("192.0.2.1:53".parse().unwrap()).asked(&AnswerKind::NxDomain, ms(6));
        server.dead.set(1);
        assert_eq!((metrics.lookups(), metrics.queries()), (1, 2));
        let mut registry = Registry::default();
        registry.add(metrics);
        insta::assert_snapshot!(registry.render());
    }
}
