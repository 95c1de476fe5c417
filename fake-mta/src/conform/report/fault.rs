//! Cases that do not pass for one reason: a milter that asks for what was not offered fails a case for each flag.

use super::{Battery, CaseResult, MilterResult, Verdict, first_line};
use crate::{conform::case::Case, run::ENDED};

/// One thing that is wrong with a milter, or that kept cases from being tried, and the cases that found it.
#[derive(Debug)]
pub(super) struct Fault<'a> {
    pub(super) verdict: Verdict,
    /// What was said of it in the first of the cases.
    pub(super) why: &'a str,
    /// What a milter that crashed wrote last.
    pub(super) last_words: Option<&'a str>,
    /// It was said in other words, with another flag or number, in another one.
    pub(super) varies: bool,
    /// There is at least one.
    pub(super) cases: Vec<&'a Case>,
}

impl Fault<'_> {
    /// The verdict and what was said.
    pub(super) fn text(&self) -> String {
        let like = if self.varies { " (or the like)" } else { "" };
        let last = self.last_words.map_or_else(String::new, |last| format!("; it wrote last: {last}"));
        format!("{}: {}{like}{last}", self.verdict, self.why)
    }
}

/// Why cases did not pass, in the order of the first ones.
pub(super) fn faults<'a>(battery: &'a Battery, milter: &'a MilterResult) -> Vec<Fault<'a>> {
    let mut faults: Vec<(String, Fault<'a>)> = Vec::new();
    for (case, result) in
        battery.cases.iter().zip(&milter.results).filter(|(_, result)| result.verdict != Verdict::Pass)
    {
        let (kind, why) = (kind(result), first_line(result));
        match faults.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, fault)) => {
                fault.varies |= fault.why != why;
                fault.cases.push(case);
            }
            None => {
                let (verdict, last_words) = (result.verdict, result.last_words.as_deref());
                faults.push((kind, Fault { verdict, why, last_words, varies: false, cases: vec![case] }));
            }
        }
    }
    faults.into_iter().map(|(_, fault)| fault).collect()
}

/// What is the same in all results that tell of one fault: the reason without its flags and numbers. How a connection shows that a milter
/// is gone is chance; how it ended and what it wrote last is not.
pub(super) fn kind(result: &CaseResult) -> String {
    let same = |line: &str| line.split(' ').map(without_values).collect::<Vec<_>>().join(" ");
    let reason = if result.verdict == Verdict::Crash { end(result) } else { same(first_line(result)) };
    let last = result.last_words.as_deref().map_or_else(String::new, same);
    format!("{}: {reason}\n{last}", result.verdict)
}

/// How a milter that crashed ended, if that is known.
fn end(result: &CaseResult) -> String {
    let mut lines = result.why.iter().flat_map(|why| why.lines());
    lines.find(|line| line.starts_with(ENDED)).unwrap_or_default().to_owned()
}

fn without_values(word: &str) -> String {
    let bare = word.trim_end_matches([':', ',', ';']);
    let end = &word[bare.len()..];
    let (key, value) = bare.rsplit_once('=').map_or(("", bare), |(key, value)| (key, value));
    let is_value = !value.is_empty() && value.split(['|', '.']).all(is_flag_or_number);
    match is_value {
        true if key.is_empty() => format!("*{end}"),
        true => format!("{key}=*{end}"),
        false => word.to_owned(),
    }
}

fn is_flag_or_number(text: &str) -> bool {
    text.starts_with("0x")
        || text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::conform::case::Level;

    fn result(why: &str) -> CaseResult {
        let (exchange, output) = (Vec::new(), Vec::new());
        let why = Some(why.to_owned());
        let (verdict, elapsed) = (Verdict::Fail, Duration::ZERO);
        CaseResult { verdict, why, ended_early: None, exchange, last_words: None, output, elapsed }
    }

    #[test]
    fn a_crash_is_known_by_its_end_and_not_by_how_a_connection_shows_it() {
        let crash = |shown: &str, end: &str| CaseResult {
            verdict: Verdict::Crash,
            ..result(&format!("afterwards it is gone: {shown}\n{ENDED}: {end}\ncommand: ./m"))
        };
        let segv = crash("Connection refused (os error 111)", "signal 11 (SIGSEGV)");
        assert_eq!(kind(&segv), kind(&crash("Connection reset by peer (os error 104)", "signal 11 (SIGSEGV)")));
        assert_ne!(kind(&segv), kind(&crash("Connection refused (os error 111)", "exit status 3")));
    }

    #[test]
    fn crashes_with_other_last_words_are_other_faults() {
        let crash = |last: &str| CaseResult {
            verdict: Verdict::Crash,
            last_words: Some(last.to_owned()),
            ..result("afterwards it is gone")
        };
        assert_eq!(kind(&crash("IndexError: at 3")), kind(&crash("IndexError: at 5")));
        assert_ne!(kind(&crash("IndexError: at 3")), kind(&crash("ValueError: at 3")));
    }

    #[test]
    fn a_reason_that_differs_by_a_flag_or_a_number_is_one_fault_and_by_a_word_another() {
        let told = [
            "actions ADD_HEADERS were not offered",
            "actions ADD_RCPT|0x1000 were not offered\nwith more of it",
            "protocol version 6: expected 2 to 3",
            "protocol version 7: expected 2 to 4",
            "closed where negotiate 6 actions=ALL protocol=SKIP",
            "closed where negotiate 7 actions=NONE protocol=NO_BODY|SKIP",
            "closed where mail has to be answered",
            "closed where rcpt has to be answered",
        ];
        let cases = (0..told.len()).map(|number| Arc::new(Case::new(format!("a/{number}"), Level::Must, "")));
        let results = told.iter().map(|why| result(why)).collect();
        let milters = vec![MilterResult { results, ..MilterResult::default() }];
        let battery = Battery { cases: cases.collect(), milters, ..Battery::default() };
        let faults = faults(&battery, &battery.milters[0]);
        let found: Vec<_> = faults.iter().map(|fault| (fault.text(), fault.cases.len())).collect();
        let wanted = [
            ("fail: actions ADD_HEADERS were not offered (or the like)", 2),
            ("fail: protocol version 6: expected 2 to 3 (or the like)", 2),
            ("fail: closed where negotiate 6 actions=ALL protocol=SKIP (or the like)", 2),
            ("fail: closed where mail has to be answered", 1),
            ("fail: closed where rcpt has to be answered", 1),
        ];
        assert_eq!(found, wanted.map(|(text, count)| (text.to_owned(), count)));
    }
}
