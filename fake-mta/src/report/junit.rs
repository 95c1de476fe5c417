//! JUnit's XML.

use std::{fmt::Write as _, time::Duration};

use super::{human, warnings};
use crate::run::{FatalKind, Status, Summary, UnitResult};

/// One suite for each file, one case for each unit.
pub(super) fn render(summary: &Summary) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&UnitResult> = summary.results.iter().collect();
    put(&mut xml, format_args!("<testsuites name=\"fake-mta\" {}>\n", counts(&all)));
    for of_file in all.chunk_by(|a, b| a.unit.scenario.path() == b.unit.scenario.path()) {
        let path = escaped(&of_file[0].unit.scenario.path().to_string_lossy());
        put(&mut xml, format_args!("  <testsuite name=\"{path}\" {}>\n", counts(of_file)));
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
        Status::Failed => {
            let element = match result.is_flaky() {
                // A reader that does not know `flakyFailure` counts it as no failure, which it is here.
                true => "failure type=\"flaky\"",
                false if is_error(result) => "error",
                false => "failure",
            };
            let message = human::diags(result).first().map(|diag| escaped(&diag.title)).unwrap_or_default();
            let text = escaped(&human::failure(result, false));
            put(
                xml,
                format_args!(
                    "      <{element} message=\"{message}\">{text}</{}>\n",
                    element.split(' ').next().unwrap_or(element)
                ),
            );
            if result.is_flaky() {
                put(xml, format_args!("      <flakyFailure message=\"{message}\"/>\n"));
            }
        }
    }
    let notes: String = warnings::lines(result).iter().map(|line| format!("warning: {line}\n")).collect();
    if !notes.is_empty() {
        put(xml, format_args!("      <system-out>{}</system-out>\n", escaped(&notes)));
    }
    xml.push_str("    </testcase>\n");
}

/// Whether it broke off, as against an expectation that failed.
fn is_error(result: &UnitResult) -> bool {
    result.played.fatal.as_ref().is_some_and(|fatal| fatal.kind != FatalKind::Cancelled)
}

fn counts(results: &[&UnitResult]) -> String {
    let count = |wanted: fn(&UnitResult) -> bool| results.iter().filter(|result| wanted(result)).count();
    let time: Duration = results.iter().map(|result| result.elapsed).sum();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        results.len(),
        count(|result| result.status() == Status::Failed && !is_error(result)),
        count(|result| result.status() == Status::Failed && is_error(result)),
        count(|result| result.status() == Status::Skipped || result.played.known_deviation.is_some()),
        seconds(time)
    )
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

fn put(xml: &mut String, text: std::fmt::Arguments<'_>) {
    xml.write_fmt(text).expect("a String takes everything");
}

/// Text for an attribute or an element; control characters, which XML cannot hold, are spelled out.
fn escaped(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(crate::diag::escape).collect();
    let text = lines.join("\n");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
