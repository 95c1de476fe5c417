//! What is left out of header fields, where a milter repeats it in its replies.

use std::{cmp::Reverse, collections::BTreeSet};

/// Texts that somebody wrote.
#[derive(Debug, Default)]
pub(super) struct Phrases(BTreeSet<(Reverse<usize>, String)>);

impl Phrases {
    /// Remembers the value of a field.
    pub(super) fn add(&mut self, value: &str) {
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if value.chars().any(char::is_alphanumeric) && self.0.len() < PHRASES_MAX {
            self.0.insert((Reverse(value.len()), value));
        }
    }

    /// Remembers the people in a field of addresses: what stands around the addresses, as a whole and word by word.
    pub(super) fn add_people(&mut self, value: &str) {
        for part in value.split(|c: char| "<>(),;:\"".contains(c)).filter(|part| !part.contains('@')) {
            self.add(part);
            part.split_whitespace().filter(|word| word.chars().count() > 1).for_each(|word| self.add(word));
        }
    }

    /// The text without them; the longest goes first.
    pub(super) fn replace(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (_, phrase)| without(&text, phrase))
    }
}

/// The text with `redacted` wherever the phrase stands in it, but not where it is a part of another word or of an address.
fn without(text: &str, phrase: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_here = rest.get(..phrase.len()).is_some_and(|head| head.eq_ignore_ascii_case(phrase));
        if is_here && !goes_on(out.chars().rev(), phrase) && !goes_on(rest[phrase.len()..].chars(), phrase) {
            out.push_str("redacted");
            rest = &rest[phrase.len()..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// Whether what stands beside a phrase belongs to its word: `jane` is not spoken of in `janet`, nor in `jane.doe` or `jane%40example`.
fn goes_on(mut beside: impl Iterator<Item = char>, phrase: &str) -> bool {
    if !phrase.chars().all(char::is_alphanumeric) {
        return false;
    }
    match beside.next() {
        Some(c) if c.is_alphanumeric() || "@%".contains(c) => true,
        Some(c) if ".-_".contains(c) => beside.next().is_some_and(char::is_alphanumeric),
        _ => false,
    }
}

/// More are not looked for: a header may have very many fields.
const PHRASES_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_left_out_where_it_is_repeated_and_parts_of_words_stay() {
        let mut phrases = Phrases::default();
        phrases.add(" Quarterly  figures: secret!");
        phrases.add_people("\"Doe, Ann\" <ann@corp.example> (at home), J <j@corp.example>");
        phrases.add(" -- ");
        for (text, wanted) in [
            ("550 subject \"quarterly figures: secret!\" refused", "550 subject \"redacted\" refused"),
            ("Cannot take mail of Ann Doe -- sorry, ANN", "Cannot take mail of redacted redacted -- sorry, redacted"),
            ("\u{df}Doe Doe\u{df} ann.doe@x ann%40x", "\u{df}Doe Doe\u{df} ann.doe@x ann%40x"),
        ] {
            assert_eq!(phrases.replace(text), wanted);
        }
    }
}
