//! `spf-milter lint`: the report about a record.

use std::fmt::Write as _;
use std::process::ExitCode;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;
use spf::{Name, TERM_LOOKUPS_MAX, VOID_LOOKUPS_MAX};

use super::args::LintArgs;
use super::output::print;
use super::source::{BUDGET, SourceError, open};
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
    let broken = |finding: &Finding| finding.severity == Severity::Error && finding.code != "lookup-failed";
    if report.findings.iter().any(broken) {
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
    let counts = [Severity::Error, Severity::Warning, Severity::Advice].map(|severity| report.count(severity));
    let [errors, warnings, advice] = counts;
    let _ = writeln!(out, "errors: {errors}, warnings: {warnings}, advice: {advice}");
    out
}

/// One finding, with the record and a caret where it has a place.
fn draw(finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Advice => Level::INFO.with_name("advice"),
    };
    let title = level.primary_title(format!("{} [{}]", finding.what, finding.code));
    let help = Level::HELP.message(&finding.advice);
    let group = match &finding.place {
        Some((text, span)) => title.element(snippet(text, span.clone())).element(help),
        None => title.element(help),
    };
    Renderer::styled().render(&[group])
}

fn snippet(text: &Text, span: std::ops::Range<usize>) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    // The text is ASCII: every offset is a character.
    let end = span.end.min(text.shown.len());
    let annotation = AnnotationKind::Primary.span(span.start.min(end)..end);
    Snippet::source(&text.shown).path(&text.owner).annotation(annotation)
}

/// The report for programs.
fn json(report: &Report) -> String {
    let findings = report.findings.iter().map(|finding| FindingReport {
        severity: finding.severity.as_str(),
        code: finding.code,
        what: &finding.what,
        advice: &finding.advice,
        domain: finding.place.as_ref().map(|(text, _)| text.owner.as_str()),
        record: finding.place.as_ref().map(|(text, _)| text.shown.as_str()),
        start: finding.place.as_ref().map(|(_, span)| span.start),
        end: finding.place.as_ref().map(|(_, span)| span.end),
    });
    let report = LintReport {
        findings: findings.collect(),
        lookups: report.lookups,
        lookups_max: TERM_LOOKUPS_MAX,
        voids_ipv4: &report.voids_ipv4,
        voids_ipv6: &report.voids_ipv6,
        voids_max: VOID_LOOKUPS_MAX,
        complete: !report.incomplete,
    };
    serde_json::to_string_pretty(&report).expect("strings and numbers always make JSON")
}

#[derive(Serialize)]
struct LintReport<'a> {
    findings: Vec<FindingReport<'a>>,
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
    domain: Option<&'a str>,
    record: Option<&'a str>,
    start: Option<usize>,
    end: Option<usize>,
}

/// The name of a record given by hand, in drawings.
const RECORD_DOMAIN: &str = "the.record";
