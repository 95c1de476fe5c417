//! The table `exempt`.

use toml::de::DeValue;

use super::lists::read_list;
use super::table::TableReader;
use crate::diagnostic::Problem;
use crate::exempt::{Authenticated, Exemptions, TlsClients, parse_network};
use crate::pattern::Pattern;

/// Reads who is not judged, or not refused.
pub(super) fn read_exemptions(reader: &mut TableReader<'_>) -> Exemptions {
    let mut exempt = defaults();
    let Some(mut table) = reader.table("exempt") else {
        return exempt;
    };
    exempt.authenticated = match table.boolean("authenticated") {
        Some(true) => Authenticated::Ask,
        Some(false) => Authenticated::No,
        None => Authenticated::IfTold,
    };
    exempt.tls = read_tls(&mut table);
    if let Some(networks) = read_list(&mut table, "networks", parse_network) {
        exempt.networks = networks;
    }
    exempt.relays = read_list(&mut table, "relays", parse_network).unwrap_or_default();
    exempt.forwarders = read_list(&mut table, "forwarders", domain_pattern).unwrap_or_default();
    exempt.senders = read_list(&mut table, "senders", pattern).unwrap_or_default();
    exempt.helo = read_list(&mut table, "helo", domain_pattern).unwrap_or_default();
    exempt.recipients = read_list(&mut table, "recipients", pattern).unwrap_or_default();
    check_relays(&table, &exempt);
    table.finish();
    exempt
}

fn defaults() -> Exemptions {
    let loopback = ["127.0.0.0/8", "::1"].map(|text| parse_network(text).expect("the loopback networks are networks"));
    Exemptions {
        authenticated: Authenticated::IfTold,
        tls: TlsClients::No,
        networks: loopback.to_vec(),
        relays: Vec::new(),
        forwarders: Vec::new(),
        senders: Vec::new(),
        helo: Vec::new(),
        recipients: Vec::new(),
    }
}

/// True, or patterns for the subjects of certificates.
fn read_tls(table: &mut TableReader<'_>) -> TlsClients {
    let key = "tls_verified";
    if let Some(DeValue::Boolean(all)) = table.value(key).map(toml::Spanned::get_ref) {
        return if *all { TlsClients::All } else { TlsClients::No };
    }
    let subject = |text: &str| match text {
        "" => Err("a pattern must not be empty".to_owned()),
        text => Ok(text.to_owned()),
    };
    read_list(table, key, subject).map_or(TlsClients::No, TlsClients::Subjects)
}

fn check_relays(table: &TableReader<'_>, exempt: &Exemptions) {
    let Some(place) = table.place("relays") else { return };
    let covered = |relay: &&ipnet::IpNet| exempt.networks.iter().any(|network| network.contains(*relay));
    if let Some(relay) = exempt.relays.iter().find(covered) {
        let what = format!("the relay {relay} is in one of `exempt.networks`, where nothing is judged");
        table.problem(Problem::new(place, what).hint("take it out of one of the two"));
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::parse(text).map_err(|error| format!("`{}`: {error}", text.escape_default()))
}

fn domain_pattern(text: &str) -> Result<Pattern, String> {
    if text.contains('@') {
        return Err(format!("`{}`: a pattern for names must not hold an @", text.escape_default()));
    }
    pattern(text)
}
