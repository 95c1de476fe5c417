//! The administrator's lists, and the questions asked of them.

use std::net::IpAddr;

use ipnet::IpNet;
use spf::SpfResult;

use crate::judge::Findings;
use crate::pattern::{Pattern, glob};

/// Who is not judged, or not refused.
#[derive(Clone, Debug)]
pub(crate) struct Exemptions {
    /// Clients that have authenticated themselves.
    pub(crate) authenticated: Authenticated,
    /// Clients with a verified certificate.
    pub(crate) tls: TlsClients,
    /// Clients in these networks: nothing at all is done in their sessions.
    pub(crate) networks: Vec<IpNet>,
    /// The relays that mail comes through, such as backup mail exchangers: the client behind them is judged.
    pub(crate) relays: Vec<IpNet>,
    /// HELO names of forwarders, believed where SPF passes for the name itself.
    pub(crate) forwarders: Vec<Pattern>,
    /// Senders that are not checked.
    pub(crate) senders: Vec<Pattern>,
    /// HELO names whose mail is not checked.
    pub(crate) helo: Vec<Pattern>,
    /// Recipients that are never refused.
    pub(crate) recipients: Vec<Pattern>,
}

/// Whether clients that have authenticated themselves are exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authenticated {
    /// They are judged like all others.
    No,
    /// They are exempt where the MTA tells of them by itself, as stock configurations do.
    IfTold,
    /// They are exempt, and the MTA is asked to tell.
    Ask,
}

/// Which clients with a certificate that the MTA could verify are exempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TlsClients {
    /// None.
    No,
    /// All.
    All,
    /// Those whose certificate has a subject of one of these patterns.
    Subjects(Vec<String>),
}

/// What the MTA has told of a client's security.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// Whether the certificate was verified.
    pub(crate) verified: bool,
    /// The certificate's subject.
    pub(crate) subject: Vec<u8>,
}

/// Why somebody is exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exemption {
    /// The client has authenticated itself.
    Authenticated,
    /// The client's certificate was verified.
    Tls,
    /// The sender is listed.
    Sender,
    /// The HELO name is listed.
    Helo,
    /// The mail began at an own relay, or the relay's Received field cannot be read.
    Relay,
    /// The client is a listed forwarder.
    Forwarder,
    /// All recipients are listed.
    Recipients,
}

impl Exemption {
    /// The words for the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated client",
            Self::Tls => "verified certificate",
            Self::Sender => "listed sender",
            Self::Helo => "listed HELO name",
            Self::Relay => "mail of an own relay",
            Self::Forwarder => "listed forwarder",
            Self::Recipients => "listed recipients",
        }
    }
}

impl Exemptions {
    /// Whether nothing is done in the sessions of a client.
    pub(crate) fn is_trusted(&self, ip: IpAddr) -> bool {
        holds(&self.networks, ip)
    }

    /// Whether a client is an own relay.
    pub(crate) fn is_relay(&self, ip: IpAddr) -> bool {
        holds(&self.relays, ip)
    }

    /// Whether a certificate exempts.
    pub(crate) fn exempts_tls(&self, tls: &Tls) -> bool {
        tls.verified
            && match &self.tls {
                TlsClients::No => false,
                TlsClients::All => true,
                TlsClients::Subjects(patterns) => patterns.iter().any(|pattern| glob(pattern.as_bytes(), &tls.subject)),
            }
    }

    /// Whether mail from this sender and HELO name is not checked.
    pub(crate) fn exempts_envelope(&self, mail_from: &[u8], helo: &[u8]) -> Option<Exemption> {
        if !mail_from.is_empty() && self.senders.iter().any(|pattern| pattern.matches_address(mail_from)) {
            return Some(Exemption::Sender);
        }
        self.helo.iter().any(|pattern| pattern.matches_domain(helo)).then_some(Exemption::Helo)
    }

    /// Whether the client is a listed forwarder: anybody can say its name, only the forwarder passes for it.
    pub(crate) fn is_forwarder(&self, findings: &Findings) -> bool {
        let helo = findings.helo().filter(|helo| helo.result() == SpfResult::Pass);
        helo.is_some_and(|helo| self.forwarders.iter().any(|pattern| pattern.matches_domain(helo.request.helo())))
    }

    /// Whether a recipient is never refused.
    pub(crate) fn exempts_recipient(&self, address: &[u8]) -> bool {
        self.recipients.iter().any(|pattern| pattern.matches_address(address))
    }
}

fn holds(networks: &[IpNet], ip: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&ip))
}
