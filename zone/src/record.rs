//! One record and its place in the text.

use std::fmt;
use std::ops::Range;

use crate::{Class, Name, Rdata, RecordType};

/// A resource record (RFC 1035 §3.2.1).
///
/// Two records are equal when all their fields are, the span included; compare [`without_span`](Self::without_span) to leave
/// the place out.
///
/// ```
/// use zone::{Name, Rdata, Record};
///
/// let record = Record::new(Name::from_labels(["odd\x01 label", "example", "com"])?, Rdata::txt("v=spf1 -all"));
/// assert_eq!(record.to_string(), r#"odd\001\032label.example.com. 0 IN TXT "v=spf1 -all""#);
/// # Ok::<(), zone::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// The name the record belongs to.
    pub owner: Name,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// The class, nearly always IN.
    pub class: Class,
    /// The data; it fixes the type.
    pub rdata: Rdata,
    /// Where the record stood; empty for a record that was built by a program.
    pub span: Span,
}

impl Record {
    /// A record of class IN with TTL 0 and no place in a text.
    #[must_use]
    pub fn new(owner: Name, rdata: Rdata) -> Self {
        Self { owner, ttl: 0, class: Class::IN, rdata, span: Span::default() }
    }

    /// The same record with another TTL, in seconds.
    #[must_use]
    pub fn with_ttl(mut self, ttl: u32) -> Self {
        self.ttl = ttl;
        self
    }

    /// The same record with an empty span.
    #[must_use]
    pub fn without_span(mut self) -> Self {
        self.span = Span::default();
        self
    }

    /// The record type, as its data has it.
    #[must_use]
    pub fn rtype(&self) -> RecordType {
        self.rdata.rtype()
    }
}

impl Record {
    /// About how many bytes of memory the record takes, for those who bound what they keep.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.owner.wire_bytes() + self.rdata.heap_bytes()
    }
}

/// One master-file line without line end: `owner ttl class type rdata`, everything explicit and escaped.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {} {}", self.owner, self.ttl, self.class, self.rtype(), self.rdata)
    }
}

/// Prints records as master-file text, one a line, such that [`parse`](crate::parse) reads the same records again.
#[must_use]
pub fn print<'a>(records: impl IntoIterator<Item = &'a Record>) -> String {
    records.into_iter().map(|record| format!("{record}\n")).collect()
}

/// A stretch of the source text, in bytes from its start; the end is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Span {
    /// The stretch from `start` up to `end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The same stretch as a range, for slicing the text.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}
