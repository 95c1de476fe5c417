//! From a scenario's `[mta]` table and its client to the MTA's settings.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use zone::{Mode, Name, Rdata, RecordType, Store};

use crate::{
    client::{Client, ClientName},
    clock::Clock,
    profile::Personality,
    scenario::{self, DefaultAction, Located, LogFormat, MacroStage, MilterSection, ProfileKind, Unit},
    settings::{DomainCheck, FailureAction, FilterSettings, LogStyle, RecipientRules, Settings, Timeouts},
};

/// Which MTA the unit's profile is.
pub(super) fn personality(unit: &Unit) -> Personality {
    match unit.profile.kind {
        ProfileKind::Sendmail => Personality::Sendmail,
        ProfileKind::Postfix => Personality::Postfix,
        ProfileKind::Direct => Personality::Direct,
    }
}

/// The settings of the fake MTA that plays the unit. `addresses` are the milters' addresses as Postfix's log shows them.
pub(super) fn settings(unit: &Unit, addresses: &[String], zone: &Arc<Store>) -> Settings {
    let mta = &unit.scenario.mta;
    let hostname = mta.hostname.as_ref().map_or(DEFAULT_HOSTNAME, |hostname| hostname.as_str());
    let mut filters = sections(unit).enumerate().map(|(index, section)| filter(unit, section, index, addresses));
    let first = filters.next().expect("the first milter is always there");
    let mut settings = Settings::new(hostname, first);
    settings.filters.extend(filters);
    settings.protocol_version = mta.protocol_version.as_ref().map(|version| version.value);
    settings.macro_lists = mta.macros.iter().map(|(stage, names)| (macro_stage(*stage), words(names))).collect();
    settings.macro_values = plain(&mta.macro_values, str::to_owned);
    let of_address = mta.macro_values_of.iter();
    settings.macro_values_of =
        of_address.map(|(name, values)| (name.clone(), plain(values, str::to_lowercase))).collect();
    settings.recipients = recipients(mta);
    settings.sender_domains = mta.resolve_sender_domains.then(|| sender_domains(zone));
    settings.log_style = match mta.log_format {
        LogFormat::Current => LogStyle::Current,
        LogFormat::Old => LogStyle::Old,
    };
    settings.clock = mta.date.as_ref().map_or_else(Clock::default, |date| date.value);
    settings.first_queue_id = mta.queue_id.as_ref().map(|id| id.value.clone());
    settings
}

/// The values without their places in the file.
fn plain(values: &BTreeMap<String, Located<String>>, key: impl Fn(&str) -> String) -> BTreeMap<String, String> {
    values.iter().map(|(name, value)| (key(name), value.value.clone())).collect()
}

/// What the scenario says of each of its milters.
pub(super) fn sections(unit: &Unit) -> impl Iterator<Item = &MilterSection> {
    std::iter::once(&unit.scenario.milter).chain(&unit.scenario.more_milters)
}

/// A milter as the administrator has configured it; what is not said of one of several holds for all of them.
fn filter(unit: &Unit, section: &MilterSection, index: usize, addresses: &[String]) -> FilterSettings {
    let mta = &unit.scenario.mta;
    let name = section.name.as_ref().or_else(|| mta.filter.as_ref().filter(|_| index == 0));
    let default_name = || if index == 0 { "milter".to_owned() } else { format!("milter{}", index + 1) };
    let action = section.default_action.as_ref().or(mta.default_action.as_ref());
    let (own, all) = (section.timeouts, mta.timeouts);
    let set = scenario::Timeouts {
        connect: own.connect.or(all.connect),
        send: own.send.or(all.send),
        read: own.read.or(all.read),
        eom: own.eom.or(all.eom),
    };
    FilterSettings {
        name: name.map_or_else(default_name, |name| name.value.clone()),
        address: addresses.get(index).cloned().unwrap_or_default(),
        on_failure: action.map_or(FailureAction::Tempfail, |action| failure_action(action.value)),
        timeouts: timeouts(unit.profile.kind, &set),
    }
}

/// The client of a session: its name is the one that the scenario gives, else what the records of the zone say.
pub(super) fn client(planned: &scenario::Client, zone: &Store) -> Client {
    let name = match &planned.name {
        Some(name) => ClientName::Verified(name.clone()),
        None => looked_up_name(planned.ip, zone),
    };
    let local: IpAddr = if planned.ip.is_ipv4() { LOCAL_IPV4.into() } else { LOCAL_IPV6.into() };
    Client { addr: Some(planned.ip), port: planned.port.unwrap_or(DEFAULT_PORT), name, local_addr: Some(local) }
}

/// A sender's domain exists if the scenario's zone has a mail exchanger or an address for it.
fn sender_domains(zone: &Arc<Store>) -> DomainCheck {
    let zone = Arc::clone(zone);
    DomainCheck::new(move |domain| {
        let Ok(name) = Name::parse(format!("{domain}.")) else { return false };
        let has = |rtype| !zone.lookup(&name, rtype, Mode::Recursive).records.is_empty();
        [RecordType::MX, RecordType::A, RecordType::AAAA].into_iter().any(has)
    })
}

/// The PTR name of the address, and whether one of its address records confirms it.
fn looked_up_name(ip: IpAddr, zone: &Store) -> ClientName {
    let Some(reverse) = reverse_name(ip) else { return ClientName::Missing };
    let pointers = zone.lookup(&reverse, RecordType::PTR, Mode::Recursive).records;
    let Some(name) = pointers.iter().find_map(|record| match &record.rdata {
        Rdata::Ptr(name) => Some(name.clone()),
        _ => None,
    }) else {
        return ClientName::Missing;
    };
    let rtype = if ip.is_ipv4() { RecordType::A } else { RecordType::AAAA };
    let confirmed = zone.lookup(&name, rtype, Mode::Recursive).records.iter().any(|record| match record.rdata {
        Rdata::A(addr) => IpAddr::V4(addr) == ip,
        Rdata::Aaaa(addr) => IpAddr::V6(addr) == ip,
        _ => false,
    });
    let text = name.to_text_without_dot();
    if confirmed { ClientName::Verified(text) } else { ClientName::Forged(text) }
}

/// `4.3.2.1.in-addr.arpa`, or the 32 nibbles below `ip6.arpa` (RFC 3596 section 2.5).
fn reverse_name(ip: IpAddr) -> Option<Name> {
    let text = match ip.to_canonical() {
        IpAddr::V4(addr) => {
            let [a, b, c, d] = addr.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(addr) => {
            let nibbles = addr.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            let labels: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa.", labels.join("."))
        }
    };
    Name::parse(text).ok()
}

fn failure_action(action: DefaultAction) -> FailureAction {
    match action {
        DefaultAction::Accept => FailureAction::Accept,
        DefaultAction::Reject => FailureAction::Reject,
        DefaultAction::Tempfail => FailureAction::Tempfail,
        DefaultAction::Shutdown => FailureAction::Shutdown,
        DefaultAction::Quarantine => FailureAction::Quarantine,
    }
}

/// Each MTA's own time-outs, with those that the scenario sets.
fn timeouts(kind: ProfileKind, set: &scenario::Timeouts) -> Timeouts {
    let seconds = Duration::from_secs;
    let stock = match kind {
        ProfileKind::Sendmail => Timeouts { connect: seconds(300), command: seconds(10), content: seconds(300) },
        ProfileKind::Postfix | ProfileKind::Direct => {
            Timeouts { connect: seconds(30), command: seconds(30), content: seconds(300) }
        }
    };
    Timeouts {
        connect: set.connect.unwrap_or(stock.connect),
        command: set.read.or(set.send).unwrap_or(stock.command),
        content: set.eom.unwrap_or(stock.content),
    }
}

fn macro_stage(stage: MacroStage) -> milter_proto::MacroStage {
    match stage {
        MacroStage::Connect => milter_proto::MacroStage::Connect,
        MacroStage::Helo => milter_proto::MacroStage::Helo,
        MacroStage::Mail => milter_proto::MacroStage::Envfrom,
        MacroStage::Rcpt => milter_proto::MacroStage::Envrcpt,
        MacroStage::Data => milter_proto::MacroStage::Data,
        MacroStage::Eoh => milter_proto::MacroStage::Eoh,
        MacroStage::Eom => milter_proto::MacroStage::Eom,
    }
}

fn words(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Without `local_domains` every recipient is taken.
fn recipients(mta: &scenario::Mta) -> RecipientRules {
    let texts = |list: &[Located<String>]| list.iter().map(|text| text.value.clone()).collect::<Vec<_>>();
    RecipientRules {
        local_domains: mta.local_domains.as_deref().map(texts).unwrap_or_default(),
        relay_domains: mta.local_domains.is_some().then(|| texts(&mta.relay)),
        local_users: None,
        unknown: texts(&mta.unknown_recipients),
        ..RecipientRules::default()
    }
}

pub(super) const DEFAULT_HOSTNAME: &str = "mx.example.com";
/// The port that clients come from: it is in no transcript.
const DEFAULT_PORT: u16 = 40_000;
/// The MTA's own address, from the ranges for documentation (RFC 5737).
pub(crate) const LOCAL_IPV4: std::net::Ipv4Addr = std::net::Ipv4Addr::new(192, 0, 2, 25);
/// The same for IPv6 (RFC 3849).
pub(crate) const LOCAL_IPV6: std::net::Ipv6Addr = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x25);

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(text: &str) -> Store {
        zone::parse(text, &zone::ParseOptions::default()).unwrap().into_iter().collect()
    }

    fn name_of(ip: &str, zone: &Store) -> ClientName {
        looked_up_name(ip.parse().unwrap(), zone)
    }

    #[test]
    fn macro_values_are_for_all_addresses_or_for_one_however_it_is_written() {
        let text = "name = 'a'\n[mta]\nprofile = 'postfix'\nmacro_values.v = 'x'\n\
                    macro_values.\"{rcpt_host}\" = { \"Bob@Example.net\" = 'y' }\n\
                    [[session]]\nclient = '192.0.2.1'\ndialogue = ''\n";
        let scenarios = scenario::parse(&crate::diag::Source::new("a.toml", text)).unwrap();
        let settings = settings(&scenario::units(&scenarios)[0], &[], &Arc::new(zone("")));
        assert_eq!(settings.macro_values, BTreeMap::from([("v".to_owned(), "x".to_owned())]));
        assert_eq!(settings.macro_values_of["rcpt_host"]["bob@example.net"], "y");
    }

    #[test]
    fn a_name_counts_if_forward_and_reverse_agree() {
        let zone = zone(
            "1.2.0.192.in-addr.arpa. PTR good.example.\ngood.example. A 192.0.2.1\n\
             2.2.0.192.in-addr.arpa. PTR forged.example.\nforged.example. A 192.0.2.9\n\
             1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR six.example.\n\
             six.example. AAAA 2001:db8::1\n",
        );
        assert_eq!(name_of("192.0.2.1", &zone), ClientName::Verified("good.example".into()));
        assert_eq!(name_of("192.0.2.2", &zone), ClientName::Forged("forged.example".into()));
        assert_eq!(name_of("2001:db8::1", &zone), ClientName::Verified("six.example".into()));
        assert_eq!(name_of("192.0.2.3", &zone), ClientName::Missing);
    }
}
