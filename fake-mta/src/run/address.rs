//! Where a milter listens, in sendmail's notation.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
};

/// The address of a milter: `unix:/path`, `local:/path`, `inet:port@host`, `inet6:port@host`; Postfix's `inet:host:port` too.
///
/// Hosts are addresses, or `localhost`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MilterAddr {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP socket.
    Tcp(SocketAddr),
}

/// Why a text is no milter address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a milter address (write unix:/path, inet:port@host or inet6:port@host)")]
pub struct MilterAddrError {
    text: String,
}

impl MilterAddr {
    /// The path of a Unix socket.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Tcp(_) => None,
        }
    }

    /// The address of a TCP socket.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp(addr) => Some(*addr),
        }
    }
}

impl FromStr for MilterAddr {
    type Err = MilterAddrError;

    fn from_str(text: &str) -> Result<Self, MilterAddrError> {
        let parsed = match text.split_once(':') {
            Some(("unix" | "local", path)) if !path.is_empty() => Some(Self::Unix(path.into())),
            Some(("inet" | "inet6", rest)) => tcp(rest).map(Self::Tcp),
            _ if text.starts_with('/') => Some(Self::Unix(text.into())),
            _ => None,
        };
        parsed.ok_or_else(|| MilterAddrError { text: crate::diag::escape(text).into_owned() })
    }
}

/// `port@host`, `host:port`, or `port` alone for the loopback address.
fn tcp(text: &str) -> Option<SocketAddr> {
    let (host, port) = match text.split_once('@') {
        Some((port, host)) => (host, port),
        None => text.rsplit_once(':').unwrap_or(("localhost", text)),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let ip: IpAddr = if host == "localhost" { IpAddr::from([127, 0, 0, 1]) } else { host.parse().ok()? };
    Some(SocketAddr::new(ip, port.parse().ok()?))
}

impl fmt::Display for MilterAddr {
    /// As sendmail writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(SocketAddr::V4(addr)) => write!(f, "inet:{}@{}", addr.port(), addr.ip()),
            Self::Tcp(SocketAddr::V6(addr)) => write!(f, "inet6:{}@{}", addr.port(), addr.ip()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notation_is_read() {
        for (text, printed) in [
            ("unix:/run/m.sock", "unix:/run/m.sock"),
            ("local:/run/m.sock", "unix:/run/m.sock"),
            ("/run/m.sock", "unix:/run/m.sock"),
            ("inet:8891@localhost", "inet:8891@127.0.0.1"),
            ("inet:127.0.0.1:8891", "inet:8891@127.0.0.1"),
            ("inet:8891", "inet:8891@127.0.0.1"),
            ("inet6:8891@::1", "inet6:8891@::1"),
            ("inet6:[::1]:8891", "inet6:8891@::1"),
        ] {
            assert_eq!(text.parse::<MilterAddr>().map(|addr| addr.to_string()).as_deref(), Ok(printed));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "m.sock", "unix:", "inet:", "inet:x@localhost", "inet:1@host.example", "tcp:1@127.0.0.1"] {
            assert!(text.parse::<MilterAddr>().is_err(), "{text}");
        }
    }
}
