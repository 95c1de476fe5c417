//! Values that change from run to run: bound on first sight, and from then on the same everywhere.

use std::collections::HashMap;

/// Replaces volatile values by their kind and the number of their first sight, so that two runs can be compared.
#[derive(Debug)]
pub(super) struct Binder {
    literals: Literals,
    numbers: Numbers,
}

impl Binder {
    /// Nothing is volatile.
    pub(super) fn new() -> Self {
        Self { literals: Literals { sorted: Vec::new(), begins: [false; 256] }, numbers: Numbers::default() }
    }

    /// From now on `literal` is a value of that kind.
    pub(super) fn add(&mut self, literal: &str, kind: &'static str) {
        self.literals.add(literal.as_bytes(), kind);
    }

    /// The bytes with every literal replaced by `{kind number}`.
    pub(super) fn apply(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.literals.replace(bytes, |literal, kind| self.numbers.placeholder(literal, kind))
    }

    /// The bytes with every literal replaced by `{kind}`, which binds nothing: to bring things into an order.
    pub(super) fn mask(&self, bytes: &[u8]) -> Vec<u8> {
        self.literals.replace(bytes, |_, kind| kind.to_owned())
    }
}

/// What is volatile.
#[derive(Debug)]
struct Literals {
    /// The longest first.
    sorted: Vec<(Vec<u8>, &'static str)>,
    /// Which bytes a literal begins with.
    begins: [bool; 256],
}

impl Literals {
    fn add(&mut self, literal: &[u8], kind: &'static str) {
        let known = self.sorted.iter().any(|(known, _)| *known == literal);
        let Some(&first) = literal.first().filter(|_| !known) else { return };
        self.begins[usize::from(first)] = true;
        self.sorted.push((literal.to_vec(), kind));
        self.sorted.sort_by_key(|(literal, _)| std::cmp::Reverse(literal.len()));
    }

    fn replace(&self, bytes: &[u8], mut name: impl FnMut(&[u8], &'static str) -> String) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if let Some((literal, kind)) = self.at(rest) {
                rest = &rest[literal.len()..];
                out.extend_from_slice(format!("{{{}}}", name(literal, kind)).as_bytes());
            } else {
                out.push(first);
                rest = &rest[1..];
            }
        }
        out
    }

    fn at(&self, text: &[u8]) -> Option<(&[u8], &'static str)> {
        if !self.begins[usize::from(*text.first()?)] {
            return None;
        }
        let (literal, kind) = self.sorted.iter().find(|(literal, _)| text.starts_with(literal))?;
        Some((literal, kind))
    }
}

/// The numbers of the values that were seen, for each kind from 1.
#[derive(Debug, Default)]
struct Numbers {
    bound: HashMap<Vec<u8>, usize>,
    counts: HashMap<&'static str, usize>,
}

impl Numbers {
    /// Dates pass within a session, so all dates are one; everything else is told apart.
    fn placeholder(&mut self, literal: &[u8], kind: &'static str) -> String {
        if kind == "date" {
            return kind.to_owned();
        }
        let count = self.counts.entry(kind).or_default();
        let number = *self.bound.entry(literal.to_vec()).or_insert_with(|| {
            *count += 1;
            *count
        });
        format!("{kind} {number}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_number_and_the_longest_literal_wins() {
        let mut binder = Binder::new();
        binder.add("B2", "queue_id");
        binder.add("A1", "queue_id");
        binder.add("<A1@host>", "message_id");
        assert_eq!(
            binder.apply(b"id A1 then B2, <A1@host>, A1"),
            b"id {queue_id 1} then {queue_id 2}, {message_id 1}, {queue_id 1}"
        );
        assert_eq!(binder.mask(b"B2"), b"{queue_id}");
    }
}
