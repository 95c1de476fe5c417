//! How the DNS is asked.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use spf::Limits;
use toml::Spanned;
use toml::de::DeValue;

use super::model::{BUDGET_DEFAULT, BUDGET_MS_MAX, DnsConfig, Outage};
use super::read::parse_resolver;
use super::table::TableReader;
use crate::diagnostic::Problem;
use crate::resolver::{CacheLimits, DnsOptions};

/// Reads `resolver` and the table `[dns]`.
pub(super) fn read_dns(reader: &mut TableReader<'_>) -> (DnsConfig, Limits) {
    let resolvers = reader.value("resolver").and_then(|value| read_resolvers(reader, value)).unwrap_or_default();
    let (mut limits, mut options) = (Limits::default(), DnsOptions::default());
    let (mut budget, mut mta_timeout, mut outage) = (BUDGET_DEFAULT, None, Outage::Temperror);
    if let Some(mut owned) = reader.table("dns") {
        let table = &mut owned;
        budget = milliseconds(table, "budget_ms", 10..=BUDGET_MS_MAX).unwrap_or(budget);
        mta_timeout = seconds(table, "mta_timeout_s", 1..=DAY_S);
        // Without a word about it a try takes no longer than all of them.
        options.timeout = options.timeout.min(budget);
        set(&mut options.timeout, milliseconds(table, "timeout_ms", 10..=BUDGET_MS_MAX));
        set(&mut options.tries, table.number("tries", 1..=10));
        set(&mut options.case_randomization, table.boolean("case_randomization"));
        set(&mut options.failures_max, table.number("failures_max", 0..=1_000));
        set(&mut options.probe_interval, seconds(table, "probe_s", 1..=3_600));
        set(&mut outage, table.choice("outage", &Outage::WORDS));
        options.ask_dead = outage == Outage::Wait;
        read_cache(table, &mut options.cache);
        set(&mut limits.terms, table.number("term_lookups_max", 1..=100));
        set(&mut limits.voids, table.number("void_lookups_max", 0..=100));
        owned.finish();
    }
    (DnsConfig { resolvers, options, budget, mta_timeout, outage }, limits)
}

fn read_cache(dns: &mut TableReader<'_>, limits: &mut CacheLimits) {
    let Some(mut table) = dns.table("cache") else { return };
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    set(&mut limits.entries, table.number("entries_max", 0..=100_000_000).map(size));
    set(&mut limits.bytes, table.number("bytes_max", 0..=u32::MAX).map(size));
    set(&mut limits.ttl_min, seconds(&mut table, "ttl_min_s", 0..=DAY_S));
    set(&mut limits.ttl_max, seconds(&mut table, "ttl_max_s", 0..=7 * DAY_S));
    set(&mut limits.negative_ttl_min, seconds(&mut table, "negative_ttl_min_s", 0..=DAY_S));
    set(&mut limits.negative_ttl_max, seconds(&mut table, "negative_ttl_max_s", 0..=DAY_S));
    table.finish();
}

fn set<T>(value: &mut T, read: Option<T>) {
    if let Some(read) = read {
        *value = read;
    }
}

fn milliseconds(table: &mut TableReader<'_>, key: &'static str, range: RangeInclusive<u32>) -> Option<Duration> {
    table.number(key, range).map(|ms| Duration::from_millis(ms.into()))
}

fn seconds(table: &mut TableReader<'_>, key: &'static str, range: RangeInclusive<u32>) -> Option<Duration> {
    table.number(key, range).map(|seconds| Duration::from_secs(seconds.into()))
}

/// One address, or a list of them.
fn read_resolvers(reader: &TableReader<'_>, value: &Spanned<DeValue<'_>>) -> Option<Vec<SocketAddr>> {
    let one = |value: &Spanned<DeValue<'_>>| match value.get_ref().as_str() {
        Some(text) => reader.keep(parse_resolver(text).map_err(|what| Problem::new(value.span(), what))),
        None => reader.wrong_type("resolver", "a string or a list of strings", value),
    };
    let Some(list) = value.get_ref().as_array() else {
        return one(value).map(|address| vec![address]);
    };
    if list.is_empty() {
        let hint = "take the key away for those of /etc/resolv.conf";
        reader.problem(Problem::new(value.span(), "`resolver` names nobody").hint(hint));
    }
    list.iter().map(one).collect()
}

const DAY_S: u32 = 86_400;
