//! Lines for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Battery, CaseResult, Verdict, counts};
use crate::{conform::case::Case, diag::escape};

/// What stands above the cases of a milter.
pub(in super::super) fn heading(name: &str, cases: usize) -> String {
    format!("{}: {cases} cases\n", escape(name))
}

/// One case: its verdict, and what the author of the milter needs to mend it.
pub(in super::super) fn line(case: &Case, result: &CaseResult, verbose: u8, colour: bool) -> String {
    let word = painted(&format!("{:<5}", result.verdict), style(result.verdict), colour);
    let mut text = format!("  {word} {:<6} {}\n", case.level, case.id);
    if let Some(why) = &result.why {
        put_lines(&mut text, "        ", why);
    }
    if result.verdict.is_bad() {
        put_lines(&mut text, "        ", &format!("tried:    {}", case.title));
        put_lines(&mut text, "        ", &format!("why:      {}", case.reason));
        put_lines(&mut text, "        ", &format!("libmilter {}", case.standard));
        put_lines(&mut text, "        ", &format!("seen:     {}", case.seen));
    }
    let shows = verbose > 1 || (verbose > 0 && result.verdict != Verdict::Pass);
    if let Some(early) = result.ended_early.as_ref().filter(|_| shows) {
        put_lines(&mut text, "        ", &format!("not all was sent: {early}"));
    }
    if shows {
        result.exchange.iter().for_each(|line| put_lines(&mut text, "          ", line));
    }
    text
}

/// The last lines.
pub(in super::super) fn summary(battery: &Battery) -> String {
    let mut text = String::new();
    for milter in &battery.milters {
        let early = milter.results.iter().filter(|result| result.ended_early.is_some()).count();
        let note = if early == 0 {
            String::new()
        } else {
            format!(" (in {early} the milter's own verdict came before the end)")
        };
        let counts = if milter.results.is_empty() { "not tried".to_owned() } else { counts(milter) };
        writeln!(text, "{}: {counts}{note}", escape(&milter.name)).expect("a String takes everything");
    }
    text
}

/// All of it again, for a file.
pub(super) fn render(battery: &Battery) -> String {
    let mut text = String::new();
    for milter in &battery.milters {
        text += &heading(&milter.name, battery.cases.len());
        let lines = battery.cases.iter().zip(&milter.results).map(|(case, result)| line(case, result, 1, false));
        text.extend(lines);
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
