//! Where two runs part, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use crate::profile::printable;

/// In which respect a replay differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    Packets,
    Replies,
    Delivered,
    Log,
}

/// The first difference in one respect.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    /// In which respect.
    pub(crate) point: Point,
    /// Where: `filter 0, connection 0, packet 12`.
    pub(crate) place: String,
    /// What was captured; `None` if nothing more was.
    pub(crate) expected: Option<Vec<u8>>,
    /// What came instead.
    pub(crate) got: Option<Vec<u8>>,
}

impl Difference {
    /// The first place where two lists differ.
    pub(super) fn first(point: Point, place: &str, expected: &[Vec<u8>], got: &[Vec<u8>]) -> Option<Self> {
        let length = expected.len().max(got.len());
        (0..length).find(|&index| expected.get(index) != got.get(index)).map(|index| Self {
            point,
            place: format!("{place}{index}"),
            expected: expected.get(index).cloned(),
            got: got.get(index).cloned(),
        })
    }

    /// Two counts, or two names, that should be the same.
    pub(super) fn of_text(point: Point, place: &str, expected: &str, got: &str) -> Option<Self> {
        (expected != got).then(|| Self {
            point,
            place: place.to_owned(),
            expected: Some(expected.into()),
            got: Some(got.into()),
        })
    }

    /// For programs: decoded and in hex, complete.
    pub(crate) fn to_json(&self) -> Value {
        let side = |bytes: &Option<Vec<u8>>| {
            bytes.as_ref().map(|bytes| json!({ "text": printable(bytes), "hex": hex(bytes) }))
        };
        json!({
            "point": self.point.name(),
            "place": self.place,
            "expected": side(&self.expected),
            "got": side(&self.got),
        })
    }

    /// Where the two sides part, in bytes.
    fn offset(&self) -> usize {
        let (Some(expected), Some(got)) = (&self.expected, &self.got) else { return 0 };
        expected.iter().zip(got).take_while(|(left, right)| left == right).count()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset();
        writeln!(f, "{} differ at {}, byte {offset}", self.point.name(), self.place)?;
        let sides = [("expected", &self.expected), ("got", &self.got)];
        for (number, (name, bytes)) in sides.into_iter().enumerate() {
            let Some(bytes) = bytes else {
                write!(f, "      {name:<8}  (nothing)")?;
                if number == 0 {
                    writeln!(f)?;
                }
                continue;
            };
            writeln!(f, "      {name:<8}  {}", excerpt(bytes, offset, TEXT_BYTES, printable))?;
            write!(f, "           hex  {}", excerpt(bytes, offset, HEX_BYTES, hex))?;
            if number == 0 {
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

impl Point {
    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Replies => "replies",
            Self::Delivered => "delivered messages",
            Self::Log => "log lines",
        }
    }
}

/// The bytes around `offset`, shown by `show`.
fn excerpt(bytes: &[u8], offset: usize, length: usize, show: impl Fn(&[u8]) -> String) -> String {
    if bytes.len() <= length {
        return show(bytes);
    }
    let start = offset.saturating_sub(length / 4).min(bytes.len());
    let end = (start + length).min(bytes.len());
    let before = if start > 0 { format!("[{start} bytes] ") } else { String::new() };
    let after = if end < bytes.len() { format!(" [{} bytes]", bytes.len() - end) } else { String::new() };
    format!("{before}{}{after}", show(&bytes[start..end]))
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// How much of a long text is shown around the place that differs.
const TEXT_BYTES: usize = 400;
/// And how much of it in hex.
const HEX_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_shown_in_both_forms() {
        let expected = [b"same".to_vec(), b"M<a@b>\0".to_vec()];
        let got = [b"same".to_vec(), b"M<a@c>\0".to_vec(), b"more".to_vec()];
        let difference = Difference::first(Point::Packets, "packet ", &expected, &got).unwrap();
        assert_eq!(
            difference.to_string(),
            "packets differ at packet 1, byte 4\n      \
             expected  M<a@b>\\000\n           hex  4d3c6140623e00\n      \
             got       M<a@c>\\000\n           hex  4d3c6140633e00"
        );
        let longer = Difference::first(Point::Log, "line ", &expected, &[&expected[..], &[b"x".to_vec()]].concat());
        assert_eq!(longer.map(|difference| (difference.expected, difference.got)), Some((None, Some(b"x".to_vec()))));
    }
}
