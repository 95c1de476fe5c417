//! The client's address as the connect command carries it.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use super::{
    error::DecodeError,
    escape::Escaped,
    payload::{Payload, put_string},
};

/// Where the SMTP client comes from. Texts are kept as they came, so that they go out again as they were.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// The MTA does not know, or will not say.
    #[doc(alias = "SMFIA_UNKNOWN")]
    Unknown,
    /// A local socket.
    #[doc(alias = "SMFIA_UNIX")]
    Unix {
        /// Always 0 in practice.
        port: u16,
        /// The path of the socket.
        path: Vec<u8>,
    },
    /// IPv4.
    #[doc(alias = "SMFIA_INET")]
    Inet {
        /// The client's port; 0 if unknown.
        port: u16,
        /// The address as a dotted quad.
        text: Vec<u8>,
    },
    /// IPv6.
    #[doc(alias = "SMFIA_INET6")]
    Inet6 {
        /// The client's port; 0 if unknown.
        port: u16,
        /// The address: sendmail writes `IPv6:` before it and all its groups, Postfix the short form alone.
        text: Vec<u8>,
    },
}

impl Address {
    /// The IP address; an IPv4 address that IPv6 wraps (`::ffff:192.0.2.1`) comes out as IPv4.
    ///
    /// `None` for a client without one, and for text that is no address.
    pub fn ip(&self) -> Option<IpAddr> {
        let (Self::Inet { text, .. } | Self::Inet6 { text, .. }) = self else { return None };
        let text = std::str::from_utf8(text).ok()?;
        match strip_ipv6_tag(text) {
            Some(tagged) => tagged.parse::<Ipv6Addr>().ok().map(|ip| ip.to_canonical()),
            None => text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()),
        }
    }

    /// The client's port, where there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Unknown | Self::Unix { .. } => None,
            Self::Inet { port, .. } | Self::Inet6 { port, .. } => Some(*port),
        }
    }

    pub(super) fn decode(payload: &mut Payload<'_>) -> Result<Self, DecodeError> {
        let family = payload.byte("an address family")?;
        if family == FAMILY_UNKNOWN {
            return Ok(Self::Unknown);
        }
        if ![FAMILY_UNIX, FAMILY_INET, FAMILY_INET6].contains(&family) {
            return Err(payload.error_before("an address family (U, L, 4 or 6)"));
        }
        let port = payload.u16("a port of two bytes")?;
        let text = payload.string("an address that ends in NUL")?;
        Ok(match family {
            FAMILY_UNIX => Self::Unix { port, path: text },
            FAMILY_INET => Self::Inet { port, text },
            _ => Self::Inet6 { port, text },
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let (family, port, text) = match self {
            Self::Unknown => return out.push(FAMILY_UNKNOWN),
            Self::Unix { port, path } => (FAMILY_UNIX, port, path),
            Self::Inet { port, text } => (FAMILY_INET, port, text),
            Self::Inet6 { port, text } => (FAMILY_INET6, port, text),
        };
        out.push(family);
        out.extend_from_slice(&port.to_be_bytes());
        put_string(out, text);
    }
}

impl From<(IpAddr, u16)> for Address {
    /// The address in the form that Postfix writes.
    fn from((ip, port): (IpAddr, u16)) -> Self {
        let text = ip.to_string().into_bytes();
        match ip {
            IpAddr::V4(_) => Self::Inet { port, text },
            IpAddr::V6(_) => Self::Inet6 { port, text },
        }
    }
}

impl fmt::Display for Address {
    /// `inet:PORT@ADDRESS`, `inet6:PORT@ADDRESS`, `unix:PATH` or `unknown`, texts as they came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Unix { path, .. } => write!(f, "unix:{}", Escaped(path)),
            Self::Inet { port, text } => write!(f, "inet:{port}@{}", Escaped(text)),
            Self::Inet6 { port, text } => write!(f, "inet6:{port}@{}", Escaped(text)),
        }
    }
}

fn strip_ipv6_tag(text: &str) -> Option<&str> {
    let (tag, rest) = text.split_at_checked(5)?;
    tag.eq_ignore_ascii_case("IPv6:").then_some(rest)
}

const FAMILY_UNKNOWN: u8 = b'U';
const FAMILY_UNIX: u8 = b'L';
const FAMILY_INET: u8 = b'4';
const FAMILY_INET6: u8 = b'6';

#[cfg(test)]
mod tests {
    use super::*;

    fn ip6(text: &str) -> Option<String> {
        Address::Inet6 { port: 0, text: text.into() }.ip().map(|ip| ip.to_string())
    }

    #[test]
    fn every_way_of_writing_an_ipv6_address_is_read() {
        assert_eq!(ip6("IPv6:fd00:0:0:0:0:0:0:2").as_deref(), Some("fd00::2"));
        assert_eq!(ip6("fd00::2").as_deref(), Some("fd00::2"));
        assert_eq!(ip6("ipv6:FD00::2").as_deref(), Some("fd00::2"));
        assert_eq!(ip6("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(ip6("IPv6:192.0.2.1"), None);
        assert_eq!(ip6("IPv6:"), None);
        assert_eq!(ip6("fd00::2%eth0"), None);
        assert_eq!(ip6("aaaa\u{e9}:1"), None);
    }

    #[test]
    fn clients_without_an_address_have_none() {
        assert_eq!(Address::Unknown.ip(), None);
        assert_eq!(Address::Unix { port: 0, path: b"192.0.2.1".to_vec() }.ip(), None);
        assert_eq!(Address::Inet { port: 1, text: b"192.0.2.1".to_vec() }.ip(), "192.0.2.1".parse().ok());
    }
}
