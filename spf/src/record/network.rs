use std::net::Ipv4Addr;

use super::terms::{DualCidr, Mechanism};

/// Reads an `ip4` mechanism at the start of a text if it is written in the plainest way, as most terms of most records
/// are; returns its network and prefix length, and what follows it. None if it is another term, or has an error to be
/// told.
pub(super) fn plain_ip4(text: &str) -> Option<(Ipv4Addr, u8, &str)> {
    let (network, rest) = leading_ip4(text.strip_prefix("ip4:")?)?;
    match rest.as_bytes() {
        [] | [b' ', ..] => Some((network, 32, rest)),
        [b'/', prefix @ ..] => {
            let digits = prefix.iter().position(|&byte| byte == b' ').unwrap_or(prefix.len());
            let prefix_bits = prefix_bits(rest.get(1..=digits)?, 32)?;
            Some((network, prefix_bits, rest.get(digits + 1..)?))
        }
        _ => None,
    }
}

/// Reads a mechanism that is one lower-case word at the start of a text; returns what follows it too.
pub(super) fn plain_word(text: &str) -> Option<(Mechanism, &str)> {
    let (mechanism, rest) = match text.as_bytes() {
        [b'a', b'l', b'l', ..] => (Mechanism::All, text.get(3..)?),
        [b'm', b'x', ..] => (Mechanism::Mx { domain: None, cidr: DualCidr::default() }, text.get(2..)?),
        [b'a', ..] => (Mechanism::A { domain: None, cidr: DualCidr::default() }, text.get(1..)?),
        _ => return None,
    };
    matches!(rest.as_bytes(), [] | [b' ', ..]).then_some((mechanism, rest))
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
        let plain = |text| plain_ip4(text).map(|(network, bits, rest)| format!("{network} {bits}{rest}"));
        assert_eq!(plain("ip4:192.0.2.0/24 -all").as_deref(), Some("192.0.2.0 24 -all"));
        assert_eq!(plain("ip4:192.0.2.0/24").as_deref(), Some("192.0.2.0 24"));
        assert_eq!(plain("ip4:192.0.2.1 -all").as_deref(), Some("192.0.2.1 32 -all"));
        assert_eq!(plain("ip4:192.0.2.1").as_deref(), Some("192.0.2.1 32"));
        for word in ["IP4:192.0.2.1", "ip4", "ip4:", "ip4:192.0.2.1/33", "ip4:192.0.2.1/", "ip4:192.0.2.1//24", "a"] {
            assert_eq!(plain(word), None, "{word}");
        }
    }
}
