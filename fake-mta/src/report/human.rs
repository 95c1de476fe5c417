//! The report for people.

use std::ops::Range;

use anstyle::AnsiColor;

use super::{
    cause::{self, Verdict},
    differences, flaky_text, mismatch,
    text::{painted, put},
    warnings,
};
use crate::{
    diag::{Diag, escape},
    run::{Fatal, Status, Summary, UnitResult},
    scenario::{Mismatch, Subject},
};

/// One line for a unit: its status, its name, its time.
pub(crate) fn unit_line(result: &UnitResult, colour: bool) -> String {
    let (word, style) = match result.status() {
        Status::Passed if result.played.known_deviation.is_some() => ("known  ", AnsiColor::Yellow.on_default()),
        Status::Passed => ("ok     ", AnsiColor::Green.on_default()),
        Status::Failed => ("FAILED ", AnsiColor::Red.on_default().bold()),
        Status::Skipped => ("skipped", AnsiColor::Yellow.on_default()),
    };
    let time = result.elapsed.as_secs_f64();
    format!("{} {} ({time:.3} s)\n", painted(word, style, colour), escape(&result.unit.name()))
}

/// What stands between two rounds.
pub(crate) fn round(rounds: u32) -> String {
    format!("round {rounds} is over\n")
}

/// The last line of a run, and before it what passed in some rounds and failed in others.
pub(crate) fn summary(summary: &Summary) -> String {
    let count = |status| summary.count(status);
    let flaky = summary.results.iter().filter(|result| result.is_flaky());
    let line = |result: &UnitResult| {
        let text = flaky_text(result).unwrap_or_default();
        format!("flaky: {} {text}\n", escape(&result.unit.name()))
    };
    flaky.map(line).collect::<String>()
        + &format!(
            "{} passed, {} failed, {} skipped\n",
            count(Status::Passed),
            count(Status::Failed),
            count(Status::Skipped)
        )
}

/// The canonical transcript of a unit, as `-v` shows it.
pub(crate) fn transcript(result: &UnitResult) -> String {
    result.played.transcript.lines().map(|line| format!("    {}\n", escape(line))).collect()
}

/// Everything about the units that failed. What kept several from starting is told once.
pub(crate) fn failures(summary: &Summary, colour: bool) -> String {
    let failed = summary.results.iter().filter(|result| result.status() == Status::Failed);
    let mut text = String::new();
    let mut told: Vec<(&str, usize)> = Vec::new();
    for result in failed {
        match start_failure(result).and_then(|reason| told.iter_mut().find(|(known, _)| *known == reason)) {
            Some((_, more)) => *more += 1,
            None => {
                text += &failure(result, colour);
                told.extend(start_failure(result).map(|reason| (reason, 0)));
            }
        }
    }
    for (reason, more) in told.into_iter().filter(|(_, more)| *more > 0) {
        put(&mut text, format_args!("\n{more} more failed like this: {}\n", escape(reason)));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Why units were skipped, each reason once with the number of units.
pub(crate) fn skips(summary: &Summary) -> String {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for reason in summary.results.iter().filter_map(|result| result.played.skipped.as_deref()) {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, units)) => *units += 1,
            None => reasons.push((reason, 1)),
        }
    }
    reasons.into_iter().map(|(reason, units)| format!("{units} skipped: {}\n", escape(reason))).collect()
}

/// In what the milter is known to differ, each reason once with the names of the units.
pub(crate) fn known_deviations(summary: &Summary) -> String {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for result in &summary.results {
        let Some(reason) = result.played.known_deviation.as_deref() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(result.unit.name()),
            None => reasons.push((reason, vec![result.unit.name()])),
        }
    }
    let mut text = String::new();
    for (reason, names) in reasons {
        put(&mut text, format_args!("known deviation: {}\n", escape(reason)));
        names.iter().for_each(|name| put_indented(&mut text, name));
    }
    text
}

/// Why the unit could not be begun, if that is so.
fn start_failure(result: &UnitResult) -> Option<&str> {
    let fatal = result.played.fatal.as_ref()?;
    (fatal.at.is_none() && result.played.sessions.is_empty()).then_some(&fatal.text)
}

/// Everything about a unit that failed.
pub(crate) fn failure(result: &UnitResult, colour: bool) -> String {
    let heading = format!("FAILED {}", escape(&result.unit.name()));
    let mut text = format!("\n{}\n\n", painted(&heading, AnsiColor::Red.on_default().bold(), colour));
    for in_session in result.mismatches.chunk_by(|a, b| a.at.map(|at| at.0) == b.at.map(|at| at.0)) {
        text += &of_session(result, in_session, colour);
    }
    if result.fails_by_warnings() {
        for diag in warnings::diags(result).into_iter().chain(differences::diag(result)) {
            text += &diag.render(colour);
            text.push('\n');
        }
    }
    if let Some(fatal) = &result.played.fatal {
        text += &fatal_diag(result, fatal).render(colour);
        text.push('\n');
        let all = result.played.transcript.lines().count();
        let last = all.saturating_sub(MAX_EXCERPT_LINES)..all;
        text += &transcript_lines(result, &last);
    }
    if let Some(hint) = &result.hint {
        text += &hint.render(colour);
        text.push('\n');
    }
    text += &indented("zone:", &result.played.zone);
    text += &indented("DNS log:", &result.played.dns_log);
    text + &format!("to run it alone:\n  {}\n", result.rerun)
}

/// What is wrong in a session: step by step, each with its part of the transcript. What comes behind the first may follow from it.
fn of_session(result: &UnitResult, mismatches: &[Mismatch], colour: bool) -> String {
    let steps: Vec<&[Mismatch]> = mismatches.chunk_by(|a, b| a.at == b.at).collect();
    let verdict = mismatches.first().and_then(|first| Verdict::before(result, first));
    let mut text = String::new();
    let mut shown: Option<Range<usize>> = None;
    for (index, of_step) in steps.iter().enumerate() {
        let mut diags = mismatch::diags(of_step);
        let mut excerpt = excerpt(result, &of_step[0]);
        if let (0, Some(verdict), Some(first)) = (index, &verdict, diags.first_mut()) {
            *first = verdict.told(first.clone(), result);
            excerpt = verdict.excerpt(result, &excerpt, MAX_EXCERPT_LINES);
        }
        if index == 1 && (verdict.is_some() || cause::has_consequences(steps[0])) {
            text += "what comes now may follow from that:\n\n";
        }
        for diag in diags {
            text += &diag.render(colour);
            text.push('\n');
        }
        if shown.as_ref() != Some(&excerpt) {
            text += &transcript_lines(result, &excerpt);
        }
        shown = Some(excerpt);
    }
    text
}

/// The messages about a unit, without what surrounds them.
pub(super) fn diags(result: &UnitResult) -> Vec<Diag> {
    let mismatches = mismatch::diags(&result.mismatches).into_iter();
    let fatal = result.played.fatal.iter().map(|fatal| fatal_diag(result, fatal));
    let strict = warnings::diags(result).into_iter().filter(|_| result.fails_by_warnings());
    let hint = result.hint.iter().cloned();
    mismatches.chain(fatal).chain(strict).chain(differences::diag(result)).chain(hint).collect()
}

fn fatal_diag(result: &UnitResult, fatal: &Fatal) -> Diag {
    let mut diag = Diag::error(fatal.text.clone());
    let scenario = &result.unit.scenario;
    let step = fatal.at.and_then(|(session, step)| scenario.sessions.get(session)?.steps.get(step));
    diag = match step {
        Some(step) if !step.action.span.range().is_empty() => diag.label(&step.action.span, "in this step"),
        Some(_) => {
            diag.label(&scenario.sessions[fatal.at.map_or(0, |at| at.0)].client.span, "when this client connected")
        }
        None => diag.label(&scenario.name.span, ""),
    };
    for note in &fatal.notes {
        diag = diag.note(note.clone());
    }
    match &fatal.help {
        Some(help) => diag.help(help.clone()),
        None => diag,
    }
}

/// The lines of the transcript to show for a step: its own, and those of the step before.
fn excerpt(result: &UnitResult, mismatch: &Mismatch) -> Range<usize> {
    let total = result.played.transcript.lines().count();
    let last = total.saturating_sub(MAX_EXCERPT_LINES)..total;
    // Without a step it is the DNS journal that differs, and the DNS log tells of that.
    let Some((session, step)) = mismatch.at else { return total..total };
    if matches!(mismatch.subject, Subject::SpfResult | Subject::Explanation) {
        // All of it led to the verdict, and it is short.
        return total.saturating_sub(MAX_TEST_LINES)..total;
    }
    let lines = |step: usize| result.played.sessions.get(session)?.steps.get(step).map(|step| step.transcript.clone());
    let Some(own) = lines(step).filter(|own| !own.is_empty()) else { return last };
    let start = step
        .checked_sub(1)
        .and_then(lines)
        .filter(|before| !before.is_empty())
        .map_or(own.start, |before| before.start);
    let end = own.end.min(total);
    start.max(end.saturating_sub(MAX_EXCERPT_LINES)).min(end)..end
}

fn transcript_lines(result: &UnitResult, range: &Range<usize>) -> String {
    if range.is_empty() {
        return String::new();
    }
    let mut text = String::from("transcript:\n");
    for line in result.played.transcript.lines().skip(range.start).take(range.len()) {
        put_indented(&mut text, line);
    }
    text.push('\n');
    text
}

fn indented(heading: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("{heading}\n");
    for line in lines.iter().take(MAX_DNS_LINES) {
        put_indented(&mut text, line);
    }
    if lines.len() > MAX_DNS_LINES {
        put_indented(&mut text, &format!("and {} more", lines.len() - MAX_DNS_LINES));
    }
    text.push('\n');
    text
}

fn put_indented(text: &mut String, line: &str) {
    put(text, format_args!("  {}\n", escape(line)));
}

const MAX_EXCERPT_LINES: usize = 40;

/// Of the transcript of an openspf test so much is shown.
const MAX_TEST_LINES: usize = 100;

const MAX_DNS_LINES: usize = 40;
