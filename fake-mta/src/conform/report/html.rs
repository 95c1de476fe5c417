//! A page that needs nothing beside itself: the matrix, and every case with what went over the wire.

use super::{
    Battery, CaseResult, Level, MilterResult, NOT_TRIED, counts,
    fault::{Fault, faults},
    made_by, row, word,
};
use crate::{
    conform::case::Case,
    report::text::{escaped, put},
};

pub(super) fn render(battery: &Battery) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\"><title>fake-mta conform</title>\n<style>\n{STYLE}</style></head>\n<body>\n<h1>Conformance of milters</h1>\n"
    );
    put(&mut page, format_args!("<p>{}</p>\n", escaped(&made_by(battery))));
    if battery.is_interrupted {
        page += "<p>Interrupted.</p>\n";
    }
    battery.milters.iter().for_each(|milter| page += &summary(battery, milter));
    page += "<h2>All cases</h2>\n<div class=\"matrix\"><table>\n<thead><tr><th>case</th><th>level</th>";
    battery.milters.iter().for_each(|milter| put(&mut page, format_args!("<th>{}</th>", escaped(&milter.name))));
    page += "</tr></thead>\n<tbody>\n";
    let mut group = "";
    for (index, case) in battery.cases.iter().enumerate() {
        if case.group() != group {
            group = case.group();
            let columns = battery.milters.len() + 2;
            put(
                &mut page,
                format_args!("<tr class=\"group\"><th colspan=\"{columns}\"><span>{group}</span></th></tr>\n"),
            );
        }
        page += &case_row(battery, index, case);
    }
    page + "</tbody></table></div>\n</body></html>\n"
}

/// What it is, how it did, and each fault with the cases that found it.
fn summary(battery: &Battery, milter: &MilterResult) -> String {
    let mut text = format!("<h2>{}</h2>\n<p><code>{}</code></p>\n", escaped(&milter.name), escaped(&milter.place));
    if let Some(fatal) = &milter.fatal {
        put(&mut text, format_args!("<p class=\"error\">{}</p>\n", escaped(&fatal.text)));
    }
    put(&mut text, format_args!("<p>{}</p>\n{}", counts(battery, milter), by_level(battery, milter)));
    let faults = faults(battery, milter);
    if !faults.is_empty() {
        let items: String = faults.iter().map(item).collect();
        put(&mut text, format_args!("<ul>\n{items}</ul>\n"));
    }
    text
}

fn by_level(battery: &Battery, milter: &MilterResult) -> String {
    let words: Vec<&str> = battery.counts(milter, None).filter(|(_, count)| *count > 0).map(|(word, _)| word).collect();
    let heads: String = words.iter().map(|word| format!("<th>{word}</th>")).collect();
    let mut text = format!("<table class=\"counts\"><thead><tr><th></th>{heads}</tr></thead>\n<tbody>\n");
    for (level_word, level) in Level::ALL {
        let counts = battery.counts(milter, Some(level)).filter(|(word, _)| words.contains(word));
        let cells: String = counts.map(|(word, count)| format!("<td class=\"{word}\">{count}</td>")).collect();
        put(&mut text, format_args!("<tr><th>{level_word}</th>{cells}</tr>\n"));
    }
    text + "</tbody></table>\n"
}

fn item(fault: &Fault<'_>) -> String {
    let cases = fault.cases.iter().map(|case| format!("<a href=\"#{0}\">{0}</a> ({1})", case.id, case.level));
    let (count, cases) = (fault.cases.len(), cases.collect::<Vec<_>>().join(", "));
    let cases = match count > SHOWN_CASES {
        true => format!("<details><summary>in {count} cases</summary>{cases}</details>"),
        false => format!("<br>{cases}"),
    };
    format!("<li>{}{cases}</li>\n", escaped(&fault.text()))
}

fn case_row(battery: &Battery, index: usize, case: &Case) -> String {
    let id = &case.id;
    let mut text = format!(
        "<tr id=\"{id}\"><td><details><summary>{id}</summary><p>{}.</p><p><b>Why:</b> {}.<br><b>libmilter</b> {}.<br><b>Seen:</b> {}.</p></details></td><td>{}</td>",
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

/// So many are named at once; what is beyond would push the matrix out of sight.
const SHOWN_CASES: usize = 10;

const STYLE: &str = include_str!("html/page.css");
