//! JUnit's XML.

use std::time::Duration;

use super::{
    fatal_word, human,
    text::{escaped, put},
    warnings,
};
use crate::run::{Fatal, FatalKind, Status, Summary, UnitResult};

/// One suite for each file, one case for each unit.
pub(super) fn render(summary: &Summary) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&UnitResult> = summary.results.iter().collect();
    put(&mut xml, format_args!("<testsuites name=\"fake-mta\" {}>\n", counts(&all)));
    for of_file in all.chunk_by(|a, b| a.unit.scenario.path() == b.unit.scenario.path()) {
        let path = escaped(&of_file[0].unit.scenario.path().to_string_lossy());
        put(
            &mut xml,
            format_args!("  <testsuite name=\"{path}\" {} skipped=\"{}\">\n", counts(of_file), skipped(of_file)),
        );
        of_file.iter().for_each(|result| case(&mut xml, &path, result));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, path: &str, result: &UnitResult) {
    let name = escaped(&result.unit.name());
    let time = seconds(result.elapsed);
    put(xml, format_args!("    <testcase classname=\"{path}\" name=\"{name}\" time=\"{time}\">\n"));
    match result.status() {
        Status::Passed => {
            if let Some(known) = &result.played.known_deviation {
                put(xml, format_args!("      <skipped message=\"known deviation: {}\"/>\n", escaped(known)));
            }
        }
        Status::Skipped => match &result.played.skipped {
            Some(reason) => put(xml, format_args!("      <skipped message=\"{}\"/>\n", escaped(reason))),
            None => xml.push_str("      <skipped/>\n"),
        },
        Status::Failed => failed(xml, result),
    }
    let notes: String = warnings::lines(result).iter().map(|line| format!("warning: {line}\n")).collect();
    if !notes.is_empty() {
        put(xml, format_args!("      <system-out>{}</system-out>\n", escaped(&notes)));
    }
    xml.push_str("    </testcase>\n");
}

/// What failed. A run that passes by turns is a failure too: a reader that does not know `flakyFailure` would count it as none.
fn failed(xml: &mut String, result: &UnitResult) {
    let message = human::diags(result).first().map(|diag| escaped(&diag.title)).unwrap_or_default();
    let text = escaped(&human::failure(result, false));
    let kind = broken_off(result).map_or("expectation", |fatal| fatal_word(fatal.kind));
    let element = if broken_off(result).is_some() { "error" } else { "failure" };
    if result.is_flaky() {
        put(xml, format_args!("      <failure type=\"flaky\" message=\"{message}\">{text}</failure>\n"));
        let flaky = if element == "error" { "flakyError" } else { "flakyFailure" };
        put(
            xml,
            format_args!(
                "      <{flaky} type=\"{kind}\" message=\"{message}\"><stackTrace>{text}</stackTrace></{flaky}>\n"
            ),
        );
    } else {
        put(xml, format_args!("      <{element} type=\"{kind}\" message=\"{message}\">{text}</{element}>\n"));
    }
}

/// Why it broke off, if it did: an error, as against an expectation that failed.
fn broken_off(result: &UnitResult) -> Option<&Fatal> {
    result.played.fatal.as_ref().filter(|fatal| fatal.kind != FatalKind::Cancelled)
}

/// The totals. `skipped` is no attribute of `testsuites` in Jenkins' schema.
fn counts(results: &[&UnitResult]) -> String {
    let count = |wanted: fn(&UnitResult) -> bool| results.iter().filter(|result| wanted(result)).count();
    let time: Duration = results.iter().map(|result| result.elapsed).sum();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\"",
        results.len(),
        count(|result| result.status() == Status::Failed && !is_error(result)),
        count(|result| result.status() == Status::Failed && is_error(result)),
        seconds(time)
    )
}

fn is_error(result: &UnitResult) -> bool {
    broken_off(result).is_some() && !result.is_flaky()
}

fn skipped(results: &[&UnitResult]) -> usize {
    let is_skipped =
        |result: &&&UnitResult| result.status() == Status::Skipped || result.played.known_deviation.is_some();
    results.iter().filter(is_skipped).count()
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}
