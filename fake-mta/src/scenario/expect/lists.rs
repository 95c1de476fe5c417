//! Lists of expected lines against lists of lines that came.

use super::{
    align::{Aligned, Lines, align},
    compare::{Mismatch, Subject},
};
use crate::{
    diag::Span,
    scenario::{
        Located, Packet,
        matcher::{ANY_LINES, Bindings, Matcher},
        vocabulary,
        wire::{Compiled, Expected},
    },
};

/// Expected lines, and where a line that nothing expects would have to stand.
pub(super) struct List<'a> {
    /// What is compared.
    pub(super) subject: Subject,
    /// The lines.
    pub(super) expected: &'a [Located<String>],
    /// The place before the first of them.
    pub(super) anchor: &'a Span,
}

/// All lines, in order; `...` stands for any number.
pub(super) fn compare_exact(list: &List<'_>, actual: &[String], bindings: &mut Bindings) -> Vec<Mismatch> {
    compare_with(list, actual, bindings, |_| false)
}

/// All lines, in order, but those that are quiet need not be expected.
pub(super) fn compare_with(
    list: &List<'_>,
    actual: &[String],
    bindings: &mut Bindings,
    is_quiet: impl Fn(&str) -> bool,
) -> Vec<Mismatch> {
    let matchers = list.expected.iter().map(|line| Matcher::checked(line, bindings)).collect();
    let lines = Compared { expected: list.expected, matchers, actual, is_quiet };
    let mut anchor = list.anchor;
    let mut found = Vec::new();
    for step in align(&lines) {
        match step {
            Aligned::Match { expected, actual: index } => {
                anchor = &list.expected[expected].span;
                if !lines.matchers[expected].bind(&actual[index], bindings) {
                    found.push(list.mismatch(Some(expected), anchor, Some(&actual[index]), bindings));
                }
            }
            Aligned::Replaced { expected, actual: index } => {
                anchor = &list.expected[expected].span;
                found.push(list.mismatch(Some(expected), anchor, Some(&actual[index]), bindings));
            }
            Aligned::Missing { expected } => {
                found.push(list.mismatch(Some(expected), &list.expected[expected].span, None, bindings));
            }
            Aligned::Extra { actual: index } => found.push(list.mismatch(None, anchor, Some(&actual[index]), bindings)),
            Aligned::Skipped => {}
        }
    }
    found
}

/// All packets, in order; `...` stands for any number. What came is told as the scenario writes it: with its bytes, or without.
pub(super) fn compare_packets(list: &List<'_>, actual: &[Packet], bindings: &mut Bindings) -> Vec<Mismatch> {
    let expected = list.expected.iter().map(|line| Expected::new(line).compiled(bindings)).collect();
    let lines = Packets { expected, actual };
    let expected = &lines.expected;
    let mut anchor = list.anchor;
    let mut found = Vec::new();
    for step in align(&lines) {
        match step {
            Aligned::Match { expected: index, actual: came } => {
                anchor = &list.expected[index].span;
                if !expected[index].text.bind(&actual[came].text, bindings) {
                    let came = actual[came].written(expected[index].has_hex());
                    found.push(list.mismatch(Some(index), anchor, Some(&came), bindings));
                }
            }
            Aligned::Replaced { expected: index, actual: came } => {
                anchor = &list.expected[index].span;
                let came = actual[came].written(expected[index].has_hex());
                found.push(list.mismatch(Some(index), anchor, Some(&came), bindings));
            }
            Aligned::Missing { expected } => {
                found.push(list.mismatch(Some(expected), &list.expected[expected].span, None, bindings));
            }
            Aligned::Extra { actual: came } => {
                found.push(list.mismatch(None, anchor, Some(&actual[came].written(false)), bindings));
            }
            Aligned::Skipped => {}
        }
    }
    found
}

/// The lines come in this order, with others between them.
pub(super) fn compare_subsequence(list: &List<'_>, actual: &[String], bindings: &mut Bindings) -> Vec<Mismatch> {
    let mut rest = actual;
    let mut found = Vec::new();
    for (index, line) in list.expected.iter().enumerate() {
        let matcher = Matcher::checked(line, bindings);
        match rest.iter().position(|came| matcher.matches(came)) {
            Some(at) if matcher.bind(&rest[at], bindings) => rest = &rest[at + 1..],
            _ => found.push(list.mismatch(Some(index), &line.span, closest(line, rest), bindings)),
        }
    }
    found
}

/// All lines, in any order.
pub(super) fn compare_set(list: &List<'_>, actual: &[String], bindings: &mut Bindings) -> Vec<Mismatch> {
    let mut left: Vec<&String> = actual.iter().collect();
    let mut missing = Vec::new();
    // Literal lines first: a matcher must not take the line that a literal one means.
    let mut order: Vec<(usize, Matcher)> =
        list.expected.iter().map(|line| Matcher::checked(line, bindings)).enumerate().collect();
    order.sort_by_key(|(_, matcher)| matches!(matcher, Matcher::Pattern(..)));
    for (index, matcher) in order {
        match left.iter().position(|came| matcher.matches(came)) {
            Some(at) if matcher.bind(left[at], bindings) => drop(left.remove(at)),
            _ => missing.push(index),
        }
    }
    missing.sort_unstable();
    let last = list.expected.last().map_or(list.anchor, |line| &line.span);
    let mut left = left.into_iter();
    let mut missed = |index: usize| list.mismatch(Some(index), &list.expected[index].span, left.next(), bindings);
    let mut found: Vec<Mismatch> = missing.into_iter().map(&mut missed).collect();
    found.extend(left.map(|came| list.mismatch(None, last, Some(came), bindings)));
    found
}

/// Nothing may come, as the line `none` at `span` says.
pub(super) fn compare_none(subject: Subject, none: &Located<String>, actual: &[String]) -> Vec<Mismatch> {
    let list = List { subject, expected: std::slice::from_ref(none), anchor: &none.span };
    let expected = |index: usize| (index == 0).then_some(0);
    let bindings = Bindings::default();
    let mismatch = |(index, came): (usize, &String)| list.mismatch(expected(index), &none.span, Some(came), &bindings);
    actual.iter().enumerate().map(mismatch).collect()
}

impl List<'_> {
    fn mismatch(&self, expected: Option<usize>, span: &Span, got: Option<&String>, bindings: &Bindings) -> Mismatch {
        Mismatch {
            subject: self.subject,
            at: None,
            span: span.clone(),
            expected: expected.map(|index| bindings.fill(&self.expected[index])),
            got: got.cloned(),
        }
    }
}

/// The line that was perhaps meant.
fn closest<'a>(line: &str, actual: &'a [String]) -> Option<&'a String> {
    let near = vocabulary::most_similar(line, actual.iter().map(String::as_str))?;
    actual.iter().find(|came| *came == near)
}

struct Packets<'a> {
    expected: Vec<Compiled>,
    actual: &'a [Packet],
}

impl Lines for Packets<'_> {
    fn expected_len(&self) -> usize {
        self.expected.len()
    }

    fn actual_len(&self) -> usize {
        self.actual.len()
    }

    fn fits(&self, expected: usize, actual: usize) -> bool {
        self.expected[expected].matches(&self.actual[actual])
    }

    fn is_any(&self, expected: usize) -> bool {
        self.expected[expected].is_any
    }

    fn is_quiet(&self, _: usize) -> bool {
        false
    }
}

struct Compared<'a, Q> {
    expected: &'a [Located<String>],
    matchers: Vec<Matcher>,
    actual: &'a [String],
    is_quiet: Q,
}

impl<Q: Fn(&str) -> bool> Lines for Compared<'_, Q> {
    fn expected_len(&self) -> usize {
        self.expected.len()
    }

    fn actual_len(&self) -> usize {
        self.actual.len()
    }

    fn fits(&self, expected: usize, actual: usize) -> bool {
        self.matchers[expected].matches(&self.actual[actual])
    }

    fn is_any(&self, expected: usize) -> bool {
        self.expected[expected].value == ANY_LINES
    }

    fn is_quiet(&self, actual: usize) -> bool {
        (self.is_quiet)(&self.actual[actual])
    }
}
