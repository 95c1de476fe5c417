//! `spf-milter lint`: the report about a record.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use annotate_snippets::{Level, Renderer};
use serde::Serialize;
use spf::{Name, TERM_LOOKUPS_MAX, VOID_LOOKUPS_MAX};

use super::args::LintArgs;
use super::output::print;
use super::source::{BUDGET, SourceError, open};
use crate::diagnostic::{Drawing, Place};
use crate::lint::{Finding, Report, Severity, Text, lint_domain, lint_record};

/// Makes the report and prints it.
pub(super) async fn run(args: &LintArgs) -> Result<ExitCode, SourceError> {
    let source = open(&args.dns)?;
    let dns = source.within(BUDGET);
    let mut report = Report::default();
    if is_record(&args.subject) {
        let domain = parse_domain(args.domain.as_deref().unwrap_or(RECORD_DOMAIN))?;
        lint_record(&mut report, &domain, args.domain.is_some(), args.subject.as_bytes(), &dns).await;
    } else {
        lint_domain(&mut report, &parse_domain(&args.subject)?, &source, &dns).await;
    }
    let shown = if args.json { json(&report) + "\n" } else { text(&report) };
    Ok(print(&shown, ExitCode::from(exit_code(&report, args.strict))))
}

/// A domain has neither blanks nor an equals sign.
fn is_record(subject: &str) -> bool {
    subject.contains([' ', '=']) || subject.to_ascii_lowercase().starts_with("v=spf")
}

fn parse_domain(text: &str) -> Result<Name, SourceError> {
    let request = spf::Request::new([192, 0, 2, 1].into(), text, "");
    let domain = request.domain().cloned();
    domain.map_err(|error| SourceError::Domain(format!("`{}`: {error}", text.escape_default())))
}

/// Documented in the help text.
fn exit_code(report: &Report, strict: bool) -> u8 {
    if report.broken {
        2
    } else if report.incomplete {
        10
    } else {
        u8::from(strict && report.count(Severity::Warning) > 0)
    }
}

/// The report for people.
fn text(report: &Report) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let _ = writeln!(out, "{}\n", draw(finding));
    }
    for severity in SEVERITIES.into_iter().filter(|severity| report.left_out(*severity) > 0) {
        let _ = writeln!(out, "{}: {} more are not shown\n", severity.as_str(), report.left_out(severity));
    }
    for line in &report.tree {
        let below = if line.lookups == line.lookups_below {
            String::new()
        } else {
            format!(", {} with all below", line.lookups_below)
        };
        let _ = writeln!(out, "{}{}: lookups {}{below}", "  ".repeat(line.depth), line.domain, line.lookups);
    }
    if !report.tree.is_empty() {
        let (ipv4, ipv6) = (report.voids_ipv4.len(), report.voids_ipv6.len());
        let _ = writeln!(
            out,
            "lookups: {} of {TERM_LOOKUPS_MAX}; void: {ipv4} of {VOID_LOOKUPS_MAX} for IPv4, {ipv6} for IPv6 clients",
            report.lookups
        );
    }
    let [errors, warnings, advice] = SEVERITIES.map(|severity| report.count(severity));
    let _ = writeln!(out, "errors: {errors}, warnings: {warnings}, advice: {advice}");
    out
}

/// One finding, with a caret in an excerpt of the record where it has a place.
fn draw(finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Advice => Level::INFO.with_name("advice"),
    };
    let title = format!("{} [{}]", finding.what, finding.code);
    let place =
        finding.place.as_ref().map(|(text, span)| Place { path: &text.owner, source: &text.shown, span: span.clone() });
    Drawing { level, title: &title, help: Some(&finding.advice), place }.render(&Renderer::styled())
}

/// The report for programs; what its keys mean stands in the help text.
fn json(report: &Report) -> String {
    let mut records: Vec<&Arc<Text>> = Vec::new();
    let mut findings = Vec::new();
    for finding in &report.findings {
        let record = finding.place.as_ref().map(|(text, _)| match records.iter().position(|known| *known == text) {
            Some(known) => known,
            None => {
                records.push(text);
                records.len() - 1
            }
        });
        findings.push(FindingReport {
            severity: finding.severity.as_str(),
            code: finding.code,
            what: &finding.what,
            advice: &finding.advice,
            record,
            start: finding.place.as_ref().map(|(_, span)| span.start),
            end: finding.place.as_ref().map(|(_, span)| span.end),
        });
    }
    let [errors, warnings, advice] = SEVERITIES.map(|severity| report.count(severity));
    let report = LintReport {
        findings,
        records: records.iter().map(|text| RecordReport { domain: &text.owner, text: &text.shown }).collect(),
        counts: Counts { errors, warnings, advice },
        lookups: report.lookups,
        lookups_max: TERM_LOOKUPS_MAX,
        voids_ipv4: &report.voids_ipv4,
        voids_ipv6: &report.voids_ipv6,
        voids_max: VOID_LOOKUPS_MAX,
        complete: !report.incomplete,
    };
    serde_json::to_string_pretty(&report).expect("strings and numbers always make JSON")
}

/// The severities, worst first.
const SEVERITIES: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Advice];

#[derive(Serialize)]
struct LintReport<'a> {
    findings: Vec<FindingReport<'a>>,
    records: Vec<RecordReport<'a>>,
    counts: Counts,
    lookups: u32,
    lookups_max: u32,
    voids_ipv4: &'a [String],
    voids_ipv6: &'a [String],
    voids_max: u32,
    complete: bool,
}

#[derive(Serialize)]
struct FindingReport<'a> {
    severity: &'static str,
    code: &'static str,
    what: &'a str,
    advice: &'a str,
    record: Option<usize>,
    start: Option<usize>,
    end: Option<usize>,
}

#[derive(Serialize)]
struct RecordReport<'a> {
    domain: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Counts {
    errors: usize,
    warnings: usize,
    advice: usize,
}

/// The name of a record given by hand, in drawings.
const RECORD_DOMAIN: &str = "the.record";
