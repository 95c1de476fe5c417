//! JUnit's XML: a suite for each milter.

use std::fmt::Write as _;

use super::{Battery, CaseResult, MilterResult, NOT_TRIED, Verdict, first_line};
use crate::{conform::case::Case, report::text::escaped};

pub(super) fn render(battery: &Battery) -> String {
    let suites: String = battery.milters.iter().map(|milter| suite(battery, milter)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fake-mta conform\">\n{suites}</testsuites>\n"
    )
}

fn suite(battery: &Battery, milter: &MilterResult) -> String {
    let bad = milter.results.iter().filter(|result| result.verdict.is_bad()).count();
    let left = battery.cases.get(milter.results.len()..).unwrap_or_default();
    let (errors, skipped) = (usize::from(milter.fatal.is_some()), milter.count(Verdict::Skip) + left.len());
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{bad}\" errors=\"{errors}\" skipped=\"{skipped}\">\n",
        escaped(&milter.name),
        battery.cases.len() + errors,
    );
    if let Some(fatal) = &milter.fatal {
        let error = escaped(&fatal.text);
        text += "    <testcase classname=\"start\" name=\"start\" time=\"0.000\">\n";
        writeln!(text, "      <error message=\"{error}\"/>\n    </testcase>").expect("a String");
    }
    text.extend(battery.cases.iter().zip(&milter.results).map(|(case, result)| test(case, result)));
    text.extend(left.iter().map(|case| {
        let skipped = format!(">\n      <skipped message=\"{NOT_TRIED}\"/>\n    </testcase>\n");
        head(case, 0.0) + &skipped
    }));
    text + "  </testsuite>\n"
}

fn head(case: &Case, time: f64) -> String {
    let (group, id) = (escaped(case.group()), escaped(&case.id));
    format!("    <testcase classname=\"{group}\" name=\"{id}\" time=\"{time:.3}\"")
}

fn test(case: &Case, result: &CaseResult) -> String {
    let mut text = head(case, result.elapsed.as_secs_f64());
    let why = escaped(first_line(result));
    match result.verdict {
        Verdict::Pass => match &result.ended_early {
            None => text += "/>\n",
            Some(early) => {
                let early = escaped(early);
                writeln!(text, ">\n      <system-out>not all was sent: {early}</system-out>\n    </testcase>")
                    .expect("a String");
            }
        },
        Verdict::Skip => writeln!(text, ">\n      <skipped message=\"{why}\"/>\n    </testcase>").expect("a String"),
        verdict => {
            let exchange = escaped(&[&result.exchange[..], &result.output].concat().join("\n"));
            writeln!(
                text,
                ">\n      <failure type=\"{verdict}\" message=\"{why}\">{exchange}</failure>\n    </testcase>"
            )
            .expect("a String");
        }
    }
    text
}
