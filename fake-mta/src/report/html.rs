//! A page that needs nothing beside itself: every unit, and its sessions as sequence diagrams. Without scripts it lacks the filter.

use std::{collections::BTreeSet, ops::Range};

use super::{
    differences, flaky_text, human,
    text::{escaped, put},
    warnings, word,
};
use crate::{
    diag::Diag,
    run::{Status, Summary, UnitResult},
};

/// The page.
pub(super) fn render(summary: &Summary) -> String {
    let counts = counts(summary);
    let title: Vec<String> = counts.iter().map(|(count, word)| format!("{count} {word}")).collect();
    let counts: Vec<String> =
        counts.iter().map(|(count, word)| format!("<span class=\"{word}\">{count} {word}</span>")).collect();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\">\n<title>fake-mta run: {}</title>\n<style>\n{STYLE}</style></head>\n<body>\n<h1>fake-mta run</h1>\n\
         <p>{}</p>\n{TOOLS}",
        title.join(", "),
        counts.join(", ")
    );
    let mut ids = BTreeSet::new();
    summary.results.iter().for_each(|result| page += &unit(result, &mut ids));
    let warnings = warnings::section(summary, true, false) + &differences::section(summary, true);
    if !warnings.is_empty() {
        put(&mut page, format_args!("<h2>Warnings</h2>\n<pre>{}</pre>\n", escaped(warnings.trim())));
    }
    put(
        &mut page,
        format_args!("<footer>fake-mta {}</footer>\n<script>\n{SCRIPT}</script>\n", env!("CARGO_PKG_VERSION")),
    );
    page + "</body></html>\n"
}

/// What came of the runs. What is flaky failed too, and what is known passed.
fn counts(summary: &Summary) -> Vec<(usize, &'static str)> {
    let all = [
        (summary.count(Status::Passed), "passed"),
        (summary.count(Status::Failed), "failed"),
        (summary.count(Status::Skipped), "skipped"),
        (summary.flaky(), "flaky"),
        (summary.known(), "known"),
    ];
    all.into_iter().enumerate().filter(|(at, (count, _))| *at < 3 || *count > 0).map(|(_, count)| count).collect()
}

/// What failed is open from the start.
fn unit(result: &UnitResult, ids: &mut BTreeSet<String>) -> String {
    let status = match &result.played.known_deviation {
        _ if result.is_flaky() => "flaky",
        Some(_) => "known",
        None => word(result),
    };
    let (class, open) = if result.status() == Status::Failed { ("unit bad", " open") } else { ("unit", "") };
    let id = id(&result.unit.name(), ids);
    let mut text = format!(
        "<details class=\"{class}\" id=\"{id}\"{open}><summary><span class=\"status {status}\">{status}</span> {} \
         <small>{}, {:.3} s</small> <a class=\"self\" href=\"#{id}\">#</a></summary>\n",
        escaped(&result.unit.name()),
        escaped(&result.unit.scenario.path().to_string_lossy()),
        result.elapsed.as_secs_f64()
    );
    human::diags(result).iter().for_each(|diag| text += &message(diag));
    text.extend(flaky_text(result).map(|flaky| paragraph("flaky", &flaky)));
    let known = result.played.known_deviation.iter().map(|known| format!("known deviation: {known}"));
    text.extend(known.map(|known| paragraph("known", &known)));
    text.extend(result.played.skipped.iter().map(|reason| paragraph("skipped", reason)));
    if !result.strict {
        text.extend(warnings::lines(result).iter().map(|line| paragraph("warning", &format!("warning: {line}"))));
    }
    text += &diagram(&result.played.transcript, &places(result));
    if result.status() == Status::Failed {
        text += &list("zone", &result.played.zone);
        text += &list("DNS log", &result.played.dns_log);
        let rerun = escaped(&result.rerun);
        put(&mut text, format_args!("<p class=\"lone\">to run it alone: <code>{rerun}</code></p>\n"));
    }
    text + "</details>\n"
}

/// A name that a link can have behind its `#`; the second of its kind has a number.
fn id(name: &str, ids: &mut BTreeSet<String>) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let plain = words.collect::<Vec<_>>().join("-");
    let mut number = 1;
    loop {
        let id = if number == 1 { plain.clone() } else { format!("{plain}-{number}") };
        if ids.insert(id.clone()) {
            return id;
        }
        number += 1;
    }
}

/// A message; the words on its places stand below it, where they have room.
fn message(diag: &Diag) -> String {
    let labels = diag.labels.iter().map(|(span, _)| (span.clone(), String::new())).collect();
    let drawn = Diag { labels, ..diag.clone() }.render(false);
    let mut text = format!("<pre class=\"wrong\">{}</pre>\n", escaped(drawn.trim_end()));
    let answers: Vec<String> =
        diag.labels.iter().filter(|(_, label)| !label.is_empty()).map(|(_, label)| escaped(label)).collect();
    if !answers.is_empty() {
        put(&mut text, format_args!("<p class=\"answer\">{}</p>\n", answers.join("\n")));
    }
    text
}

fn paragraph(class: &str, text: &str) -> String {
    format!("<p class=\"{class}\">{}</p>\n", escaped(text))
}

fn list(heading: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    format!("<details><summary>{heading}</summary><pre>{}</pre></details>\n", escaped(&lines.join("\n")))
}

/// The lines of the transcript that tell of the steps in which something is wrong.
fn places(result: &UnitResult) -> Vec<Range<usize>> {
    let mismatches = result.mismatches.iter().filter_map(|mismatch| mismatch.at);
    let fatal = result.played.fatal.iter().filter_map(|fatal| fatal.at);
    let lines = |(session, step): (usize, usize)| {
        Some(result.played.sessions.get(session)?.steps.get(step)?.transcript.clone())
    };
    mismatches.chain(fatal).filter_map(lines).collect()
}

/// The transcript, line by line: who says what to whom.
fn diagram(transcript: &str, wrong: &[Range<usize>]) -> String {
    if transcript.trim().is_empty() {
        return String::new();
    }
    let mut text = String::from("<div class=\"lanes\"><b>client</b><b>MTA</b><b>milter</b><b>DNS</b>\n");
    for (number, line) in transcript.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        text += &row(line, wrong.iter().any(|range| range.contains(&number)));
    }
    text + "</div>\n"
}

fn row(line: &str, is_wrong: bool) -> String {
    let trimmed = line.trim_start();
    let indented = trimmed.len() < line.len();
    // `2>` is what goes to the second milter of a chain.
    let digits = trimmed.len() - trimmed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, marked) = if indented { trimmed.split_at(digits) } else { ("", trimmed) };
    let kinds = if indented { &BESIDE[..] } else { &SMTP[..] };
    let found = kinds.iter().find_map(|(mark, class)| Some((marked.strip_prefix(mark)?, *class)));
    let (rest, class) = found.unwrap_or((trimmed, "note"));
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let class = if rest.starts_with("(against the protocol") { "broken" } else { class };
    // A folded header field begins so.
    let tab = if class == "mail" && rest.starts_with("\\t") { "\t" } else { "" };
    let rest = if tab.is_empty() { rest } else { &rest[2..] };
    let filter = if number.is_empty() || found.is_none() { String::new() } else { format!("milter {number}: ") };
    let here = if is_wrong { " here" } else { "" };
    let text = breakable(&format!("{tab}{filter}{}", escaped(rest)));
    format!("<div class=\"{class}{here}\">{text}</div>\n")
}

/// Long words (macros, flags, addresses) end behind these signs where a lane is narrow, not in the middle of a name.
fn breakable(text: &str) -> String {
    ["|", "=", "@"].iter().fold(text.to_owned(), |text, sign| text.replace(sign, &format!("{sign}<wbr>")))
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

/// Shown by the script alone.
const TOOLS: &str = "<p class=\"tools\" hidden><input type=\"search\" id=\"words\" placeholder=\"words of a name\" \
                     aria-label=\"only runs with these words in their names\"> <label><input type=\"checkbox\" id=\"only\"> \
                     failures only</label></p>\n";

const STYLE: &str = include_str!("html/page.css");

const SCRIPT: &str = include_str!("html/page.js");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_goes_between_its_lanes_and_none_is_markup() {
        let transcript = "session 1: client x\nC: MAIL FROM:<a@b>\n    > mail <a@b>\n    D: b TXT -> NOERROR\n    < continue\n\
                          S: 250 ok\n    L: sendmail: x\n    < (against the protocol: no)\n   2< reject\n    | \\tfolded \\t\n";
        let drawn = diagram(transcript, std::slice::from_ref(&(4..6)));
        for piece in [
            "note\">session 1",
            "arrow c1 right\">MAIL FROM:&lt;a@<wbr>b&gt;",
            "arrow c2 right\">mail",
            "arrow c3 right\">b TXT -&gt;",
            "arrow c2 left here\">continue",
            "arrow c1 left here\">250 ok",
            "log\">sendmail",
            "broken\">(against",
            "arrow c2 left\">milter 2: reject",
            "mail\">\tfolded \\t<",
        ] {
            assert!(drawn.contains(piece), "{piece} is not in {drawn}");
        }
    }

    #[test]
    fn each_run_has_an_anchor_of_its_own() {
        let mut ids = BTreeSet::new();
        let all = ["a <b> / c [postfix]", "a <b> / c [postfix]"].map(|name| id(name, &mut ids));
        assert_eq!(all, ["a-b-c-postfix", "a-b-c-postfix-2"]);
    }
}
