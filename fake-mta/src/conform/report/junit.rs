//! JUnit's XML: a suite for each milter.

use std::fmt::Write as _;

use super::{Battery, CaseResult, MilterResult, Verdict, escaped, first_line};
use crate::conform::case::Case;

pub(super) fn render(battery: &Battery) -> String {
    let suites: String = battery.milters.iter().map(|milter| suite(battery, milter)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fake-mta conform\">\n{suites}</testsuites>\n"
    )
}

fn suite(battery: &Battery, milter: &MilterResult) -> String {
    let bad = milter.results.iter().filter(|result| result.verdict.is_bad()).count();
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{bad}\" skipped=\"{}\">\n",
        escaped(&milter.name),
        milter.results.len(),
        milter.count(Verdict::Skip)
    );
    text.extend(battery.cases.iter().zip(&milter.results).map(|(case, result)| test(case, result)));
    text + "  </testsuite>\n"
}

fn test(case: &Case, result: &CaseResult) -> String {
    let time = result.elapsed.as_secs_f64();
    let mut text = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{time:.3}\"",
        escaped(case.group()),
        escaped(&case.id)
    );
    let why = escaped(first_line(result));
    match result.verdict {
        Verdict::Pass => text += "/>\n",
        Verdict::Skip => writeln!(text, ">\n      <skipped message=\"{why}\"/>\n    </testcase>").expect("a String"),
        verdict => {
            let exchange = escaped(&result.exchange.join("\n"));
            writeln!(
                text,
                ">\n      <failure type=\"{verdict}\" message=\"{why}\">{exchange}</failure>\n    </testcase>"
            )
            .expect("a String");
        }
    }
    text
}
