//! Which macros Postfix sends with an event, and their values.

use milter_proto::{MacroStage, Negotiate};

use super::{address::external, release::Release, text};
pub(super) use crate::profile::MacroTable;
use crate::{profile::Host, settings::Settings, smtp::domain_of};

impl MacroTable {
    /// What every program of Postfix knows of the session.
    pub(super) fn of_session(host: &Host, release: &Release) -> Self {
        let mut table = Self::default();
        for (name, value) in &host.settings.macro_defaults {
            table.set(name, value.as_str());
        }
        let client = &host.client;
        let settings = &host.settings;
        table.set("j", settings.hostname.as_str());
        table.set("v", format!("Postfix {}", release.mail_version));
        table.set("daemon_name", settings.hostname.as_str());
        table.set("daemon_addr", client.local_addr.map_or_else(String::new, |addr| addr.to_string()));
        table.set("daemon_port", "25");
        table.set("_", text::client_macro(client));
        table.set("client_addr", text::address(client));
        table.set("client_name", text::client_name(client));
        table.set("client_port", client.port.to_string());
        table.set("client_ptr", client.name.claimed().unwrap_or("unknown"));
        if let Some(auth) = &host.auth {
            table.set("auth_type", auth.mechanism.as_str());
            table.set("auth_authen", auth.user.as_str());
        }
        table.set_overrides(host);
        table
    }

    /// What `cleanup(8)` knows of a message that came without a session.
    pub(super) fn of_user(host: &Host, release: &Release, queue_id: &str) -> Self {
        let mut table = Self::of_session(host, release);
        table.set_default(host, "daemon_port", "0");
        table.set_default(host, "i", queue_id);
        table
    }

    /// What only `smtpd(8)` knows.
    pub(super) fn of_smtpd(host: &Host, release: &Release) -> Self {
        let mut table = Self::of_session(host, release);
        // `smtpd(8)` writes it as RFC 5321 section 4.1.3 has it, and `cleanup(8)` without the tag.
        table.set("client_addr", text::tagged_address(&host.client));
        table.set("client_resolve", text::client_resolve(&host.client));
        table.set("client_connections", "1");
        if let Some(tls) = &host.tls {
            for (name, value) in tls.values.iter().filter(|(name, value)| !value.is_empty() && *name != "verify") {
                table.set(name, value.as_str());
            }
        }
        table.set_overrides(host);
        table
    }

    /// `{mail_addr}`, `{mail_host}` and `{mail_mailer}`, or those of a recipient: how mail to the address would leave.
    pub(super) fn set_address(&mut self, host: &Host, prefix: &str, address: &[u8]) {
        let (mailer, hop, shown) = mailer(&host.settings, prefix, address);
        self.set_of(host, &format!("{prefix}_addr"), address, shown);
        self.set_of(host, &format!("{prefix}_host"), address, hop);
        self.set_of(host, &format!("{prefix}_mailer"), address, mailer);
    }
}

/// How mail to the address would leave: transport, next hop and address as the macros of that prefix, `mail` or `rcpt`, have them.
pub(crate) fn mailer(settings: &Settings, prefix: &str, address: &[u8]) -> (&'static str, Vec<u8>, Vec<u8>) {
    // What `trivial-rewrite(8)` is asked for is folded to lower case first.
    let address = &address.to_ascii_lowercase()[..];
    let domain = domain_of(address).map(|domain| String::from_utf8_lossy(domain).into_owned());
    let local = domain.as_deref().is_none_or(|domain| settings.is_local(domain));
    let next_hop = settings.relay_host.clone().or_else(|| domain.clone());
    let relays_for_all = prefix == "rcpt" && settings.recipients.relay_domains.is_none();
    let relayed = settings.recipients.relay_domains.as_ref().zip(domain.as_ref());
    let is_relayed =
        relayed.is_some_and(|(domains, domain)| domains.iter().any(|known| known.eq_ignore_ascii_case(domain)));
    let mailer = match (local, relays_for_all || is_relayed) {
        (true, _) => "local",
        (false, true) => "relay",
        (false, false) => "smtp",
    };
    let hop = if local { settings.hostname.clone() } else { next_hop.unwrap_or_default() };
    // An address without a domain is one of this host.
    let is_complete = address.is_empty() || domain.is_some();
    let origin = if is_complete { String::new() } else { format!("@{}", settings.hostname) };
    (mailer, hop.into_bytes(), external(&[address, origin.as_bytes()].concat()))
}

/// The name without its braces.
pub(super) fn bare_name(name: &str) -> Option<&str> {
    Some(name.trim_start_matches('{').trim_end_matches('}'))
}

/// The macro names that go with an event: the filter's own list if it gave one for the stage, else the administrator's.
pub(super) fn stage_list(host: &Host, release: &Release, agreed: &Negotiate, stage: Option<MacroStage>) -> Vec<String> {
    let Some(stage) = stage else { return host.settings.unknown_macros.clone() };
    let asked = agreed.symlists.iter().rev().find(|(number, names)| *number == stage as u32 && !names.is_empty());
    if let Some((_, names)) = asked {
        return split_names(names);
    }
    let set = host.settings.macro_lists.get(&stage).cloned();
    set.unwrap_or_else(|| default_list(release, stage).iter().map(|&name| name.to_owned()).collect())
}

pub(super) fn default_list(release: &Release, stage: MacroStage) -> &'static [&'static str] {
    let lists = &release.macros;
    match stage {
        MacroStage::Connect => lists.connect,
        MacroStage::Helo => lists.helo,
        MacroStage::Envfrom => lists.mail,
        MacroStage::Envrcpt => lists.rcpt,
        MacroStage::Data => lists.data,
        MacroStage::Eoh => lists.end_of_header,
        MacroStage::Eom => lists.end_of_data,
    }
}

fn split_names(names: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(names);
    text.split([' ', ',', '\t']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
