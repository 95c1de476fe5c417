//! What a fault rule says, and its text.

use std::fmt;
use std::time::Duration;

use zone::{Name, RecordType};

use crate::{Rcode, Transport};

/// What the server does wrong, to which questions, and when.
///
/// Its text is one line, `NAME TYPE [udp|tcp] ACTION [first N | every N | until step N]`:
///
/// ```
/// use fake_dns::FaultRule;
///
/// for text in [
///     "example.com TXT drop",
///     "* ANY delay 200ms first 2",
///     "*.example.com A,AAAA tcp rcode SERVFAIL every 3",
///     "example.com !TXT truncate until step 2",
/// ] {
///     assert_eq!(text.parse::<FaultRule>()?.to_string(), text);
/// }
/// # Ok::<(), fake_dns::FaultError>(())
/// ```
///
/// Of the rules that fit a question all delays add up, and the first that is no delay decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// The names meant.
    pub name: NamePattern,
    /// The types meant.
    pub rtype: TypePattern,
    /// The transport meant; `None` for both. `truncate` without transport is UDP alone, the TCP faults are TCP alone.
    pub transport: Option<Transport>,
    /// Which of the questions that fit.
    pub when: When,
    /// What happens to them.
    pub action: Action,
}

impl FaultRule {
    /// A rule for all questions of a name and type, over both transports.
    #[must_use]
    pub const fn new(name: NamePattern, rtype: TypePattern, action: Action) -> Self {
        Self { name, rtype, transport: None, when: When::All, action }
    }

    /// Silence for every question about `name`, whatever the type.
    #[must_use]
    pub const fn timeout(name: Name) -> Self {
        Self::new(NamePattern::Exact(name), TypePattern::Any, Action::Drop)
    }

    /// Whether name, type and transport fit; [`When`] is the server's business.
    #[must_use]
    pub fn fits(&self, name: &Name, rtype: RecordType, transport: Transport) -> bool {
        self.transport().is_none_or(|only| only == transport) && self.rtype.fits(rtype) && self.name.fits(name)
    }

    fn transport(&self) -> Option<Transport> {
        match self.action {
            Action::TcpReset | Action::TcpHalf | Action::TcpDrip { .. } => Some(Transport::Tcp),
            Action::Truncate => self.transport.or(Some(Transport::Udp)),
            _ => self.transport,
        }
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.rtype)?;
        if let Some(transport) = self.transport {
            write!(f, " {transport}")?;
        }
        write!(f, " {}", self.action)?;
        match self.when {
            When::All => Ok(()),
            When::First(count) => write!(f, " first {count}"),
            When::Every(count) => write!(f, " every {count}"),
            When::UntilStep(step) => write!(f, " until step {step}"),
        }
    }
}

/// The names a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePattern {
    /// `*`: every name.
    All,
    /// This name alone.
    Exact(Name),
    /// `*.example.com`: every name below this one, at any depth, but not the name itself.
    Below(Name),
}

impl NamePattern {
    /// Whether `name` is meant.
    #[must_use]
    pub fn fits(&self, name: &Name) -> bool {
        match self {
            Self::All => true,
            Self::Exact(exact) => name == exact,
            Self::Below(top) => name != top && name.is_at_or_below(top),
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            // `*` alone or in front would mean many names.
            Self::Exact(name) if name.is_wildcard() => write!(f, "\\{}", name.to_text_without_dot()),
            Self::Exact(name) => f.write_str(&name.to_text_without_dot()),
            Self::Below(name) => write!(f, "*.{}", name.to_text_without_dot()),
        }
    }
}

/// The types a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypePattern {
    /// `ANY`: every type.
    Any,
    /// `A,AAAA`: these.
    Only(Vec<RecordType>),
    /// `!TXT,SPF`: all but these.
    Except(Vec<RecordType>),
}

impl TypePattern {
    /// Whether `rtype` is meant.
    #[must_use]
    pub fn fits(&self, rtype: RecordType) -> bool {
        match self {
            Self::Any => true,
            Self::Only(types) => types.contains(&rtype),
            Self::Except(types) => !types.contains(&rtype),
        }
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, types) = match self {
            Self::Any => return f.write_str("ANY"),
            Self::Only(types) => ("", types),
            Self::Except(types) => ("!", types),
        };
        let types: Vec<_> = types.iter().map(ToString::to_string).collect();
        write!(f, "{prefix}{}", types.join(","))
    }
}

/// Which of the questions that fit a rule it is applied to. Each message counts, retransmissions too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All of them.
    All,
    /// The first so many.
    First(u64),
    /// Each so-manieth: with 3 the third, the sixth and so on.
    Every(u64),
    /// All while the step (see [`FakeDns::set_step`](crate::FakeDns::set_step)) is below this one.
    UntilStep(u64),
}

impl When {
    /// Whether the question with this number (counted from 1 among those that fit) at this step is meant.
    #[must_use]
    pub const fn is_due(self, number: u64, step: u64) -> bool {
        match self {
            Self::All => true,
            Self::First(count) => number <= count,
            Self::Every(count) => count != 0 && number.is_multiple_of(count),
            Self::UntilStep(until) => step < until,
        }
    }
}

/// What happens to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `drop`, `timeout`: no answer ever.
    Drop,
    /// `delay 200ms`: the answer comes later; others overtake it.
    Delay(Duration),
    /// `rcode SERVFAIL`: an answer without records and with this code.
    Rcode(Rcode),
    /// `nxdomain`: the name does not exist, with an SOA record to say so.
    NxDomain,
    /// `nodata`: the name has no such record, with an SOA record to say so.
    NoData,
    /// `truncate`: TC=1 and no records; over UDP unless the rule says tcp.
    Truncate,
    /// `wrong-id`: the answer carries another id.
    WrongId,
    /// `wrong-question`: the answer repeats another question.
    WrongQuestion,
    /// `wrong-owner`: the records of the answer belong to another name.
    WrongOwner,
    /// `query-bit`: the answer says that it is a question (QR=0).
    QueryBit,
    /// `cut 20`: only so many bytes of the answer are sent; without number half of them.
    Cut(Option<usize>),
    /// `raw 0123ab`: these bytes instead of an answer; `raw id+8180` puts the id of the question before them.
    Raw {
        /// Whether the two bytes of the question's id go first.
        with_id: bool,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// `duplicate 3`: the answer comes so many times; without number twice.
    Duplicate(u16),
    /// `tcp-reset`: the connection is reset instead of an answer.
    TcpReset,
    /// `tcp-half`: half of the message, then the connection is closed.
    TcpHalf,
    /// `tcp-drip 10ms`: the message comes byte by byte with this pause between.
    TcpDrip(Duration),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => f.write_str("drop"),
            Self::Delay(delay) => write!(f, "delay {}ms", delay.as_millis()),
            Self::Rcode(rcode) => write!(f, "rcode {rcode}"),
            Self::NxDomain => f.write_str("nxdomain"),
            Self::NoData => f.write_str("nodata"),
            Self::Truncate => f.write_str("truncate"),
            Self::WrongId => f.write_str("wrong-id"),
            Self::WrongQuestion => f.write_str("wrong-question"),
            Self::WrongOwner => f.write_str("wrong-owner"),
            Self::QueryBit => f.write_str("query-bit"),
            Self::Cut(None) => f.write_str("cut"),
            Self::Cut(Some(bytes)) => write!(f, "cut {bytes}"),
            Self::Raw { with_id, bytes } => write_raw(f, *with_id, bytes),
            Self::Duplicate(copies) => write!(f, "duplicate {copies}"),
            Self::TcpReset => f.write_str("tcp-reset"),
            Self::TcpHalf => f.write_str("tcp-half"),
            Self::TcpDrip(pause) => write!(f, "tcp-drip {}ms", pause.as_millis()),
        }
    }
}

fn write_raw(f: &mut fmt::Formatter<'_>, with_id: bool, bytes: &[u8]) -> fmt::Result {
    f.write_str(if with_id { "raw id+" } else { "raw " })?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
