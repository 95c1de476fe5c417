//! `spf-milter check`: one check, and what comes of it.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use spf::{Limits, SpfResult, TraceCheck, TraceQuery};

use super::args::CheckArgs;
use super::output::print;
use super::source::{BUDGET, SourceError, open};
use super::tree;
use crate::headers::{Charset, ReceivedSpf};
use crate::judge::{Check, CheckSettings, Envelope, ReceivedSpfKeys, ShownKeys, bare_address};
use crate::session::{now, system_hostname};

/// Runs the check and prints what came of it.
pub(super) async fn run(args: &CheckArgs) -> Result<ExitCode, SourceError> {
    let source = open(&args.dns)?;
    let receiver = args.receiver.clone().unwrap_or_else(system_hostname);
    let mail_from = bare_address(args.mail_from.as_deref().unwrap_or_default().as_bytes());
    let helo = args.helo.as_deref().map(str::as_bytes);
    let envelope = Envelope { ip: args.ip, helo, mail_from, receiver: &receiver, now: now() };
    let settings = CheckSettings { limits: Limits::default(), default_explanation: None, records: None, trace: true };
    let check = Check::deciding(&envelope, &settings, &source.within(BUDGET)).await;
    let keys = ReceivedSpfKeys { mail_from, helo, charset: Charset::Utf8, comment: None };
    let header = check.received_spf(&keys, ShownKeys::Keys);
    let shown =
        if args.json { json(&check, &header, args.explain) + "\n" } else { text(&check, &header, args.explain) };
    Ok(print(&shown, ExitCode::from(exit_code(check.result()))))
}

/// Documented in the help text.
fn exit_code(result: SpfResult) -> u8 {
    match result {
        SpfResult::Pass => 0,
        SpfResult::Fail => 1,
        SpfResult::Softfail => 2,
        SpfResult::Neutral => 3,
        SpfResult::None => 4,
        SpfResult::Permerror => 5,
        SpfResult::Temperror => 6,
    }
}

/// The outcome for people.
fn text(check: &Check, header: &str, explain: bool) -> String {
    let outcome = &check.outcome;
    let (result, styled) = (outcome.result, tree::style(outcome.result));
    let mut out = format!("result: {styled}{result}{styled:#}\ncause: {}\n", outcome.cause);
    if let Some(explanation) = &outcome.explanation {
        let from = explanation.from.as_ref().map(|domain| format!(" (said by {domain})")).unwrap_or_default();
        let _ = writeln!(out, "explanation: {}{from}", explanation.text);
    }
    let limits = check.request.limits();
    let (lookups, voids) = (outcome.term_lookups, outcome.void_terms);
    let _ = writeln!(out, "lookups: {lookups} of {}, void: {voids} of {}", limits.terms, limits.voids);
    for question in &outcome.void_lookups {
        let _ = writeln!(out, "void lookup: {question}");
    }
    let _ = writeln!(out, "{}: {header}", ReceivedSpf::NAME);
    if let Some(trace) = outcome.trace.as_ref().filter(|_| explain) {
        let _ = write!(out, "\n{}", tree::draw(trace));
    }
    out
}

/// The outcome for programs.
fn json(check: &Check, header: &str, explain: bool) -> String {
    let outcome = &check.outcome;
    let trace = outcome.trace.as_ref().filter(|_| explain);
    let report = Report {
        result: outcome.result.as_str(),
        cause: outcome.cause.to_string(),
        identity: check.identity.as_str(),
        client_ip: check.request.ip().to_string(),
        address: check.address(),
        mechanism: check.mechanism(),
        matched_in: outcome.matched().map(|matched| matched.domain.to_string()),
        explanation: outcome.explanation.as_ref().map(|explanation| explanation.text.as_str()),
        explanation_from: outcome.explanation.as_ref().and_then(|found| found.from.as_ref()).map(ToString::to_string),
        lookups: outcome.term_lookups,
        voids: outcome.void_terms,
        void_lookups: outcome.void_lookups.iter().map(ToString::to_string).collect(),
        received_spf: header,
        trace: trace.map(|trace| CheckReport::new(&trace.check)),
    };
    serde_json::to_string_pretty(&report).expect("strings and numbers always make JSON")
}

#[derive(Serialize)]
struct Report<'a> {
    result: &'static str,
    cause: String,
    identity: &'static str,
    client_ip: String,
    address: String,
    mechanism: Option<&'a str>,
    matched_in: Option<String>,
    explanation: Option<&'a str>,
    explanation_from: Option<String>,
    lookups: u32,
    voids: u32,
    void_lookups: Vec<String>,
    received_spf: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<CheckReport>,
}

#[derive(Serialize)]
struct CheckReport {
    domain: String,
    record: Option<String>,
    result: &'static str,
    cause: String,
    queries: Vec<QueryReport>,
    terms: Vec<TermReport>,
}

impl CheckReport {
    fn new(check: &TraceCheck) -> Self {
        Self {
            domain: check.domain.to_string(),
            record: check.record.as_ref().map(|record| record.text().to_owned()),
            result: check.result.as_str(),
            cause: check.cause.to_string(),
            queries: check.query.iter().map(QueryReport::new).collect(),
            terms: check.terms.iter().map(TermReport::new).collect(),
        }
    }
}

#[derive(Serialize)]
struct TermReport {
    term: String,
    target: Option<String>,
    verdict: &'static str,
    lookups: u32,
    voids: u32,
    queries: Vec<QueryReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<Box<CheckReport>>,
}

impl TermReport {
    fn new(term: &spf::TraceTerm) -> Self {
        Self {
            term: term.term.to_string(),
            target: term.target.as_ref().map(ToString::to_string),
            verdict: match term.verdict {
                spf::Verdict::Match => "match",
                spf::Verdict::NoMatch => "no match",
                spf::Verdict::Error => "error",
            },
            lookups: term.term_lookups,
            voids: term.void_terms,
            queries: term.queries.iter().map(QueryReport::new).collect(),
            check: term.check.as_ref().map(|check| Box::new(CheckReport::new(check))),
        }
    }
}

#[derive(Serialize)]
struct QueryReport {
    question: String,
    answer: String,
    ms: f64,
}

impl QueryReport {
    fn new(query: &TraceQuery) -> Self {
        let answer = query.answer.kind.to_string();
        Self { question: query.question.to_string(), answer, ms: query.answer.elapsed.as_secs_f64() * 1000.0 }
    }
}
