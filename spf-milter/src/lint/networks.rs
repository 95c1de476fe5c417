//! The networks of one record: too large, private, redundant, or written oddly.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use spf::{Directive, Mechanism, Qualifier, Record, Term};

use super::finding::{Report, Severity, Text};

/// One `ip4` or `ip6` of a record.
#[derive(Clone, Copy, Debug)]
struct Network {
    index: usize,
    qualifier: Qualifier,
    address: IpAddr,
    prefix_bits: u8,
}

/// Looks at the networks of a record.
pub(super) fn lint(report: &mut Report, text: &Arc<Text>, record: &Record) {
    let networks = networks(record);
    let index = Index::new(&networks);
    for (position, network) in networks.iter().enumerate() {
        let place = || (text, record.term_span(network.index).unwrap_or_default());
        if let Some((severity, code, what, advice)) = alone(network) {
            report.at(severity, code, place(), what, advice);
        }
        if let Some(wider) = index.wider(position, network).and_then(|position| networks.get(position)) {
            let what = format!("this network lies within {}", record.term_text(wider.index));
            report.at(Severity::Advice, "redundant-network", place(), what, "remove it");
        }
    }
}

/// Where the networks of a record first stand: a record has room for thousands, too many to compare each with each.
#[derive(Default)]
struct Index {
    /// The prefix lengths that occur.
    bits: BTreeSet<u8>,
    /// By address and prefix length; positions count networks.
    first: HashMap<(IpAddr, u8), usize>,
    first_of_qualifier: HashMap<(IpAddr, u8, Qualifier), usize>,
}

impl Index {
    fn new(networks: &[Network]) -> Self {
        let mut index = Self::default();
        for (position, network) in networks.iter().enumerate() {
            let (address, bits) = (network.masked(network.address), network.prefix_bits);
            index.bits.insert(bits);
            index.first.entry((address, bits)).or_insert(position);
            index.first_of_qualifier.entry((address, bits, network.qualifier)).or_insert(position);
        }
        index
    }

    /// The first network that makes this one redundant. Behind one that contains it, it is never reached; before it, it
    /// may be an exception with another qualifier.
    fn wider(&self, position: usize, network: &Network) -> Option<usize> {
        let of_length = |&bits: &u8| {
            let address = Network { prefix_bits: bits, ..*network }.masked(network.address);
            let before = self.first.get(&(address, bits)).filter(|first| **first < position);
            let same = self.first_of_qualifier.get(&(address, bits, network.qualifier));
            let wider = same.filter(|_| bits < network.prefix_bits);
            before.into_iter().chain(wider).min().copied()
        };
        self.bits.range(..=network.prefix_bits).filter_map(of_length).min()
    }
}

fn networks(record: &Record) -> Vec<Network> {
    let network = |(index, term): (usize, &Term)| match term {
        Term::Directive(Directive { qualifier, mechanism }) => {
            let (address, prefix_bits) = match *mechanism {
                Mechanism::Ip4 { network, prefix_bits } => (network.into(), prefix_bits),
                Mechanism::Ip6 { network, prefix_bits } => (network.into(), prefix_bits),
                _ => return None,
            };
            Some(Network { index, qualifier: *qualifier, address, prefix_bits })
        }
        Term::Modifier(_) => None,
    };
    record.terms().iter().enumerate().filter_map(network).collect()
}

impl Network {
    /// The address with all bits behind the prefix cleared.
    fn masked(&self, address: IpAddr) -> IpAddr {
        let host_bits = |bits: u32| bits - u32::from(self.prefix_bits).min(bits);
        match address {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(host_bits(32)).unwrap_or(0);
                Ipv4Addr::from(u32::from(ip) & mask).into()
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(host_bits(128)).unwrap_or(0);
                Ipv6Addr::from(u128::from(ip) & mask).into()
            }
        }
    }
}

/// What can be said of a network by itself: the worst thing only.
fn alone(network: &Network) -> Option<(Severity, &'static str, String, String)> {
    let bits = network.prefix_bits;
    let huge = if network.address.is_ipv4() { bits < HUGE_IP4_BITS } else { bits < HUGE_IP6_BITS };
    let masked = network.masked(network.address);
    Some(if bits == 0 {
        let what = "a prefix of 0 bits lets every host in the world send mail for the domain";
        (Severity::Error, "huge-network", what.to_owned(), "list the networks that do send mail".to_owned())
    } else if let Some(kind) = special(network.address) {
        let what = format!("no mail comes from here over the internet: {kind}");
        (Severity::Warning, "special-network", what, "remove it".to_owned())
    } else if huge {
        let what = format!("a prefix of {bits} bits lets a great many hosts send mail for the domain");
        (Severity::Warning, "huge-network", what, "list the networks that do send mail".to_owned())
    } else if masked != network.address {
        let what = format!("bits behind the prefix are set, and ignored: this means {masked}/{bits}");
        let advice = format!("write {masked}/{bits}, or the address without a prefix if one host is meant");
        (Severity::Warning, "host-bits", what, advice)
    } else {
        return None;
    })
}

/// Addresses that no client on the public internet has (RFC 6890).
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(ip) if ip.is_private() => Some("a private network (RFC 1918)"),
        IpAddr::V4(ip) if ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]) => {
            Some("shared address space (RFC 6598)")
        }
        IpAddr::V4(ip) if ip.is_documentation() => Some("a network for documentation (RFC 5737)"),
        IpAddr::V4(ip) if ip.is_link_local() => Some("link-local addresses"),
        IpAddr::V4(ip) if ip.is_multicast() || ip.octets()[0] >= 240 => Some("multicast or reserved addresses"),
        IpAddr::V6(ip) if ip.is_unique_local() => Some("unique local addresses (RFC 4193)"),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some("link-local addresses"),
        IpAddr::V6(ip) if ip.segments()[..2] == [0x2001, 0xdb8] => Some("a network for documentation (RFC 3849)"),
        IpAddr::V6(ip) if ip.is_multicast() => Some("multicast addresses"),
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => {
            Some("receivers compare an IPv4-mapped address as IPv4, so ip6 never matches it")
        }
        ip if ip.is_loopback() => Some("loopback addresses"),
        _ => None,
    }
}

/// Shorter prefixes than this are more than any one sender has.
const HUGE_IP4_BITS: u8 = 14;

/// The same for IPv6: providers get a /32.
const HUGE_IP6_BITS: u8 = 28;
