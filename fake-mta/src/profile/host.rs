//! What both MTAs know of a session: settings, client, queue ids, journal.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use crate::{
    client::{Client, ClientName},
    journal::{Event, Journal, LogLine},
    link::Connect,
    message::Delivered,
    queue_id::QueueIds,
    settings::Settings,
};

/// The surroundings of one SMTP session.
pub(crate) struct Host {
    /// What the administrator has set.
    pub(crate) settings: Arc<Settings>,
    /// Who is at the other end; XCLIENT may change it.
    pub(crate) client: Client,
    /// Where everything that happens is written down.
    pub(crate) journal: Journal,
    /// How filters are reached.
    pub(crate) connector: Arc<dyn Connect>,
    /// Where queue ids come from.
    pub(crate) queue_ids: QueueIds,
    /// The TLS session, after STARTTLS.
    pub(crate) tls: Option<Tls>,
    /// Whom the client has proved to be.
    pub(crate) auth: Option<Auth>,
}

/// What a TLS handshake came to. Names and values are those of sendmail's macros.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// By name without braces.
    pub(crate) values: BTreeMap<String, String>,
}

/// A client that has authenticated itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Auth {
    /// `PLAIN`, `LOGIN`, …
    pub(crate) mechanism: String,
    /// The user with the realm: `user@host`.
    pub(crate) user: String,
}

impl Host {
    /// The surroundings of a session that has not begun.
    pub(crate) fn new(settings: Arc<Settings>, client: Client, journal: Journal, connector: Arc<dyn Connect>) -> Self {
        let serial = settings.queue_serial.clone().unwrap_or_default();
        let queue_ids = QueueIds::new(settings.clock, settings.process_id, settings.first_queue_id.clone(), serial);
        Self { settings, client, journal, connector, queue_ids, tls: None, auth: None }
    }

    /// Writes a line into the MTA's log; control characters of `text` are escaped.
    pub(crate) fn log(&self, program: &'static str, queue_id: Option<&str>, text: &str) {
        let text = without_controls(text);
        let line = LogLine { program, queue_id: queue_id.map(str::to_owned), text };
        self.journal.note(Event::Log(line));
    }

    /// Puts a message into the queue, from which it leaves; false if the queue cannot be written.
    pub(crate) fn keep(&self, delivered: Delivered) -> bool {
        let kept = self.settings.store.as_ref().is_none_or(|store| store.keep(&delivered));
        if kept {
            self.journal.note(Event::Delivered(delivered));
        }
        kept
    }

    /// Whether the client is on this host: its address is one of our own.
    pub(crate) fn is_client_local(&self) -> bool {
        let Some(addr) = self.client.canonical_addr() else { return true };
        let is_loopback = addr == Ipv4Addr::LOCALHOST || addr == Ipv6Addr::LOCALHOST;
        is_loopback || self.client.local_addr == Some(addr) || self.settings.own_addresses.contains(&addr)
    }

    /// Whether the client may send to everybody.
    pub(crate) fn may_relay(&self) -> bool {
        let trusted = |addr| self.settings.recipients.trusted_clients.contains(&addr);
        self.auth.is_some() || self.client.canonical_addr().is_none_or(trusted)
    }

    /// The value that the settings give a macro, whatever the MTA would send.
    pub(crate) fn macro_override(&self, name: &str) -> Option<Vec<u8>> {
        self.settings.macro_values.get(name).map(|value| value.clone().into_bytes())
    }

    /// The same for a macro of an address, which may have a value of its own for it.
    pub(crate) fn macro_override_of(&self, name: &str, address: &[u8]) -> Option<Vec<u8>> {
        let address = String::from_utf8_lossy(address).to_lowercase();
        let own = self.settings.macro_values_of.get(name).and_then(|values| values.get(&address));
        own.map(|value| value.clone().into_bytes()).or_else(|| self.macro_override(name))
    }
}

impl ClientName {
    /// The name the reverse look-up gave, confirmed or not.
    pub(crate) fn claimed(&self) -> Option<&str> {
        match self {
            Self::Verified(name) | Self::Forged(name) => Some(name),
            Self::Missing | Self::LocalUser(_) => None,
        }
    }
}

/// `IPv6:` and the address in hex groups without `::`, as sendmail writes it; a dotted quad for IPv4.
pub(crate) fn sendmail_address(addr: IpAddr) -> String {
    match addr.to_canonical() {
        IpAddr::V4(addr) => addr.to_string(),
        IpAddr::V6(addr) => {
            let groups: Vec<String> = addr.segments().iter().map(|group| format!("{group:x}")).collect();
            format!("IPv6:{}", groups.join(":"))
        }
    }
}

/// Text with its control characters escaped as [`printable`] does.
fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.push_str(&printable(c.encode_utf8(&mut [0; 4]).as_bytes()));
        } else {
            out.push(c);
        }
    }
    out
}

/// The text of bytes for a log line or a transcript: one line, control characters and bytes that are no UTF-8 escaped in octal,
/// as syslog has them.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_gets_into_the_log() {
        assert_eq!(without_controls("a\x1b[31m\r\nb\u{9b}\u{e4}"), "a\\033[31m\\r\\nb\\302\\233\u{e4}");
    }
}
