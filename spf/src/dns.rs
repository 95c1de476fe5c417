use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::name::Name;

/// The caller's DNS: the only way in which an evaluation reaches the world.
///
/// A resolver follows CNAME chains, caches, and enforces time-outs and the overall budget (RFC 7208
/// section 4.6.4 asks for at least 20 seconds); when the budget is spent it answers [`Failure::Deadline`]
/// at once, and the check ends as `temperror` with its trace whole.
///
/// Only a response with RCODE 0 and no record of the type is [`AnswerKind::NoData`], and only RCODE 3 is
/// [`AnswerKind::NxDomain`]; every other response without a usable answer is [`AnswerKind::Failed`].
pub trait Lookup: Sync {
    /// Asks one question.
    ///
    /// The records returned are those of the type asked for, at the end of any CNAME chain.
    fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send;

    /// Returns the SPF record of `domain` if the resolver keeps it parsed beside its cache.
    ///
    /// What it returns stands for a TXT lookup with exactly one SPF record. The default keeps none.
    fn parsed_record(&self, domain: &Name) -> Option<Arc<crate::Record>> {
        let _ = domain;
        None
    }
}

impl<L: Lookup + Send> Lookup for Arc<L> {
    fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send {
        L::lookup(self, question)
    }

    fn parsed_record(&self, domain: &Name) -> Option<Arc<crate::Record>> {
        L::parsed_record(self, domain)
    }
}

/// One question to the DNS, always of class IN.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name asked about.
    pub name: Name,
    /// The type of record asked for.
    pub rtype: RecordType,
}

impl Question {
    /// Makes a question.
    #[must_use]
    pub fn new(name: Name, rtype: RecordType) -> Self {
        Self { name, rtype }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.rtype)
    }
}

/// The record types that SPF asks for. Type 99 (SPF) is not among them (§3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Mail exchangers.
    Mx,
    /// Names of an address.
    Ptr,
    /// Text.
    Txt,
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Mx => "MX",
            Self::Ptr => "PTR",
            Self::Txt => "TXT",
        })
    }
}

/// The data of one record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rdata {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A mail exchanger.
    Mx {
        /// Lower is preferred. SPF does not look at it.
        preference: u16,
        /// The host; the root means "no mail" (RFC 7505).
        exchange: Name,
    },
    /// A name of an address.
    Ptr(Name),
    /// The character-strings of one TXT record, joined; see [`Rdata::txt`].
    Txt(Arc<[u8]>),
}

impl Rdata {
    /// Joins the character-strings of one TXT record without anything between them
    /// ([RFC 7208 section 3.3](https://www.rfc-editor.org/rfc/rfc7208#section-3.3)).
    pub fn txt<I>(strings: I) -> Self
    where
        I: IntoIterator<Item: AsRef<[u8]>>,
    {
        let mut joined = Vec::new();
        for string in strings {
            joined.extend_from_slice(string.as_ref());
        }
        Self::Txt(joined.into())
    }

    /// Returns the type of the record.
    #[must_use]
    pub fn rtype(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Mx { .. } => RecordType::Mx,
            Self::Ptr(_) => RecordType::Ptr,
            Self::Txt(_) => RecordType::Txt,
        }
    }
}

impl fmt::Display for Rdata {
    /// Prints the data as a master file has it (RFC 1035 section 5.1), safe to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => address.fmt(f),
            Self::Aaaa(address) => address.fmt(f),
            Self::Mx { preference, exchange } => write!(f, "{preference} {exchange}"),
            Self::Ptr(name) => name.fmt(f),
            Self::Txt(text) => fmt_quoted(text, f),
        }
    }
}

fn fmt_quoted(text: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for &byte in text {
        match byte {
            b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
            b' '..=b'~' => write!(f, "{}", char::from(byte))?,
            _ => write!(f, "\\{byte:03}")?,
        }
    }
    f.write_str("\"")
}

/// What came back for a question, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What came back.
    pub kind: AnswerKind,
    /// The time from question to answer; the evaluation only passes it on to the trace.
    pub elapsed: Duration,
}

impl Answer {
    /// Makes an answer that took no time.
    #[must_use]
    pub fn new(kind: AnswerKind) -> Self {
        Self { kind, elapsed: Duration::ZERO }
    }

    /// Makes an answer of records that took no time; no records make [`AnswerKind::NoData`].
    pub fn records(records: impl Into<Arc<[Rdata]>>) -> Self {
        let records = records.into();
        Self::new(if records.is_empty() { AnswerKind::NoData } else { AnswerKind::Records(records) })
    }

    /// Makes an answer that failed and took no time.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self::new(AnswerKind::Failed(failure))
    }

    /// Sets the time it took.
    #[must_use]
    pub fn with_elapsed(self, elapsed: Duration) -> Self {
        Self { elapsed, ..self }
    }
}

/// The four outcomes that SPF tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// RCODE 0 with records of the type asked for. Records of other types are ignored.
    Records(Arc<[Rdata]>),
    /// RCODE 0 without a record of the type: a void lookup (§4.6.4).
    NoData,
    /// RCODE 3, the name does not exist: a void lookup (§4.6.4).
    NxDomain,
    /// Anything else: `temperror` for most terms (§5).
    Failed(Failure),
}

impl fmt::Display for AnswerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records(records) => {
                for (index, record) in records.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{record}")?;
                }
                Ok(())
            }
            Self::NoData => f.write_str("no records"),
            Self::NxDomain => f.write_str("no such name"),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// No response in the time allowed for one question.
    #[error("time-out")]
    Timeout,
    /// RCODE 2.
    #[error("SERVFAIL")]
    Servfail,
    /// RCODE 5.
    #[error("REFUSED")]
    Refused,
    /// The time allowed for the whole check is over (§4.6.4).
    #[error("the time for the whole check is over")]
    Deadline,
    /// A response that could not be read, or still truncated over TCP.
    #[error("malformed response")]
    Malformed,
    /// Another failure, in words; printed with control characters escaped.
    #[error("{}", .0.escape_debug())]
    Other(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strings_of_a_txt_record_join_without_a_space() {
        assert_eq!(Rdata::txt(["v=spf1 a", "ll"]), Rdata::Txt(Arc::from(*b"v=spf1 all")));
        assert_eq!(Rdata::txt([] as [&str; 0]), Rdata::Txt(Arc::from([])));
    }

    #[test]
    fn printed_answers_hold_no_control_characters() {
        let answer = Answer::records(vec![Rdata::txt([b"a\r\n\"\x1b[31m\xff".as_slice()])]);
        assert_eq!(answer.kind.to_string(), r#""a\013\010\"\027[31m\255""#);
        assert_eq!(Failure::Other("a\nb".to_owned()).to_string(), r"a\nb");
    }

    #[test]
    fn an_answer_without_records_is_nodata() {
        assert_eq!(Answer::records(Vec::new()).kind, AnswerKind::NoData);
    }
}
