//! Reports about zones that hold every mistake.

use std::time::Duration;

use spf::Name;

use super::{Report, lint_domain, lint_record};
use crate::resolver::{DnsSource, ZoneLookup};

const ZONE: &str = r#"
good.example.          TXT "v=spf1 ip4:198.51.0.0/20 include:nested.example -all"
nested.example.        TXT "v=spf1 ip4:203.16.230.0/23 a:mail.good.example -all"
mail.good.example.     A 198.51.0.1
mail.good.example.     AAAA 2a00::1
mail.good.example.     TXT "v=spf1 a -all"

syntax.example.        TXT "v=spf1 ipv4:192.0.2.1 inlcude:x.example include:y.example.. mx:%{x} 8.8.8.8 ip4:2a00::1 redirect=a.example Redirect=b.example all:x include"
order.example.         TXT "v=spf1 +all mx ?all ptr a:%{p}.example a:%{p}.example redirect=good.example v=spf1 include=good.example expl=x.example"
open.example.          TXT "v=spf1 mx"
open.example.          MX 0 .
networks.example.      TXT "v=spf1 ip4:10.1.2.3/8 ip4:8.0.0.0/6 ip4:8.8.8.8/24 -ip4:203.0.114.9 ip4:203.0.114.0/24 ip4:203.0.114.0/24 ip6:::/0 ip6:fe80::1 ip4:100.64.0.1 -all"
loop.example.          TXT "v=spf1 include:back.example -all"
back.example.          TXT "v=spf1 redirect=loop.example"
includes.example.      TXT "v=spf1 include:missing.example include:two.example include:allopen.example include:%{d2}.x.example ~all"
allopen.example.       TXT "v=spf1 +all"
two.example.           TXT "v=spf1 -all"
two.example.           TXT "v=spf1 mx -all"
almost.example.        TXT "v=spf1;mx -all"
other.example.         TXT "google-site-verification=1"
void.example.          TXT "v=spf1 a:n1.example a:n2.example exists:n3.example mx -all"
many.example.          TXT "v=spf1 include:eight.example a:mail.good.example a:mail.good.example/24 -all"
eight.example.         TXT "v=spf1 a:mail.good.example a:mail.good.example/1 a:mail.good.example/2 a:mail.good.example/3 a:mail.good.example/4 a:mail.good.example/5 a:mail.good.example/6 a:mail.good.example/7 -all"
around.example.        TXT "v=spf1 mx -all"
around.example.        TYPE99 "v=spf1 mx -all"
around.example.        MX 10 mx.around.example.
mx.around.example.     A 198.51.0.2
mx.around.example.     AAAA 2a00::2
*.around.example.      MX 10 mx.around.example.
"#;

fn source() -> DnsSource {
    DnsSource::Zone(ZoneLookup::new(zone::parse(ZONE, &zone::ParseOptions::default()).unwrap()))
}

fn listing(report: &Report) -> String {
    let mut lines = Vec::new();
    for finding in &report.findings {
        let place = finding.place.as_ref().map_or_else(String::new, |(text, span)| {
            format!(" at {}: {}", text.owner, text.shown.get(span.clone()).unwrap_or("(past the end)"))
        });
        let severity = finding.severity.as_str();
        lines.push(format!("{severity} [{}]{place}\n    {}\n    {}", finding.code, finding.what, finding.advice));
    }
    lines.extend(
        report.tree.iter().map(|line| {
            format!("{}{}: {} ({})", "  ".repeat(line.depth), line.domain, line.lookups, line.lookups_below)
        }),
    );
    lines.push(format!("{} lookups, void {:?} {:?}", report.lookups, report.voids_ipv4, report.voids_ipv6));
    lines.join("\n")
}

async fn domain(name: &str) -> String {
    let (mut report, source) = (Report::default(), source());
    let dns = source.within(Duration::from_secs(1));
    lint_domain(&mut report, &Name::parse(name).unwrap(), &source, &dns).await;
    listing(&report)
}

#[tokio::test]
async fn a_good_record_gets_no_findings() {
    insta::assert_snapshot!(domain("good.example").await);
}

#[tokio::test]
async fn every_mistake_is_found() {
    let mut reports = Vec::new();
    for name in [
        "syntax", "order", "open", "networks", "loop", "includes", "two", "almost", "other", "nosuch", "void", "many",
        "around",
    ] {
        reports.push(format!("== {name}\n{}", domain(&format!("{name}.example")).await));
    }
    insta::assert_snapshot!(reports.join("\n\n"));
}

#[tokio::test]
async fn a_record_of_nobody_is_read_without_its_domain() {
    let (mut report, source) = (Report::default(), source());
    let dns = source.within(Duration::from_secs(1));
    let record = b"v=spf1 a mx a:n1.example -all";
    lint_record(&mut report, &Name::parse("the.record").unwrap(), false, record, &dns).await;
    insta::assert_snapshot!(listing(&report));
}

#[tokio::test]
async fn bytes_that_no_record_may_hold_do_no_harm() {
    let (mut report, source) = (Report::default(), source());
    let dns = source.within(Duration::from_secs(1));
    let record = "v=spf1 \u{201c}a\u{201d} \x1b[31m a:x\u{e9}.example \u{2013}all".as_bytes();
    lint_record(&mut report, &Name::parse("the.record").unwrap(), false, record, &dns).await;
    assert!(report.findings.iter().all(|finding| finding.what.chars().all(|c| !c.is_control())));
    insta::assert_snapshot!(listing(&report));
}
