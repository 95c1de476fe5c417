//! Lines for people.

use std::{collections::BTreeMap, fmt::Write as _};

use anstyle::{AnsiColor, Style};

use super::{Battery, CaseResult, Verdict, counts, first_line};
use crate::{conform::case::Case, diag::escape};

/// What stands above the cases of a milter.
pub(in super::super) fn heading(name: &str, cases: usize) -> String {
    format!("{}: {cases} cases\n", escape(name))
}

/// Tells the cases of one milter. What has the reason of another case is told in short.
#[derive(Debug)]
pub(in super::super) struct Teller {
    verbose: u8,
    /// Reasons, each with the case that it was told for.
    told: BTreeMap<String, String>,
}

impl Teller {
    pub(in super::super) fn new(verbose: u8) -> Self {
        Self { verbose, told: BTreeMap::new() }
    }

    /// One case: its verdict, and what the author of the milter needs to mend it.
    pub(in super::super) fn case(&mut self, case: &Case, result: &CaseResult, colour: bool) -> String {
        let word = painted(&format!("{:<5}", result.verdict), style(result.verdict), colour);
        let mut text = format!("  {word} {:<6} {}\n", case.level, case.id);
        let first = self.first_with(case, result);
        match (&first, &result.why) {
            (Some(first), _) => put_lines(&mut text, INDENT, &format!("as in {first}: {}", first_line(result))),
            (None, Some(why)) => put_lines(&mut text, INDENT, why),
            (None, None) => {}
        }
        if result.verdict.is_bad() && first.is_none() || self.verbose > 1 {
            put_lines(&mut text, INDENT, &format!("tried:    {}", case.title));
            put_lines(&mut text, INDENT, &format!("why:      {}", case.reason));
            put_lines(&mut text, INDENT, &format!("libmilter {}", case.standard));
            put_lines(&mut text, INDENT, &format!("seen:     {}", case.seen));
        }
        text + &self.details(result)
    }

    /// The case that has the same reason, if one was told before.
    fn first_with(&mut self, case: &Case, result: &CaseResult) -> Option<String> {
        let why = first_line(result);
        if !result.verdict.is_bad() || self.verbose > 1 {
            return None;
        }
        let first = self.told.get(why).cloned();
        if first.is_none() {
            self.told.insert(why.to_owned(), case.id.clone());
        }
        first
    }

    fn details(&self, result: &CaseResult) -> String {
        let mut text = String::new();
        let shows = self.verbose > 1 || (self.verbose > 0 && result.verdict != Verdict::Pass);
        if !result.output.is_empty() && (shows || result.verdict == Verdict::Crash) {
            put_lines(&mut text, INDENT, "its last lines:");
            result.output.iter().for_each(|line| put_lines(&mut text, FURTHER, line));
        }
        if shows {
            let early = result.ended_early.as_ref().map(|early| format!("not all was sent: {early}"));
            early.iter().for_each(|early| put_lines(&mut text, INDENT, early));
            result.exchange.iter().for_each(|line| put_lines(&mut text, FURTHER, line));
        }
        text
    }
}

/// The last lines.
pub(in super::super) fn summary(battery: &Battery) -> String {
    let mut text = String::new();
    for milter in &battery.milters {
        writeln!(text, "{}: {}", escape(&milter.name), counts(battery, milter)).expect("a String takes everything");
        if milter.ended_early() * 2 > battery.cases.len() {
            text +=
                "  most cases saw little of it: let it take the client 192.0.2.1 and the sender <sender@example.org>\n";
        }
    }
    text
}

/// All of it again, for a file.
pub(super) fn render(battery: &Battery) -> String {
    let mut text = String::new();
    for milter in &battery.milters {
        let mut teller = Teller::new(1);
        text += &heading(&milter.name, battery.cases.len());
        let lines = battery.cases.iter().zip(&milter.results).map(|(case, result)| teller.case(case, result, false));
        text.extend(lines);
        if let Some(fatal) = &milter.fatal {
            put_lines(&mut text, "  ", &format!("error: {}", fatal.text));
        }
    }
    text + &summary(battery)
}

fn put_lines(text: &mut String, indent: &str, lines: &str) {
    for line in lines.lines() {
        writeln!(text, "{indent}{}", escape(line)).expect("a String takes everything");
    }
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default(),
        Verdict::Skip => AnsiColor::Yellow.on_default(),
        _ => AnsiColor::Red.on_default().bold(),
    }
}

fn painted(text: &str, style: Style, colour: bool) -> String {
    if colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

const INDENT: &str = "        ";
const FURTHER: &str = "          ";
