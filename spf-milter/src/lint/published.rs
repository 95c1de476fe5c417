//! What stands in the DNS around a domain's record.

use std::sync::Arc;

use spf::{AnswerKind, Lookup, Name, Question, Rdata, RecordType};

use super::finding::{LOOKUP_FAILED, Report, Severity, Text};
use super::syntax::whole;
use super::tree::{Published, lint_record, published};
use crate::resolver::{DnsSource, SourceLookup};

/// Looks at what a domain publishes.
pub(crate) async fn lint_domain(report: &mut Report, domain: &Name, source: &DnsSource, dns: &SourceLookup) {
    match published(domain, dns).await {
        Published::One(record) => lint_record(report, domain, true, &record, dns).await,
        Published::Several(records) => several(report, domain, &records, dns).await,
        Published::None(others) => none(report, domain, &others),
        Published::NoSuchName => {
            report.about(Severity::Error, "no-such-name", format!("{domain} does not exist"), "correct the name");
            return;
        }
        Published::Failed(failure) => {
            report.incomplete = true;
            let what = format!("the lookup of {domain} TXT failed: {failure}");
            report.about(Severity::Error, LOOKUP_FAILED, what, "receivers answer `temperror`; mend the name server");
            return;
        }
    }
    type_99(report, domain, source, dns).await;
    wildcard(report, domain, dns).await;
    hosts(report, domain, source, dns).await;
}

async fn several(report: &mut Report, domain: &Name, records: &[Arc<[u8]>], dns: &SourceLookup) {
    for record in records {
        let text = Text::new(domain, record);
        let what = format!("one of {} SPF records: receivers answer `permerror` to all of them", records.len());
        let advice = "join them into one record (RFC 7208 section 3.2)";
        report.at(Severity::Error, "several-records", (&text, whole(&text)), what, advice);
    }
    if let Some(first) = records.first() {
        lint_record(report, domain, true, first, dns).await;
    }
}

fn none(report: &mut Report, domain: &Name, others: &[Arc<[u8]>]) {
    let almost = others.iter().find(|text| looks_like_spf(text));
    let Some(almost) = almost else {
        let advice = "publish a TXT record such as \"v=spf1 mx -all\", or \"v=spf1 -all\" if the domain sends no mail";
        return report.about(Severity::Error, "no-record", format!("{domain} has no SPF record"), advice);
    };
    let text = Text::new(domain, almost);
    let what = "no SPF record: receivers look for exactly `v=spf1` and a space at the start";
    report.at(
        Severity::Error,
        "almost-record",
        (&text, whole(&text)),
        what,
        "write v=spf1 and a space, without quotes",
    );
}

fn looks_like_spf(text: &[u8]) -> bool {
    let shown = String::from_utf8_lossy(text).to_ascii_lowercase();
    shown.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).starts_with("v=spf") || shown.contains("v=spf1")
}

async fn type_99(report: &mut Report, domain: &Name, source: &DnsSource, dns: &SourceLookup) {
    if source.has_type_99(domain, dns).await {
        let what = format!("{domain} has a record of type SPF (99) as well: nobody reads it since 2014");
        report.about(Severity::Advice, "type-99", what, "remove it (RFC 7208 section 3.1)");
    }
}

/// A wildcard that makes names exist, without a record for them.
async fn wildcard(report: &mut Report, domain: &Name, dns: &SourceLookup) {
    let labels = std::iter::once(NO_SUCH_LABEL).chain(domain.labels());
    let Ok(name) = Name::from_labels(labels) else {
        return;
    };
    let mut exists = false;
    for rtype in [RecordType::Mx, RecordType::A] {
        let answer = dns.lookup(Question::new(name.clone(), rtype)).await;
        exists |= matches!(answer.kind, AnswerKind::Records(_));
    }
    if exists && matches!(published(&name, dns).await, Published::None(_)) {
        let what = format!("*.{domain} stands for all names below, and gives them no SPF record");
        let advice = format!("publish *.{domain} TXT \"v=spf1 -all\" (RFC 7208 section 3.5)");
        report.about(Severity::Warning, "wildcard-without-record", what, advice);
    }
}

/// Hosts below the domain that may show up in HELO, without a record of their own.
async fn hosts(report: &mut Report, domain: &Name, source: &DnsSource, dns: &SourceLookup) {
    let mut hosts = source.hosts_below(domain);
    if let AnswerKind::Records(records) = dns.lookup(Question::new(domain.clone(), RecordType::Mx)).await.kind {
        hosts.extend(records.iter().filter_map(|record| match record {
            Rdata::Mx { exchange, .. } if exchange.is_within(domain) && exchange != domain => Some(exchange.clone()),
            _ => None,
        }));
    }
    hosts.sort_by_key(ToString::to_string);
    hosts.dedup();
    let mut without = Vec::new();
    for host in hosts.into_iter().take(HOSTS_MAX) {
        if matches!(published(&host, dns).await, Published::None(_) | Published::NoSuchName) {
            without.push(host.to_string());
        }
    }
    if !without.is_empty() {
        let what = format!("anybody may use these names in HELO and as sender: {}", without.join(", "));
        let advice =
            "publish \"v=spf1 a -all\" for hosts that send mail, \"v=spf1 -all\" for others (RFC 7208 section 10.1.3)";
        report.about(Severity::Advice, "host-without-record", what, advice);
    }
}

/// A label that no zone has on purpose.
const NO_SUCH_LABEL: &[u8] = b"spf-lint-no-such-name";

/// Hosts looked at.
const HOSTS_MAX: usize = 20;
