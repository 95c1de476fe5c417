//! A page that needs nothing beside itself: the matrix, and every case with what went over the wire.

use std::fmt::Write as _;

use super::{Battery, CaseResult, NOT_TRIED, counts, escaped, row, word};
use crate::conform::case::Case;

pub(super) fn render(battery: &Battery) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>fake-mta conform</title>\n<style>{STYLE}</style></head>\n<body>\n<h1>Conformance of milters</h1>\n"
    );
    if battery.is_interrupted {
        page += "<p>Interrupted.</p>\n";
    }
    for milter in &battery.milters {
        let fatal = milter.fatal.as_ref().map_or_else(String::new, |fatal| format!(": {}", escaped(&fatal.text)));
        put(&mut page, format_args!("<p><b>{}</b>: {}{fatal}</p>\n", escaped(&milter.name), counts(battery, milter)));
    }
    page += "<table>\n<thead><tr><th>case</th><th>level</th>";
    battery.milters.iter().for_each(|milter| put(&mut page, format_args!("<th>{}</th>", escaped(&milter.name))));
    page += "</tr></thead>\n<tbody>\n";
    let mut group = "";
    for (index, case) in battery.cases.iter().enumerate() {
        if case.group() != group {
            group = case.group();
            put(
                &mut page,
                format_args!("<tr class=\"group\"><th colspan=\"{}\">{group}</th></tr>\n", battery.milters.len() + 2),
            );
        }
        page += &case_row(battery, index, case);
    }
    page + "</tbody></table>\n</body></html>\n"
}

fn case_row(battery: &Battery, index: usize, case: &Case) -> String {
    let mut text = format!(
        "<tr><td><details><summary>{}</summary><p>{}.</p><p><b>Why:</b> {}.<br><b>libmilter</b> {}.<br><b>Seen:</b> {}.</p></details></td><td>{}</td>",
        case.id,
        escaped(&case.title),
        escaped(case.reason),
        escaped(case.standard),
        escaped(case.seen),
        case.level
    );
    for result in row(battery, index) {
        text += &result.map_or_else(|| format!("<td>{NOT_TRIED}</td>"), cell);
    }
    text + "</tr>\n"
}

fn cell(result: &CaseResult) -> String {
    let verdict = result.verdict;
    let mut inside = String::new();
    if let Some(why) = &result.why {
        put(&mut inside, format_args!("<p>{}</p>", escaped(why)));
    }
    if let Some(early) = &result.ended_early {
        put(&mut inside, format_args!("<p>Not all was sent: {}</p>", escaped(early)));
    }
    put(&mut inside, format_args!("<pre>{}</pre>", escaped(&result.exchange.join("\n"))));
    if !result.output.is_empty() {
        put(&mut inside, format_args!("<p>Its last lines:</p><pre>{}</pre>", escaped(&result.output.join("\n"))));
    }
    let word = word(Some(result));
    format!("<td class=\"{verdict}\"><details><summary>{word}</summary>{inside}</details></td>")
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a String takes everything");
}

const STYLE: &str = "
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1a1a1a; background: #fff }
table { border-collapse: collapse } th, td { border: 1px solid #ccc; padding: .2rem .6rem; text-align: left; vertical-align: top }
thead th { position: sticky; top: 0; background: #eee } tr.group th { background: #f6f6f6 }
td.pass { background: #e3f4e3 } td.skip { background: #f4f0dc } td.fail, td.leak { background: #f9d9d4 } td.crash, td.hang { background: #e9a79c }
pre { font-size: 12px; max-width: 60rem; overflow-x: auto; white-space: pre-wrap } p { max-width: 45rem } summary { cursor: pointer }
";
