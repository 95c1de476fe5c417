//! Where answers come from: the DNS, or zone files.

use std::time::Duration;

use spf::{Answer, Lookup, Name, Question};

use super::dns::{DnsLookup, DnsResolver};
use super::meter::DnsCost;
use super::zone::ZoneLookup;

/// Where answers come from.
#[derive(Clone)]
pub(crate) enum DnsSource {
    /// Name servers.
    Dns(DnsResolver),
    /// Zone files, for the offline tools.
    Zone(ZoneLookup),
}

impl DnsSource {
    /// Makes the lookup of one event, with a budget where asking takes time.
    pub(crate) fn within(&self, budget: Duration) -> SourceLookup {
        match self {
            Self::Dns(resolver) => SourceLookup::Dns(resolver.within(budget)),
            Self::Zone(zone) => SourceLookup::Zone(zone.clone()),
        }
    }

    /// Whether a domain has a record of the retired type SPF (RFC 7208 section 3.1); false if that cannot be found out.
    pub(crate) async fn has_type_99(&self, domain: &Name, within: &SourceLookup) -> bool {
        match (self, within) {
            (Self::Zone(zone), _) => zone.has_type_99(domain),
            (Self::Dns(_), SourceLookup::Dns(dns)) => dns.has_type_99(domain).await,
            (Self::Dns(_), SourceLookup::Zone(_)) => false,
        }
    }

    /// The hosts and mail domains below a domain, as far as they are known without asking.
    pub(crate) fn hosts_below(&self, domain: &Name) -> Vec<Name> {
        match self {
            Self::Dns(_) => Vec::new(),
            Self::Zone(zone) => zone.hosts_below(domain),
        }
    }
}

/// A [`DnsSource`] with a deadline.
pub(crate) enum SourceLookup {
    /// Name servers.
    Dns(DnsLookup),
    /// Zone files.
    Zone(ZoneLookup),
}

impl SourceLookup {
    /// The same event with less time.
    pub(crate) fn at_most(&self, budget: Duration) -> Self {
        match self {
            Self::Dns(dns) => Self::Dns(dns.at_most(budget)),
            Self::Zone(zone) => Self::Zone(zone.clone()),
        }
    }

    /// What the event's questions have cost so far; zone files cost nothing.
    pub(crate) fn cost(&self) -> DnsCost {
        match self {
            Self::Dns(dns) => dns.cost(),
            Self::Zone(_) => DnsCost::default(),
        }
    }
}

impl Lookup for SourceLookup {
    async fn lookup(&self, question: Question) -> Answer {
        match self {
            Self::Dns(dns) => dns.lookup(question).await,
            Self::Zone(zone) => zone.lookup(question).await,
        }
    }
}
