//! The SMTP client as the MTA sees it: its address, and what the DNS says of its name.

use std::net::IpAddr;

/// Who connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The peer's address; `None` when the mail does not come over the network.
    pub addr: Option<IpAddr>,
    /// The peer's TCP port.
    pub port: u16,
    /// What the reverse and forward look-ups gave.
    pub name: ClientName,
    /// The MTA's own address of this connection.
    pub local_addr: Option<IpAddr>,
}

/// What the reverse look-up of the client's address gave, and whether the forward look-up confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientName {
    /// The PTR name has the client's address.
    Verified(String),
    /// The PTR name does not have the client's address.
    Forged(String),
    /// There is no PTR name.
    Missing,
    /// There is no network either: a user of this host talks to the MTA on its standard input.
    LocalUser(String),
}

impl Client {
    /// A client whose name is verified.
    pub fn verified(addr: IpAddr, port: u16, name: &str) -> Self {
        Self { addr: Some(addr), port, name: ClientName::Verified(name.to_owned()), local_addr: None }
    }

    /// A user of this host who talks to the MTA on its standard input: `sendmail -bs`.
    pub fn local_user(name: &str) -> Self {
        Self { addr: None, port: 0, name: ClientName::LocalUser(name.to_owned()), local_addr: None }
    }

    /// The client's IPv4 address if it has one, also when it came as an IPv4-mapped IPv6 address.
    pub(crate) fn canonical_addr(&self) -> Option<IpAddr> {
        self.addr.map(|addr| addr.to_canonical())
    }
}

impl ClientName {
    /// The name that forward and reverse look-ups agree on.
    pub fn verified(&self) -> Option<&str> {
        match self {
            Self::Verified(name) => Some(name),
            Self::Forged(_) | Self::Missing | Self::LocalUser(_) => None,
        }
    }
}
