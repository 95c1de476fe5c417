use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::name::{Name, NameError};

/// Whether two IPv4 addresses share their first bits; with 0 bits any two do.
pub(super) fn in_network4(ip: Ipv4Addr, network: Ipv4Addr, prefix_bits: u8) -> bool {
    let different = ip.to_bits() ^ network.to_bits();
    different.leading_zeros() >= u32::from(prefix_bits)
}

/// Whether two IPv6 addresses share their first bits; with 0 bits any two do.
pub(super) fn in_network6(ip: Ipv6Addr, network: Ipv6Addr, prefix_bits: u8) -> bool {
    let different = ip.to_bits() ^ network.to_bits();
    different.leading_zeros() >= u32::from(prefix_bits)
}

/// Returns the name that PTR records of an address stand at (RFC 1035 section 3.5, RFC 3596 section 2.5).
pub(super) fn reverse_name(ip: IpAddr) -> Result<Name, NameError> {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            Name::parse(format!("{d}.{c}.{b}.{a}.in-addr.arpa"))
        }
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().rev().flat_map(|byte| [byte & 0xf, byte >> 4]);
            let digit = |nibble| HEX_DIGITS.get(usize::from(nibble)..=usize::from(nibble)).unwrap_or_default();
            Name::from_labels(nibbles.map(digit).chain([b"ip6".as_slice(), b"arpa"]))
        }
    }
}

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_zero_bits_matches_every_address() {
        assert!(in_network4(Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(1, 1, 1, 1), 0));
        assert!(in_network6("2001:db8::1".parse().unwrap(), "::".parse().unwrap(), 0));
    }

    #[test]
    fn a_prefix_compares_its_bits_and_no_more() {
        let network = Ipv4Addr::new(192, 0, 2, 128);
        assert!(in_network4(Ipv4Addr::new(192, 0, 2, 255), network, 25));
        assert!(!in_network4(Ipv4Addr::new(192, 0, 2, 127), network, 25));
        assert!(in_network4(network, network, 32));
        assert!(!in_network4(Ipv4Addr::new(192, 0, 2, 129), network, 32));
        let ip6 = |text: &str| text.parse::<Ipv6Addr>().unwrap();
        assert!(in_network6(ip6("2001:db8:8000::1"), ip6("2001:db8:8000::"), 33));
        assert!(!in_network6(ip6("2001:db8:7fff::1"), ip6("2001:db8:8000::"), 33));
        assert!(!in_network6(ip6("2001:db8::1"), ip6("2001:db8::"), 128));
    }

    #[test]
    fn reverse_names_are_those_of_the_arpa_zones() {
        let name = |ip: &str| reverse_name(ip.parse().unwrap()).unwrap().to_string();
        assert_eq!(name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
        assert_eq!(name("2001:db8::cb01"), "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    }
}
