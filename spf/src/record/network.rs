use std::net::Ipv4Addr;

use super::terms::{DualCidr, Mechanism};

/// A mechanism written in the plainest way, as most of most records are: in lower case, an `ip4`, or without argument.
#[derive(Clone, Copy)]
pub(super) enum Plain {
    All,
    A,
    Mx,
    Ip4 { network: Ipv4Addr, prefix_bits: u8 },
}

impl From<Plain> for Mechanism {
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::All => Self::All,
            Plain::A => Self::A { domain: None, cidr: DualCidr::default() },
            Plain::Mx => Self::Mx { domain: None, cidr: DualCidr::default() },
            Plain::Ip4 { network, prefix_bits } => Self::Ip4 { network, prefix_bits },
        }
    }
}

/// Reads a plain mechanism at the start of a text; returns what follows it too. None if it is another term, or has an
/// error to be told.
pub(super) fn plain_mechanism(text: &str) -> Option<(Plain, &str)> {
    let (plain, rest) = match text.as_bytes() {
        [b'i', b'p', b'4', b':', ..] => plain_ip4(text.get(4..)?)?,
        [b'a', b'l', b'l', ..] => (Plain::All, text.get(3..)?),
        [b'm', b'x', ..] => (Plain::Mx, text.get(2..)?),
        [b'a', ..] => (Plain::A, text.get(1..)?),
        _ => return None,
    };
    matches!(rest.as_bytes(), [] | [b' ', ..]).then_some((plain, rest))
}

fn plain_ip4(text: &str) -> Option<(Plain, &str)> {
    let (network, rest) = leading_ip4(text)?;
    let Some(prefix) = rest.strip_prefix('/') else {
        return Some((Plain::Ip4 { network, prefix_bits: 32 }, rest));
    };
    let digits = prefix.bytes().position(|byte| byte == b' ').unwrap_or(prefix.len());
    let (prefix, rest) = prefix.split_at_checked(digits)?;
    Some((Plain::Ip4 { network, prefix_bits: prefix_bits(prefix, 32)? }, rest))
}

/// Reads a whole IPv4 address.
pub(super) fn ip4(text: &str) -> Option<Ipv4Addr> {
    leading_ip4(text).and_then(|(address, rest)| rest.is_empty().then_some(address))
}

/// Reads a prefix length. §5.6: the grammar has no leading zeros.
pub(super) fn prefix_bits(text: &str, bits_max: u8) -> Option<u8> {
    let bits = match *text.as_bytes() {
        [ones @ b'0'..=b'9'] => ones - b'0',
        [tens @ b'1'..=b'9', ones @ b'0'..=b'9'] => (tens - b'0') * 10 + (ones - b'0'),
        [b'1', tens @ b'0'..=b'2', ones @ b'0'..=b'9'] => 100 + (tens - b'0') * 10 + (ones - b'0'),
        _ => return None,
    };
    (bits <= bits_max).then_some(bits)
}

/// Reads an IPv4 address at the start of a text; returns what follows it too.
fn leading_ip4(text: &str) -> Option<(Ipv4Addr, &str)> {
    let (a, rest) = leading_octet(text.as_bytes())?;
    let (b, rest) = leading_octet(rest.strip_prefix(b".")?)?;
    let (c, rest) = leading_octet(rest.strip_prefix(b".")?)?;
    let (d, rest) = leading_octet(rest.strip_prefix(b".")?)?;
    let rest = text.get(text.len() - rest.len()..)?;
    Some((Ipv4Addr::from_bits(a << 24 | b << 16 | c << 8 | d), rest))
}

/// Reads a number up to 255 that has as many digits as it needs (§5.6: the grammar has no leading zeros).
fn leading_octet(text: &[u8]) -> Option<(u32, &[u8])> {
    let digit = |at: usize| text.get(at).map(|byte| u32::from(byte.wrapping_sub(b'0'))).filter(|digit| *digit <= 9);
    let ones = digit(0)?;
    let Some(second) = digit(1) else { return Some((ones, text.get(1..)?)) };
    let tens = ones * 10 + second;
    let Some(third) = digit(2) else { return if tens >= 10 { Some((tens, text.get(2..)?)) } else { None } };
    let hundreds = tens * 10 + third;
    if (100..=255).contains(&hundreds) { Some((hundreds, text.get(3..)?)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// §5.6: `ip4-network` is a dotted quad, as the standard library reads it.
    #[test]
    fn addresses_are_those_of_the_standard_library() {
        for text in ["0.0.0.0", "1.2.3.4", "10.20.30.40", "255.255.255.255", "192.0.2.100"] {
            assert_eq!(ip4(text), text.parse().ok(), "{text}");
        }
        for text in ["", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.04", "00.2.3.4", "1.2.3.256"] {
            assert_eq!(ip4(text), None, "{text}");
        }
        for text in ["1.2.3.1000", "1.2.3.4294967297", "1.2.3.4x", "1.2.3.4 ", "+1.2.3.4", "1.2.3.4/24"] {
            assert_eq!(ip4(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_general_way() {
        let plain = |text| plain_mechanism(text).map(|(plain, rest)| (Mechanism::from(plain), rest));
        let ip4 = |network: [u8; 4], prefix_bits| Mechanism::Ip4 { network: network.into(), prefix_bits };
        assert_eq!(plain("ip4:192.0.2.0/24 -all"), Some((ip4([192, 0, 2, 0], 24), " -all")));
        assert_eq!(plain("ip4:192.0.2.0/24"), Some((ip4([192, 0, 2, 0], 24), "")));
        assert_eq!(plain("ip4:192.0.2.1 -all"), Some((ip4([192, 0, 2, 1], 32), " -all")));
        assert_eq!(plain("ip4:192.0.2.1"), Some((ip4([192, 0, 2, 1], 32), "")));
        assert_eq!(plain("all"), Some((Mechanism::All, "")));
        for word in ["IP4:192.0.2.1", "ip4", "ip4:", "ip4:192.0.2.1/33", "ip4:192.0.2.1/", "ip4:192.0.2.1//24"] {
            assert_eq!(plain(word), None, "{word}");
        }
        for word in ["All", "all:", "a:example.com", "a/24", "mx/24", "mxa", "ptr", ""] {
            assert_eq!(plain(word), None, "{word}");
        }
    }
}
