//! How the MTA sends mail on: transport and next hop of each sender and recipient, as its macros tell them.

use std::collections::{BTreeMap, BTreeSet};

use milter_proto::Command;

use super::{Entry, mta, story::UNSEEN_UNKNOWN};
use crate::{
    format::MACROS_OF_ADDRESSES,
    profile::Personality,
    settings::{FilterSettings, Settings},
};

/// What a macro was seen to hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// The same for every address.
    Same(String),
    /// By address: only those that the fake MTA would not have anyway.
    Of(BTreeMap<String, String>),
}

/// What is to be set of the macros of senders and recipients, so that the fake MTA sends what was seen.
pub(super) fn values(entries: &[Entry], mta: Personality) -> BTreeMap<&'static str, Values> {
    let settings = Settings::new(&mta::hostname(entries).unwrap_or_default(), FilterSettings::new("", ""));
    let seen = seen(entries);
    let to_set = MACROS_OF_ADDRESSES.into_iter().filter_map(|name| {
        let usual = |address: &str| mta.address_macro(&settings, name, address.as_bytes());
        Some((name, different(seen.get(name)?, usual)?))
    });
    to_set.collect()
}

/// The recipients that the MTA refuses itself: it shows them to filters that asked for them.
pub(super) fn unknown_recipients(entries: &[Entry]) -> BTreeSet<String> {
    addressed(entries, b'R')
        .into_iter()
        .filter(|(_, pairs)| is_refused(pairs))
        .filter_map(|(address, _)| address)
        .collect()
}

fn different(seen: &BTreeMap<String, String>, usual: impl Fn(&str) -> Vec<u8>) -> Option<Values> {
    let is_other = |address: &str, value: &str| usual(address) != value.as_bytes();
    let mut other = seen.clone();
    other.retain(|address, value| is_other(address, value));
    let first = other.values().next()?.clone();
    Some(if seen.values().all(|value| *value == first) { Values::Same(first) } else { Values::Of(other) })
}

/// By macro and address, what was seen last.
fn seen(entries: &[Entry]) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut seen: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (address, pairs) in [b'M', b'R'].into_iter().flat_map(|stage| addressed(entries, stage)) {
        let Some(address) = address else { continue };
        for (name, value) in pairs {
            seen.entry(mta::bare(&name).to_owned()).or_default().insert(address.clone(), value);
        }
    }
    seen
}

type Pairs = Vec<(String, String)>;

/// The macros of a stage, each with the address that the command behind it has.
fn addressed(entries: &[Entry], stage: u8) -> Vec<(Option<String>, Pairs)> {
    let mut found = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        if let Some((for_command, pairs)) = mta::macros(entry)
            && for_command == stage
        {
            found.push((address(&entries[index + 1..], stage, &pairs), pairs));
        }
    }
    found
}

/// The address of the command, in lower case; of one that the filter does not want to hear its macros tell.
fn address(next: &[Entry], stage: u8, pairs: &Pairs) -> Option<String> {
    let command = next.first().and_then(|entry| match entry {
        Entry::Sent(frame) if frame.code == stage => Command::decode(frame).ok(),
        _ => None,
    });
    let path = match command {
        Some(Command::Mail { sender, .. }) => String::from_utf8_lossy(&sender).into_owned(),
        Some(Command::Rcpt { recipient, .. }) => String::from_utf8_lossy(&recipient).into_owned(),
        _ if is_refused(pairs) => UNSEEN_UNKNOWN.to_owned(),
        _ => value(pairs, if stage == b'M' { "mail_addr" } else { "rcpt_addr" })?.to_owned(),
    };
    Some(path.trim_matches(['<', '>']).to_lowercase())
}

fn is_refused(pairs: &Pairs) -> bool {
    value(pairs, "rcpt_mailer") == Some("error")
}

fn value<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(given, _)| mta::bare(given) == name).map(|(_, value)| value.as_str())
}
