//! What is not as the scenario says, as messages.

use crate::{
    diag::Diag,
    scenario::{LineKind, Mismatch, Subject},
};

/// What is wrong, in a few words.
pub(super) fn title(mismatch: &Mismatch) -> &'static str {
    let (differs, missing, extra) = match mismatch.subject {
        Subject::Line(LineKind::Smtp) => (
            "the MTA's reply differs",
            "a reply of the MTA did not come",
            "the MTA sent a reply that the scenario does not expect",
        ),
        Subject::Line(LineKind::Milter | LineKind::MilterOf(_)) => (
            "the milter's answer differs",
            "an answer of the milter did not come",
            "the milter sent an answer that the scenario does not expect",
        ),
        Subject::Line(LineKind::Dns) => (
            "another DNS question was asked",
            "a DNS question was not asked",
            "a DNS question was asked that the scenario does not expect",
        ),
        Subject::Line(LineKind::Log) | Subject::SessionLog => {
            ("a log line did not come", "a log line did not come", "an unexpected log line")
        }
        Subject::Line(LineKind::Wire) => (
            "another packet went over the wire",
            "a packet did not come",
            "a packet went over the wire that the scenario does not expect",
        ),
        Subject::Line(LineKind::Warning) => (
            "another warning about the milter",
            "a warning about the milter did not come",
            "a warning about the milter that the scenario does not expect",
        ),
        Subject::Envelope => (
            "the delivered envelope differs",
            "the delivered envelope lacks a line",
            "the delivered envelope has a line that the scenario does not expect",
        ),
        Subject::Delivered => (
            "the delivered message differs",
            "the delivered message lacks a line",
            "the delivered message has a line that the scenario does not expect",
        ),
        Subject::SpfResult => {
            ("the SPF result differs", "the milter recorded no SPF result", "an unexpected SPF result")
        }
        Subject::Explanation => {
            ("the explanation differs", "the milter did not refuse with an explanation", "an unexpected explanation")
        }
        Subject::KnownDeviation => {
            let text = "the deviation that the scenario knows of is not there any more";
            (text, text, text)
        }
        Subject::OtherDeviation => {
            let text = "the milter deviates, but something else comes than `instead` says";
            (text, text, text)
        }
        Subject::Journal => (
            "the DNS journal differs",
            "the DNS journal lacks a question",
            "the DNS journal has a question that the scenario does not expect",
        ),
    };
    match (&mismatch.expected, &mismatch.got) {
        (Some(_), Some(_)) => differs,
        (Some(_), None) => missing,
        _ => extra,
    }
}

/// A message for each place: lines that came, or did not come, one behind the other are told together.
pub(super) fn diags(mismatches: &[Mismatch]) -> Vec<Diag> {
    let is_alike = |one: &Mismatch, next: &Mismatch| {
        let is_missing = one.got.is_none() && next.got.is_none();
        let is_extra = one.expected.is_none() && next.expected.is_none() && one.span == next.span;
        one.at == next.at && one.subject == next.subject && (is_missing || is_extra)
    };
    let together = |alike: &[Mismatch]| {
        let (first, others) = alike.split_first()?;
        Some(others.iter().fold(diag(first), |mut told, other| match &other.got {
            Some(got) => told.note(format!("and then: {got}")),
            None => {
                told.labels.push((other.span.clone(), "nor for this".to_owned()));
                told
            }
        }))
    };
    mismatches.chunk_by(is_alike).filter_map(together).collect()
}

fn diag(mismatch: &Mismatch) -> Diag {
    if mismatch.subject == Subject::KnownDeviation {
        return Diag::error(title(mismatch))
            .label(&mismatch.span, "")
            .help("take `known_deviation` away, and `instead` if it is there");
    }
    if mismatch.subject == Subject::OtherDeviation {
        return Diag::error(title(mismatch)).label(&mismatch.span, "");
    }
    let is_log = matches!(mismatch.subject, Subject::Line(LineKind::Log) | Subject::SessionLog);
    let label = match (&mismatch.expected, &mismatch.got) {
        (Some(_), Some(got)) if is_log => format!("the nearest that came: {got}"),
        (Some(_), Some(got)) => format!("came instead: {got}"),
        (Some(_), None) => "nothing came for this".to_owned(),
        (None, Some(got)) => format!("behind this came: {got}"),
        (None, None) => String::new(),
    };
    let mut diag = Diag::error(title(mismatch)).label(&mismatch.span, label);
    let Some(expected) = &mismatch.expected else { return diag };
    if !mismatch.span.text().contains(expected.as_str()) {
        diag = diag.note(format!("expected: {expected}"));
    }
    match mismatch.got.as_ref().and_then(|got| first_difference(expected, got)) {
        Some(note) => diag.note(note),
        None => diag,
    }
}

/// Where two long lines part that begin alike.
fn first_difference(expected: &str, got: &str) -> Option<String> {
    let same: usize = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    if same < MIN_SAME_BYTES || expected.contains("[..]") {
        return None;
    }
    let from = expected[..same].rfind(' ').map_or(same, |space| space + 1);
    let cut = |text: &str| -> String { text[from..].chars().take(SHOWN_CHARS).collect() };
    Some(format!("they differ from here on: expected `{}`, came `{}`", cut(expected), cut(got)))
}

/// Two lines that begin alike by so much are hard to compare by eye.
const MIN_SAME_BYTES: usize = 16;

/// So much of each is shown from where they part.
const SHOWN_CHARS: usize = 60;
