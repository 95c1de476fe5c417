//! The configuration under which the captures were made, and what a capture changes of it.

use std::{net::IpAddr, time::Duration};

use milter_proto::MacroStage;
use serde_json::Value;

use super::{capture::Capture, main_cf};
use crate::{
    client::{Client, ClientName},
    profile::Personality,
    settings::{DomainCheck, FailureAction, FilterSettings, RecipientRules, Settings, Timeouts},
};

/// The MTA that was captured; the error names one that is not known.
pub(super) fn personality(capture: &Capture) -> Result<Personality, String> {
    match Personality::from_name(&capture.mta) {
        Some(personality @ (Personality::Sendmail | Personality::Postfix)) => Ok(personality),
        _ => Err(capture.mta.clone()),
    }
}

/// The client, as the captured MTA saw it.
pub(super) fn client(capture: &Capture) -> Result<Client, String> {
    if capture.client.local {
        return Ok(Client::local_user(LOCAL_USER));
    }
    let address = capture.client.address.as_deref().unwrap_or_default();
    let addr: IpAddr = address.parse().map_err(|_| format!("client address {address}"))?;
    let hostname = capture.client.hostname.clone().unwrap_or_default();
    let name = match capture.client.dns.as_deref() {
        Some("ok") => ClientName::Verified(hostname),
        Some("forged") => ClientName::Forged(hostname),
        Some("none") | None => ClientName::Missing,
        Some(other) => return Err(format!("client dns {other}")),
    };
    let local = match addr {
        IpAddr::V6(addr) if addr.is_loopback() => "::1",
        IpAddr::V6(_) => "fd00::1",
        IpAddr::V4(addr) if addr.is_loopback() => "127.0.0.1",
        IpAddr::V4(_) => "192.0.2.1",
    };
    Ok(Client { addr: Some(addr), port: capture.client.port.unwrap_or(0), name, local_addr: local.parse().ok() })
}

/// The settings of the capture; the error names what there is no model of.
pub(super) fn settings(capture: &Capture) -> Result<Settings, String> {
    let mut settings = base(personality(capture)? == Personality::Postfix);
    if capture.has_packets_only() {
        // Not taken at the captured host: nothing is known of the MTA but what its packets tell.
        settings.relay_host = None;
        settings.recipients = RecipientRules::default();
        settings.sender_domains = None;
        settings.next_hop_smtputf8 = true;
    }
    for (key, value) in &capture.config {
        let text = value.as_str().unwrap_or_default();
        let known = match key.as_str() {
            "filters" => set_filters(&mut settings, value),
            "hostname" => {
                text.clone_into(&mut settings.hostname);
                Some(())
            }
            "macros" => value
                .as_object()
                .and_then(|macros| macros.iter().try_for_each(|(name, value)| set_macro(&mut settings, name, value))),
            "macro_lists" => value
                .as_object()
                .and_then(|lists| lists.iter().try_for_each(|(stage, names)| set_list(&mut settings, stage, names))),
            "protocol_version" => value.as_u64().and_then(|version| u32::try_from(version).ok()).map(|version| {
                settings.protocol_version = Some(version);
            }),
            "unknown_recipients" => texts(value).map(|unknown| settings.recipients.unknown = unknown),
            // Without a script nothing listens.
            "filter_listening" | "filter" => Some(()),
            "F" if capture.mta == "sendmail" => {
                flag(text).map(|action| settings.filters.iter_mut().for_each(|filter| filter.on_failure = action))
            }
            _ if capture.mta == "postfix" => main_cf::set_parameter(&mut settings, key, text),
            _ => None,
        };
        known.ok_or_else(|| key.clone())?;
    }
    Ok(settings)
}

/// The settings that all captures of Postfix, or of sendmail, have in common.
pub(super) fn base(postfix: bool) -> Settings {
    let mut settings = Settings::new(HOSTNAME, filter(0));
    settings.interface_name = None;
    settings.relay_host = Some("[127.0.0.1]:2526".to_owned());
    settings.auth_mechanisms = Some("PLAIN LOGIN".to_owned());
    settings.credentials = Some(vec![(format!("alice@{HOSTNAME}"), "secret".to_owned())]);
    settings.next_hop_smtputf8 = false;
    // The client ran on the captured host, and had an address of it.
    settings.own_addresses = ["192.0.2.1", "192.0.2.2", "fd00::1", "fd00::2", "fd00::4"]
        .iter()
        .filter_map(|addr| addr.parse().ok())
        .collect();
    settings.starttls = true;
    if !postfix {
        let exists = |domain: &str| DOMAINS.iter().any(|known| known.eq_ignore_ascii_case(domain));
        settings.sender_domains = Some(DomainCheck::new(exists));
    }
    settings.recipients = RecipientRules {
        local_domains: vec![HOSTNAME.to_owned(), "localhost".to_owned()],
        relay_domains: Some(vec!["example.net".to_owned()]),
        local_users: Some(["alice", "root", "postmaster"].map(str::to_owned).to_vec()),
        unknown: Vec::new(),
        // sendmail's access map did not match it.
        refused: if postfix {
            vec![("rejectme@example.net".to_owned(), "550 5.1.1 access says no".to_owned())]
        } else {
            Vec::new()
        },
        trusted_clients: vec![IpAddr::from([127, 0, 0, 1]), std::net::Ipv6Addr::LOCALHOST.into()],
    };
    settings
}

/// The filter of that number, as the captured MTA was set up with it.
pub(super) fn filter(number: usize) -> FilterSettings {
    let seconds = Duration::from_secs;
    FilterSettings {
        name: if number == 0 { "cap".to_owned() } else { format!("cap{}", number + 1) },
        address: format!("inet:127.0.0.1:{}", 9900 + number),
        on_failure: FailureAction::Tempfail,
        timeouts: Timeouts { connect: seconds(5), command: seconds(5), content: seconds(20) },
    }
}

fn set_filters(settings: &mut Settings, count: &Value) -> Option<()> {
    let count = usize::try_from(count.as_u64()?).ok().filter(|count| *count <= FILTERS_MAX)?;
    // The keys come in no order: what was set for all filters before stays.
    let on_failure = settings.filters.first().map_or(FailureAction::Tempfail, |filter| filter.on_failure);
    settings.filters = (0..count).map(|number| FilterSettings { on_failure, ..filter(number) }).collect();
    Some(())
}

/// sendmail's F= flag.
fn flag(text: &str) -> Option<FailureAction> {
    Some(match text {
        "" => FailureAction::Accept,
        "R" => FailureAction::Reject,
        "T" => FailureAction::Tempfail,
        "4" => FailureAction::Shutdown,
        _ => return None,
    })
}

/// A value for all addresses, or one for each: then in lower case.
fn set_macro(settings: &mut Settings, name: &str, value: &Value) -> Option<()> {
    let Some(values) = value.as_object() else { return main_cf::set_macro(settings, name, value.as_str()?) };
    let values = values.iter().map(|(address, value)| Some((address.to_lowercase(), value.as_str()?.to_owned())));
    settings.macro_values_of.insert(name.to_owned(), values.collect::<Option<_>>()?);
    Some(())
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

fn set_list(settings: &mut Settings, stage: &str, names: &Value) -> Option<()> {
    let stage = match stage {
        "connect" => MacroStage::Connect,
        "helo" => MacroStage::Helo,
        "mail" => MacroStage::Envfrom,
        "rcpt" => MacroStage::Envrcpt,
        "data" => MacroStage::Data,
        "eoh" => MacroStage::Eoh,
        "eom" => MacroStage::Eom,
        _ => return None,
    };
    settings.macro_lists.insert(stage, texts(names)?);
    Some(())
}

/// The name of the captured host.
pub(super) const HOSTNAME: &str = "mx.example.com";
/// The domains that the captured MTA's DNS server knew an address or a mail exchanger of.
const DOMAINS: [&str; 5] =
    ["example.org", "example.net", "client.example.net", "client6.example.net", "forged.example.net"];
/// Who ran the commands.
pub(super) const LOCAL_USER: &str = "root";
/// More filters than this are nobody's configuration.
pub(super) const FILTERS_MAX: usize = 16;
