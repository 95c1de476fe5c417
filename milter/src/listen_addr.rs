//! [`ListenAddr`]: addresses as sendmail and Postfix write them.

use std::{fmt, net::Ipv6Addr, path::PathBuf, str::FromStr};

/// Where a filter listens.
///
/// Written `unix:/path` or `local:/path` or `/path`; `inet:PORT@HOST`, `inet6:PORT@HOST`, or with all addresses of the
/// machine `inet:PORT`; Postfix's `inet:HOST:PORT` is understood too. Port 0 is any free port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenAddr {
    /// A socket in the file system.
    Unix(PathBuf),
    /// TCP over IPv4.
    Inet {
        /// A name or an address; `None` is every address of the machine.
        host: Option<String>,
        /// The port.
        port: u16,
    },
    /// TCP over IPv6.
    Inet6 {
        /// A name, or an address without brackets; `None` is every address of the machine.
        host: Option<String>,
        /// The port.
        port: u16,
    },
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenAddrError {
    /// It begins like none.
    #[error("address {0:?}: expected `unix:/path`, `inet:PORT@HOST` or `inet6:PORT@HOST`")]
    Family(String),
    /// A relative or empty path.
    #[error("address {0:?}: expected an absolute path after the colon, as in `unix:/run/milter.sock`")]
    Path(String),
    /// The path does not fit into a socket address.
    #[error("address {address:?}: the path has {bytes} bytes, at most {PATH_MAX} fit into a socket address")]
    PathLength {
        /// The address.
        address: String,
        /// The size of its path.
        bytes: usize,
    },
    /// No port.
    #[error("address {0:?}: expected a port from 0 to 65535, as in `inet:8890@localhost`")]
    Port(String),
    /// An empty host, or one with characters that no host has.
    #[error("address {0:?}: expected a host name or an address after `@`")]
    Host(String),
    /// An IPv6 address as `inet`.
    #[error("address {0:?}: an IPv6 address is written `inet6:PORT@ADDRESS`")]
    Inet6Needed(String),
}

impl FromStr for ListenAddr {
    type Err = ListenAddrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with('/') {
            return unix(text, text);
        }
        match text.split_once(':') {
            Some(("unix" | "local", path)) => unix(path, text),
            Some(("inet", rest)) => inet(rest, text),
            Some(("inet6", rest)) => inet6(rest, text),
            _ => Err(ListenAddrError::Family(text.to_owned())),
        }
    }
}

impl fmt::Display for ListenAddr {
    /// As sendmail writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Inet { host: Some(host), port } => write!(f, "inet:{port}@{host}"),
            Self::Inet { host: None, port } => write!(f, "inet:{port}"),
            Self::Inet6 { host: Some(host), port } => write!(f, "inet6:{port}@{host}"),
            Self::Inet6 { host: None, port } => write!(f, "inet6:{port}"),
        }
    }
}

fn unix(path: &str, text: &str) -> Result<ListenAddr, ListenAddrError> {
    if !path.starts_with('/') || path.contains('\0') {
        return Err(ListenAddrError::Path(text.to_owned()));
    }
    if path.len() > PATH_MAX {
        return Err(ListenAddrError::PathLength { address: text.to_owned(), bytes: path.len() });
    }
    Ok(ListenAddr::Unix(path.into()))
}

fn inet(rest: &str, text: &str) -> Result<ListenAddr, ListenAddrError> {
    let (host, port) = host_and_port(rest);
    let port = port.parse().map_err(|_| ListenAddrError::Port(text.to_owned()))?;
    match host.map(|host| (host, bracketed(host))) {
        None => Ok(ListenAddr::Inet { host: None, port }),
        Some((_, Some(address))) => Ok(ListenAddr::Inet6 { host: Some(ipv6(address, text)?), port }),
        Some((host, None)) if host.parse::<Ipv6Addr>().is_ok() => Err(ListenAddrError::Inet6Needed(text.to_owned())),
        Some((host, None)) => Ok(ListenAddr::Inet { host: Some(name(host, text)?), port }),
    }
}

fn inet6(rest: &str, text: &str) -> Result<ListenAddr, ListenAddrError> {
    let (port, host) = rest.split_once('@').map_or((rest, None), |(port, host)| (port, Some(host)));
    let port = port.parse().map_err(|_| ListenAddrError::Port(text.to_owned()))?;
    let host = match host {
        None => None,
        Some(host) if host.contains(':') => Some(ipv6(bracketed(host).unwrap_or(host), text)?),
        Some(host) => Some(name(host, text)?),
    };
    Ok(ListenAddr::Inet6 { host, port })
}

/// sendmail's `PORT@HOST`, Postfix's `HOST:PORT`, or a port alone.
fn host_and_port(rest: &str) -> (Option<&str>, &str) {
    if let Some((port, host)) = rest.split_once('@') {
        return (Some(host), port);
    }
    rest.rsplit_once(':').map_or((None, rest), |(host, port)| (Some(host), port))
}

fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

fn ipv6(address: &str, text: &str) -> Result<String, ListenAddrError> {
    let address: Ipv6Addr = address.parse().map_err(|_| ListenAddrError::Host(text.to_owned()))?;
    Ok(address.to_string())
}

fn name(host: &str, text: &str) -> Result<String, ListenAddrError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || !host.bytes().all(is_name) {
        return Err(ListenAddrError::Host(text.to_owned()));
    }
    Ok(host.to_owned())
}

/// The size of `sun_path` on Linux without its NUL.
const PATH_MAX: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        text.parse::<ListenAddr>().map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    #[test]
    fn every_way_of_writing_an_address_is_read() {
        for (text, expected) in [
            ("unix:/run/m.sock", "unix:/run/m.sock"),
            ("local:/run/m.sock", "unix:/run/m.sock"),
            ("/run/m.sock", "unix:/run/m.sock"),
            ("inet:8890@localhost", "inet:8890@localhost"),
            ("inet:8890", "inet:8890"),
            ("inet:127.0.0.1:8890", "inet:8890@127.0.0.1"),
            ("inet:mail.example.org:0", "inet:0@mail.example.org"),
            ("inet:[::1]:8890", "inet6:8890@::1"),
            ("inet6:8890@::1", "inet6:8890@::1"),
            ("inet6:8890@[0:0::1]", "inet6:8890@::1"),
            ("inet6:8890@localhost", "inet6:8890@localhost"),
            ("inet6:8890", "inet6:8890"),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
            assert_eq!(parsed(expected), expected);
        }
    }

    #[test]
    fn errors_say_how_it_is_written() {
        let long = format!("unix:/{}", "x".repeat(PATH_MAX));
        let texts = [
            "",
            "8890",
            "tcp:8890@h",
            "unix:m.sock",
            "unix:",
            "inet:http@h",
            "inet:65536",
            "inet:1@",
            "inet:1@a b",
            "inet:1@::1",
            "inet6:1@x:y",
            &long,
        ];
        let errors: Vec<_> = texts.iter().map(|text| parsed(text).replace(&"x".repeat(PATH_MAX), "xxx…")).collect();
        insta::assert_snapshot!(errors.join("\n"));
    }
}
