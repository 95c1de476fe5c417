//! Which macros sendmail sends at a stage, and their values.

use milter_proto::{MacroStage, Negotiate};

use super::{
    release::Release,
    session::{Mail, Sendmail},
    text,
};
pub(super) use crate::profile::MacroTable;
use crate::{
    profile::{Host, host::sendmail_address},
    settings::{Route, Settings},
    smtp::{domain_of, split_at_byte},
};

/// What the macros of the content stages tell of a message.
pub(super) struct Known<'a> {
    pub(super) id: Vec<u8>,
    pub(super) size: usize,
    pub(super) sender: &'a [u8],
    /// How many hosts it has passed, this one included.
    pub(super) hops: usize,
    pub(super) date: Option<&'a [u8]>,
    pub(super) only_recipient: Option<&'a [u8]>,
}

impl MacroTable {
    /// The macros that belong to the host and the connection.
    fn of_daemon(host: &Host, release: &Release) -> Self {
        let mut table = Self::default();
        table.set("j", host.settings.hostname.as_str());
        table.set("v", release.version);
        table.set("_", text::client_text(&host.client));
        table.set("b", host.settings.clock.rfc5322("GMT"));
        table.set("a", host.settings.clock.rfc5322("GMT"));
        table.set("t", host.settings.clock.compact_minutes());
        table.set_own_names(host, release);
        table.set_client(host);
        table.set_interface(host);
        table.set_security(host);
        table.set_overrides(host);
        table
    }

    /// What the daemon calls itself, and how it runs.
    fn set_own_names(&mut self, host: &Host, release: &Release) {
        let hostname = host.settings.hostname.as_str();
        let (first, domain) = hostname.split_once('.').unwrap_or((hostname, ""));
        for (name, value) in [("w", first), ("m", domain), ("k", hostname), ("n", "MAILER-DAEMON")] {
            self.set(name, value);
        }
        self.set("Z", release.config_version);
        for (name, value) in [("opMode", "d"), ("deliveryMode", "b"), ("quarantine", "")] {
            self.set(name, value);
        }
    }

    /// What comes from the network; a user on standard input has none of it.
    fn set_client(&mut self, host: &Host) {
        let client = &host.client;
        let Some(addr) = client.canonical_addr() else { return };
        let ipv6 = client.addr.is_some_and(|addr| addr.is_ipv6());
        self.set("daemon_name", if ipv6 { "MTA-v6" } else { "MTA-v4" });
        self.set("daemon_addr", if ipv6 { "IPv6:0:0:0:0:0:0:0:0" } else { "0.0.0.0" });
        self.set("daemon_family", if ipv6 { "inet6" } else { "inet" });
        self.set("daemon_port", "25");
        self.set("daemon_info", "SMTP");
        self.set("daemon_flags", "");
        self.set("client_name", text::client_name(client));
        self.set("client_addr", sendmail_address(addr));
        self.set("client_port", client.port.to_string());
        self.set("client_resolve", text::client_resolve(client));
        self.set("client_connections", "1");
        self.set("client_ptr", text::claimed_name(client));
    }

    fn set_interface(&mut self, host: &Host) {
        match host.client.local_addr {
            // sendmail does not give the address of an IPv4 loopback interface.
            Some(local) if local.is_loopback() => self.set("if_name", "localhost"),
            Some(local) => {
                let address = sendmail_address(local);
                let name = host.settings.interface_name.clone().unwrap_or_else(|| format!("[{address}]"));
                self.set("if_name", name);
                self.set("if_addr", address);
            }
            None => {}
        }
    }

    fn set_security(&mut self, host: &Host) {
        if let Some(tls) = &host.tls {
            // Without a certificate of the client its names are there, and empty.
            self.set("cert_subject", "");
            self.set("cert_issuer", "");
            self.set("verify", text::NOT_VERIFIED);
            for (name, value) in &tls.values {
                self.set(name, value.as_str());
            }
        }
        if let Some(auth) = &host.auth {
            self.set("auth_type", auth.mechanism.as_str());
            self.set("auth_authen", auth.user.as_str());
            self.set("auth_ssf", "0");
        }
    }

    /// What is known of a message once its header is read.
    pub(super) fn set_message(&mut self, host: &Host, message: &Known<'_>) {
        self.set_default(host, "msg_id", &message.id[..]);
        self.set_default(host, "msg_size", message.size.to_string());
        self.set_default(host, "g", message.sender);
        self.set_default(host, "c", message.hops.to_string());
        if let Some(date) = message.date {
            self.set_default(host, "a", date.trim_ascii());
        }
        if let Some(recipient) = message.only_recipient {
            self.set_default(host, "u", [b"<", recipient, b">"].concat());
        }
    }
}

/// The name without its braces. Without braces the first letter is the macro, whatever follows.
pub(super) fn bare_name(name: &str) -> Option<&str> {
    match name.strip_prefix('{') {
        Some(inner) => Some(inner.strip_suffix('}').unwrap_or(inner)),
        None => name.get(..1),
    }
}

impl Sendmail {
    /// The macros of the session.
    pub(super) fn session_macros(&self) -> MacroTable {
        let mut table = MacroTable::of_daemon(&self.host, self.release);
        table.set_default(&self.host, "i", self.queue_id.as_str());
        if let Some(helo) = &self.helo {
            table.set_default(&self.host, "s", helo.as_str());
        }
        // The first recipient is what makes an envelope: before it the times of a later one are not known.
        let has_recipients = self.mail.as_ref().is_some_and(|mail| !mail.envelope.recipients.is_empty());
        if has_recipients {
            table.set_default(&self.host, "c", "0");
        } else if self.renewed {
            table.forget(&self.host, &["a", "t"]);
        }
        table
    }

    /// The macros of the session and of a message from that sender.
    pub(super) fn mail_macros(&self, mail: &Mail) -> MacroTable {
        let mut table = self.session_macros();
        let sender = &mail.envelope.sender[..];
        let (mailer, host, address) = mailer(&self.host.settings, sender);
        table.set_of(&self.host, "mail_mailer", sender, mailer);
        table.set_default(&self.host, "h", &host[..]);
        table.set_default(&self.host, "x", "");
        table.set_of(&self.host, "mail_host", sender, host);
        table.set_of(&self.host, "mail_addr", sender, address);
        table.set_default(&self.host, "f", sender);
        table.set_default(&self.host, "mail_from", &mail.typed[..]);
        table.set_default(&self.host, "r", if self.esmtp { "ESMTP" } else { "SMTP" });
        for name in ["nrcpts", "nbadrcpts", "ntries"] {
            table.set_default(&self.host, name, "0");
        }
        if let Some(author) = &mail.author {
            table.set_default(&self.host, "auth_author", &author[..]);
        }
        // What the client announces stands until the message is there.
        if let Some(size) = mail.envelope.param("SIZE") {
            table.set_default(&self.host, "msg_size", size);
        }
        table
    }

    /// The macros of the session and of the open message.
    pub(super) fn message_macros(&self) -> MacroTable {
        let Some(mail) = &self.mail else { return self.session_macros() };
        let mut table = self.mail_macros(mail);
        table.set_default(&self.host, "nrcpts", mail.envelope.recipients.len().to_string());
        table
    }

    /// The macros of a recipient, who is counted already.
    pub(super) fn rcpt_macros(&self, address: &[u8], route: Route) -> MacroTable {
        let mut table = self.message_macros();
        let accepted = self.mail.as_ref().map_or(0, |mail| mail.envelope.recipients.len());
        let count = accepted + usize::from(self.named_before(address).is_none());
        table.set_default(&self.host, "nrcpts", count.to_string());
        let (mailer, host, triple) = match route {
            Route::Unknown => ("error", b"5.1.1".to_vec(), b"550 5.1.1 User unknown".to_vec()),
            _ => mailer(&self.host.settings, address),
        };
        table.set_of(&self.host, "rcpt_mailer", address, mailer);
        table.set_of(&self.host, "rcpt_host", address, host);
        table.set_of(&self.host, "rcpt_addr", address, triple);
        table
    }
}

/// How mail to the address would leave: mailer, host and address as the `{mail_*}` and `{rcpt_*}` macros have them.
pub(crate) fn mailer(settings: &Settings, address: &[u8]) -> (&'static str, Vec<u8>, Vec<u8>) {
    let Some(domain) = domain_of(address) else { return ("local", Vec::new(), address.to_vec()) };
    if settings.is_local(&String::from_utf8_lossy(domain)) {
        let user = &address[..address.len() - domain.len() - 1];
        return ("local", Vec::new(), user.to_vec());
    }
    match &settings.relay_host {
        Some(relay) => ("relay", split_at_byte(relay.as_bytes(), b':').0.to_vec(), address.to_vec()),
        None => ("esmtp", [domain, b"."].concat(), address.to_vec()),
    }
}

/// The macro names of a stage for one filter; `None` if no macro packet is sent at all.
pub(super) fn stage_list(host: &Host, release: &Release, agreed: &Negotiate, stage: MacroStage) -> Option<Vec<String>> {
    let wanted = |stage: MacroStage| agreed.symlists.iter().rev().find(|(number, _)| *number == stage as u32);
    // At the end of a message sendmail looks whether the filter set the list for the end of the header, and then uses the
    // filter's list for the end of the message, set or not. An old fault that filters must live with.
    let names = if stage == MacroStage::Eom {
        wanted(MacroStage::Eoh)
            .map(|_| wanted(MacroStage::Eom).map(|(_, names)| split_names(release, names)).unwrap_or_default())
    } else {
        wanted(stage).map(|(_, names)| split_names(release, names))
    };
    let set = || host.settings.macro_lists.get(&stage).cloned();
    let stock = || default_list(release, stage).iter().map(|&name| name.to_owned()).collect();
    let names = names.or_else(set).unwrap_or_else(stock);
    (!names.is_empty()).then_some(names)
}

/// Names in a filter's list are separated by spaces or commas. Those beyond the limit are left out.
fn split_names(release: &Release, names: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(names);
    let names = text.split([' ', ',']).filter(|name| !name.is_empty());
    names.take(release.asked_macros_max).map(str::to_owned).collect()
}

pub(super) fn default_list(release: &Release, stage: MacroStage) -> &'static [&'static str] {
    let lists = &release.macros;
    match stage {
        MacroStage::Connect => lists.connect,
        MacroStage::Helo => lists.helo,
        MacroStage::Envfrom => lists.envfrom,
        MacroStage::Envrcpt => lists.envrcpt,
        MacroStage::Data => lists.data,
        MacroStage::Eoh => lists.eoh,
        MacroStage::Eom => lists.eom,
    }
}
