//! Point 4: the log lines that speak of a filter, in order within each program.

use std::collections::BTreeSet;

use super::{
    Sides,
    difference::{Difference, Point},
};
use crate::journal::Event;

impl Sides<'_> {
    pub(super) fn log(&mut self) -> Option<Difference> {
        let said = self.outcome.events.iter().filter_map(|event| match event {
            Event::Log(line) => Some(line.full()),
            _ => None,
        });
        let came: Vec<String> = said.filter(|line| speaks_of_a_filter(line)).collect();
        let wanted: Vec<&str> =
            self.capture.log.iter().map(String::as_str).filter(|line| speaks_of_a_filter(line)).collect();
        let lines = wanted.iter().copied().chain(came.iter().map(String::as_str));
        let programs: BTreeSet<String> = lines.map(|line| program(line).to_owned()).collect();
        programs.iter().find_map(|name| {
            let of_program = |line: &&str| program(line) == name.as_str();
            let wanted: Vec<Vec<u8>> = wanted
                .iter()
                .copied()
                .filter(of_program)
                .map(|line| self.expected.apply(masked(line).as_bytes()))
                .collect();
            let came: Vec<Vec<u8>> = came
                .iter()
                .map(String::as_str)
                .filter(of_program)
                .map(|line| self.got.apply(masked(line).as_bytes()))
                .collect();
            let came = cut_alike(&wanted, came);
            Difference::first(Point::Log, &format!("{name} line "), &wanted, &came)
        })
    }
}

fn program(line: &str) -> &str {
    line.split_once(':').map_or(line, |(program, _)| program)
}

/// The log lines that a replay is held to:
/// `^sendmail: [^:]*: ([Mm]ilter[ :=_(])|milter-(reject|hold|discard)|milter inet:`.
fn speaks_of_a_filter(line: &str) -> bool {
    let about_sendmail =
        line.strip_prefix("sendmail: ").and_then(|rest| rest.split_once(": ")).is_some_and(|(id, text)| {
            !id.contains(':')
                && matches!(text.get(..6), Some("Milter" | "milter"))
                && text[6..].starts_with([' ', ':', '=', '_', '('])
        });
    let about_postfix =
        ["milter-reject", "milter-hold", "milter-discard", "milter inet:"].iter().any(|word| line.contains(word));
    about_sendmail || about_postfix
}

/// What the C library says of a read error depends on which end was faster.
fn masked(line: &str) -> String {
    match line.split_once("reply packet header: ") {
        Some((head, _)) => format!("{head}reply packet header: {{errno}}"),
        None => line.to_owned(),
    }
}

/// A line that was cut when it was captured is compared as far as it goes.
fn cut_alike(wanted: &[Vec<u8>], came: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let cut = |(index, line): (usize, Vec<u8>)| {
        let Some(expected) = wanted.get(index) else { return line };
        let Some(end) = expected.windows(CUT.len()).rposition(|bytes| bytes == CUT) else { return line };
        let same = line.get(..end.saturating_sub(1)) == expected.get(..end.saturating_sub(1));
        if same { expected.clone() } else { line }
    };
    came.into_iter().enumerate().map(cut).collect()
}

/// How the mark of a cut line begins.
const CUT: &[u8] = b"...(";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_about_filters_count() {
        assert!(speaks_of_a_filter("sendmail: 6AM: milter=cap, action=mail, continue"));
        assert!(speaks_of_a_filter("sendmail: 6AM: Milter (cap): to error state"));
        assert!(speaks_of_a_filter("postfix/smtpd: NOQUEUE: milter-reject: MAIL from x: 550 no"));
        assert!(!speaks_of_a_filter("sendmail: 6AM: from=<a@b>, size=1"));
        assert!(!speaks_of_a_filter("sendmail: NOQUEUE: connect from milter host"));
    }

    #[test]
    fn cut_lines_are_compared_by_their_beginning() {
        let wanted = [b"abcdef ...(cut here, 2015 characters)".to_vec()];
        assert_eq!(cut_alike(&wanted, vec![b"abcdefghij".to_vec()]), wanted);
        assert_eq!(cut_alike(&wanted, vec![b"abxdefghij".to_vec()]), [b"abxdefghij".to_vec()]);
    }
}
