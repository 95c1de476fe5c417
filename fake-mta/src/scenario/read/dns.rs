//! The `[dns]` table, its zone text and its fault rules checked at once.

use std::path::Path;

use super::Fields;
use crate::{
    diag::{self, Diag, Source, Span},
    format,
    scenario::{
        Dns, DnsMode, Located, ZoneText, dialogue,
        matcher::ANY_LINES,
        node::{Node, TextLine},
        problems::Problems,
    },
};

/// Reads the table; `dir` is where `include` looks.
pub(super) fn read(node: Option<&Node>, dir: &Path, problems: &mut Problems) -> Dns {
    let Some(node) = node else { return Dns::default() };
    let mut fields = Fields::open(node, "[dns]", &format::DNS.names(), problems);
    let mut zones = included(&mut fields, dir);
    zones.extend(zone_block(&mut fields));
    Dns {
        zones,
        mode: fields.word("mode", &DnsMode::ALL).map(|word| word.value).unwrap_or_default(),
        faults: faults(&mut fields),
        expect: expected(&mut fields),
    }
}

fn included(fields: &mut Fields<'_>, dir: &Path) -> Vec<ZoneText> {
    let mut zones = Vec::new();
    for file in fields.texts("include").unwrap_or_default() {
        let path = dir.join(&file.value);
        match diag::read_text(&path, diag::MAX_TEXT_BYTES) {
            Ok(text) => {
                let source = Source::new(path, text);
                let span = Span::new(&source, 0..source.text().len());
                check_zone(source.text(), |range| Span::new(&source, range), fields.problems());
                zones.push(ZoneText { text: source.text().to_owned(), span });
            }
            Err(diag) => fields.problems().add(diag.label(&file.span, "")),
        }
    }
    zones
}

fn zone_block(fields: &mut Fields<'_>) -> Option<ZoneText> {
    let node = fields.node("zone")?;
    let lines = fields.block("zone")?;
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let text = text.join("\n");
    check_zone(&text, |range| place(&lines, range), fields.problems());
    Some(ZoneText { text, span: node.content_span() })
}

/// The place in the file of a byte range of the lines' text.
fn place(lines: &[TextLine], range: std::ops::Range<usize>) -> Span {
    let mut start = 0;
    for line in lines {
        let end = start + line.text.len();
        if range.start <= end {
            let same = line.span.text() == line.text;
            let width = range.end.min(end).saturating_sub(range.start);
            // Where case values were filled in, columns have moved: the line as a whole is still right.
            return if same {
                line.span.part(range.start - start..range.start - start + width)
            } else {
                line.span.clone()
            };
        }
        start = end + 1;
    }
    lines.last().expect("a text has at least one line").span.clone()
}

fn check_zone(text: &str, place: impl Fn(std::ops::Range<usize>) -> Span, problems: &mut Problems) {
    let Err(errors) = zone::parse(text, &zone::ParseOptions::default()) else { return };
    for error in errors.errors() {
        problems.add(told(&error.message, error.help.as_deref(), &place(error.span.start..error.span.end)));
    }
}

fn told(message: &str, help: Option<&str>, span: &Span) -> Diag {
    let diag = Diag::error(message).label(span, "");
    match help {
        Some(help) => diag.help(help),
        None => diag,
    }
}

fn faults(fields: &mut Fields<'_>) -> Vec<Located<String>> {
    let rules = fields.lines("fault").unwrap_or_default();
    for rule in &rules {
        if let Err(error) = rule.parse::<fake_dns::FaultRule>() {
            let span = rule.span.part(error.span.start..error.span.end);
            fields.problems().add(told(&error.message, error.help.as_deref(), &span));
        }
    }
    rules
}

fn expected(fields: &mut Fields<'_>) -> Option<Located<Vec<Located<String>>>> {
    let questions = fields.lines("expect")?;
    for question in questions.iter().filter(|line| line.value != ANY_LINES) {
        let checked = dialogue::check_question(question, &question.span);
        fields.problems().take(checked);
    }
    Some(Located::new(questions, fields.node("expect")?.span.clone()))
}
