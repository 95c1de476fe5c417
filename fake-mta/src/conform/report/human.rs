//! Lines for people.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};

use super::{
    Battery, CaseResult, Verdict, counts, counts_by_level,
    fault::{self, Fault, faults},
    first_line,
};
use crate::{
    conform::case::Case,
    diag::escape,
    report::text::{painted, put},
};

/// What stands above the cases of a milter.
pub(in super::super) fn heading(name: &str, cases: usize) -> String {
    format!("{}: {cases} cases\n", escape(name))
}

/// Tells the cases of one milter. What has the reason of another case is told in short.
#[derive(Debug)]
pub(in super::super) struct Teller {
    verbose: u8,
    /// Faults, each with the case that it was told for, and the words.
    told: BTreeMap<String, (String, String)>,
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
            (Some(first), _) => put_lines(&mut text, INDENT, first),
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

    /// Which case has found the same fault, if one was told before, and what is not the same word for word.
    fn first_with(&mut self, case: &Case, result: &CaseResult) -> Option<String> {
        if result.verdict == Verdict::Pass || self.verbose > 1 {
            return None;
        }
        let why = first_line(result);
        match self.told.get(&fault::kind(result)) {
            Some((first, words)) if words == why => Some(format!("as in {first}")),
            Some((first, _)) => Some(format!("as in {first}: {why}")),
            None => {
                self.told.insert(fault::kind(result), (case.id.clone(), why.to_owned()));
                None
            }
        }
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
        put(&mut text, format_args!("{}: {}\n", escape(&milter.name), counts(battery, milter)));
        if let Some(levels) = counts_by_level(battery, milter).filter(|_| !milter.results.is_empty()) {
            put_lines(&mut text, "  ", &levels);
        }
        let faults = faults(battery, milter);
        faults.iter().filter(|fault| fault.cases.len() > 1).for_each(|fault| text += &one_fault(fault));
        if milter.ended_early() * 2 > battery.cases.len() {
            text +=
                "  most cases saw little of it: let it take the client 192.0.2.1 and the sender <sender@example.org>\n";
        }
        if milter.ended_early() > 0 {
            text +=
                "  where that verdict comes of the DNS: --zone FILE gives a milter that is started here another one\n";
        }
    }
    text
}

/// What many cases have found, in one place.
fn one_fault(fault: &Fault<'_>) -> String {
    let ids: Vec<&str> = fault.cases.iter().map(|case| case.id.as_str()).take(SHOWN_IDS).collect();
    let more = match fault.cases.len() - ids.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut text = String::new();
    put_lines(&mut text, "  ", &fault.text());
    put_lines(&mut text, "    ", &format!("in {} cases: {}{more}", fault.cases.len(), ids.join(", ")));
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
        put(text, format_args!("{indent}{}\n", escape(line)));
    }
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default(),
        Verdict::Skip => AnsiColor::Yellow.on_default(),
        _ => AnsiColor::Red.on_default().bold(),
    }
}

const INDENT: &str = "        ";
/// So many cases of a fault are named in the last lines; each has told it already.
const SHOWN_IDS: usize = 10;

const FURTHER: &str = "          ";
