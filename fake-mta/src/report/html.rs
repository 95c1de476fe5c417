//! A page that needs nothing beside itself: every unit, and its sessions as sequence diagrams.

use std::fmt::Write as _;

use super::{human, word};
use crate::run::{Status, Summary, UnitResult};

/// The page.
pub(super) fn render(summary: &Summary) -> String {
    let count = |status| summary.count(status);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>fake-mta run</title>\n<style>{STYLE}</style></head>\n\
         <body>\n<h1>fake-mta run</h1>\n<p>{} passed, {} failed, {} skipped</p>\n",
        count(Status::Passed),
        count(Status::Failed),
        count(Status::Skipped)
    );
    summary.results.iter().for_each(|result| page += &unit(result));
    page + "</body></html>\n"
}

/// What failed is open from the start.
fn unit(result: &UnitResult) -> String {
    let status = match &result.played.known_deviation {
        _ if result.is_flaky() => "flaky",
        Some(_) => "known",
        None => word(result),
    };
    let open = if result.status() == Status::Failed { " open" } else { "" };
    let mut text = format!(
        "<details class=\"unit\"{open}><summary><span class=\"{status}\">{status}</span> {} <small>{}, {:.3} s</small></summary>\n",
        escaped(&result.unit.name()),
        escaped(&result.unit.scenario.path().to_string_lossy()),
        result.elapsed.as_secs_f64()
    );
    for diag in human::diags(result) {
        put(&mut text, format_args!("<pre class=\"wrong\">{}</pre>\n", escaped(&diag.render(false))));
    }
    if let Some(known) = &result.played.known_deviation {
        put(&mut text, format_args!("<p>known deviation: {}</p>\n", escaped(known)));
    }
    if let Some(reason) = &result.played.skipped {
        put(&mut text, format_args!("<p>{}</p>\n", escaped(reason)));
    }
    text += &diagram(&result.played.transcript);
    text + "</details>\n"
}

/// The transcript, line by line: who says what to whom.
fn diagram(transcript: &str) -> String {
    if transcript.trim().is_empty() {
        return String::new();
    }
    let mut text = String::from("<div class=\"lanes\"><b>client</b><b>MTA</b><b>milter</b><b>DNS</b>\n");
    transcript.lines().filter(|line| !line.is_empty()).for_each(|line| text += &row(line));
    text + "</div>\n"
}

fn row(line: &str) -> String {
    let trimmed = line.trim_start();
    let indented = trimmed.len() < line.len();
    let kinds = if indented { &BESIDE[..] } else { &SMTP[..] };
    let found = kinds.iter().find_map(|(mark, class)| Some((trimmed.strip_prefix(mark)?, *class)));
    let (rest, class) = found.unwrap_or((trimmed, "note"));
    format!("<div class=\"{class}\">{}</div>\n", escaped(rest.strip_prefix(' ').unwrap_or(rest)))
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a String takes everything");
}

fn escaped(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(crate::diag::escape).collect();
    lines.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The marks of lines at the margin, and how they are drawn.
const SMTP: [(&str, &str); 2] = [("C:", "arrow c1 right"), ("S:", "arrow c1 left")];

/// The marks of indented lines.
const BESIDE: [(&str, &str); 6] = [
    (">", "arrow c2 right"),
    ("<", "arrow c2 left"),
    ("D:", "arrow c3 right"),
    ("L:", "log"),
    ("|", "mail"),
    ("!", "broken"),
];

const STYLE: &str = "
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1a1a1a; background: #fff }
summary { cursor: pointer; padding: .2rem 0 } small { color: #777 }
summary span { display: inline-block; min-width: 4.5rem; font-weight: 600 }
.passed { color: #2b7a2b } .failed { color: #b3261e } .flaky, .known { color: #a05a00 } .skipped { color: #777 }
pre.wrong { background: #fbeae8; padding: .6rem; overflow-x: auto; font-size: 12.5px }
.lanes { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); max-width: 84rem; margin: .5rem 0 1.5rem;
  font: 12.5px/1.35 ui-monospace, monospace; background-repeat: no-repeat; background-size: 1px 100%;
  background-image: linear-gradient(#bbb, #bbb), linear-gradient(#bbb, #bbb), linear-gradient(#bbb, #bbb), linear-gradient(#bbb, #bbb);
  background-position: 12.5% 2rem, 37.5% 2rem, 62.5% 2rem, 87.5% 2rem }
.lanes b { text-align: center; font: 600 14px system-ui, sans-serif; padding-bottom: .4rem }
.lanes div { overflow-wrap: anywhere; padding: .1rem .7rem; margin: .1rem 0 }
.lanes .arrow { position: relative; background: #fffc; border-bottom: 1.5px solid #456; margin: .1rem 25% .3rem }
.arrow.c1 { grid-column: 1 / 3 } .arrow.c2 { grid-column: 2 / 4 } .lanes .arrow.c3 { grid-column: 3 / 5; border-bottom-style: dashed }
.arrow::after { position: absolute; bottom: -.36rem; border: .3rem solid transparent; content: '' }
.arrow.right::after { right: -.3rem; border-left-color: #456 } .arrow.left::after { left: -.3rem; border-right-color: #456 }
.log { grid-column: 2 / 5; color: #667; background: #f7f7f3 } .mail { grid-column: 1 / 5; background: #eef5ee; white-space: pre-wrap }
.note { grid-column: 1 / 5; background: #f0f0f0; font-weight: 600 } .broken { grid-column: 2 / 4; background: #fbeae8; color: #b3261e }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_goes_between_its_lanes_and_none_is_markup() {
        let transcript = "session 1: client x\nC: MAIL FROM:<a@b>\n    > mail <a@b>\n    D: b TXT -> NOERROR\n    < continue\nS: 250 ok\n    L: sendmail: x\n";
        let drawn = diagram(transcript);
        for piece in [
            "note\">session 1",
            "arrow c1 right\">MAIL FROM:&lt;a@b&gt;",
            "arrow c2 right\">mail",
            "arrow c3 right\">b TXT -&gt;",
            "arrow c2 left\">continue",
            "arrow c1 left\">250 ok",
            "log\">sendmail",
        ] {
            assert!(drawn.contains(piece), "{piece} is not in {drawn}");
        }
    }
}
