use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::parse::term_spans;
use crate::macro_string::MacroString;
use crate::result::SpfResult;

/// An SPF record ([RFC 7208 section 4.6](https://www.rfc-editor.org/rfc/rfc7208#section-4.6), ABNF in section 12):
/// the version and a row of terms.
///
/// Two records are equal if their terms are, however they were written. `Display` prints the terms in their
/// plainest form; [`Record::text`] is the text that was read.
#[derive(Clone, Debug)]
pub struct Record {
    pub(super) text: String,
    pub(super) terms: Vec<Term>,
    /// Where the terms stand; found when first asked for, which most evaluations never do.
    pub(super) spans: OnceLock<Vec<Range<usize>>>,
    pub(super) redirect: Option<usize>,
    pub(super) exp: Option<usize>,
}

impl Record {
    /// Returns the text that was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the terms in the order of the record.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Returns the text of one term as the record has it; empty if there is no such term.
    #[must_use]
    pub fn term_text(&self, index: usize) -> &str {
        self.term_span(index).and_then(|span| self.text.get(span)).unwrap_or_default()
    }

    /// Returns where in the text one term stands, in bytes.
    #[must_use]
    pub fn term_span(&self, index: usize) -> Option<Range<usize>> {
        self.spans.get_or_init(|| term_spans(&self.text).collect()).get(index).cloned()
    }

    /// Returns the target of the `redirect` modifier.
    #[must_use]
    pub fn redirect(&self) -> Option<&MacroString> {
        match self.terms.get(self.redirect?) {
            Some(Term::Modifier(Modifier::Redirect(target))) => Some(target),
            _ => None,
        }
    }

    /// Returns which of the terms is the `redirect` modifier.
    pub(crate) fn redirect_index(&self) -> Option<usize> {
        self.redirect
    }

    /// Returns the target of the `exp` modifier.
    #[must_use]
    pub fn exp(&self) -> Option<&MacroString> {
        match self.terms.get(self.exp?) {
            Some(Term::Modifier(Modifier::Exp(target))) => Some(target),
            _ => None,
        }
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.terms == other.terms
    }
}

impl Eq for Record {}

/// A term and the record it stands in.
///
/// `Display` prints it as the record has it; two are equal if that text is.
#[derive(Clone)]
pub struct TermRef {
    record: Arc<Record>,
    index: usize,
}

impl TermRef {
    pub(crate) fn new(record: Arc<Record>, index: usize) -> Self {
        Self { record, index }
    }

    /// Returns the record.
    #[must_use]
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// Returns which of the record's terms it is, counted from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the term.
    #[must_use]
    pub fn term(&self) -> Option<&Term> {
        self.record.terms.get(self.index)
    }

    /// Returns the term as the record has it: printable ASCII without spaces.
    #[must_use]
    pub fn text(&self) -> &str {
        self.record.term_text(self.index)
    }
}

impl PartialEq for TermRef {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for TermRef {}

impl fmt::Display for TermRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for TermRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TermRef({})", self.text())
    }
}

/// One term of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A mechanism with its qualifier.
    Directive(Directive),
    /// A modifier.
    Modifier(Modifier),
}

/// A mechanism with its qualifier (§4.6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// What a match means.
    pub qualifier: Qualifier,
    /// What is compared with the client.
    pub mechanism: Mechanism,
}

/// What a match of a directive means (§4.6.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// `+`, or nothing.
    #[default]
    Pass,
    /// `-`.
    Fail,
    /// `~`.
    Softfail,
    /// `?`.
    Neutral,
}

impl Qualifier {
    /// Returns the result of a match.
    #[must_use]
    pub const fn result(self) -> SpfResult {
        match self {
            Self::Pass => SpfResult::Pass,
            Self::Fail => SpfResult::Fail,
            Self::Softfail => SpfResult::Softfail,
            Self::Neutral => SpfResult::Neutral,
        }
    }
}

/// What is compared with the client (§5). Domains are macro-strings of the domain-spec kind; none means the
/// domain being checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `all`: always matches (§5.1).
    All,
    /// `include`: matches if a check of the domain passes (§5.2).
    Include(MacroString),
    /// `a`: the addresses of the domain (§5.3).
    A {
        /// The domain.
        domain: Option<MacroString>,
        /// The prefix lengths compared.
        cidr: DualCidr,
    },
    /// `mx`: the addresses of the domain's mail exchangers (§5.4).
    Mx {
        /// The domain.
        domain: Option<MacroString>,
        /// The prefix lengths compared.
        cidr: DualCidr,
    },
    /// `ptr`: the validated names of the client within the domain (§5.5); not to be used any more.
    Ptr(Option<MacroString>),
    /// `ip4`: a network (§5.6).
    Ip4 {
        /// An address of it, as written: bits beyond the prefix may be set.
        network: Ipv4Addr,
        /// 0 to 32; 32 if not written.
        prefix_bits: u8,
    },
    /// `ip6`: a network (§5.6).
    Ip6 {
        /// An address of it, as written: bits beyond the prefix may be set.
        network: Ipv6Addr,
        /// 0 to 128; 128 if not written.
        prefix_bits: u8,
    },
    /// `exists`: matches if the domain has any A record (§5.7).
    Exists(MacroString),
}

impl Mechanism {
    /// Returns the name in lower case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Include(_) => "include",
            Self::A { .. } => "a",
            Self::Mx { .. } => "mx",
            Self::Ptr(_) => "ptr",
            Self::Ip4 { .. } => "ip4",
            Self::Ip6 { .. } => "ip6",
            Self::Exists(_) => "exists",
        }
    }

    /// Whether it counts against the limit of terms that cause DNS lookups (§4.6.4).
    #[must_use]
    pub const fn causes_lookups(&self) -> bool {
        !matches!(self, Self::All | Self::Ip4 { .. } | Self::Ip6 { .. })
    }

    /// Returns the domain-spec, if it has one.
    #[must_use]
    pub const fn domain_spec(&self) -> Option<&MacroString> {
        match self {
            Self::Include(domain) | Self::Exists(domain) => Some(domain),
            Self::A { domain, .. } | Self::Mx { domain, .. } | Self::Ptr(domain) => domain.as_ref(),
            Self::All | Self::Ip4 { .. } | Self::Ip6 { .. } => None,
        }
    }
}

/// The prefix lengths of `a` and `mx` (§5.3): `/24`, `//64` or `/24//64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DualCidr {
    /// For IPv4 clients: 0 to 32; 32 if not written.
    pub ip4_bits: u8,
    /// For IPv6 clients: 0 to 128; 128 if not written.
    pub ip6_bits: u8,
}

impl Default for DualCidr {
    fn default() -> Self {
        Self { ip4_bits: 32, ip6_bits: 128 }
    }
}

/// A modifier (§6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// `redirect`: the domain whose record decides if no directive matches (§6.1).
    Redirect(MacroString),
    /// `exp`: the domain whose TXT record explains a `fail` (§6.2).
    Exp(MacroString),
    /// Any other, which has no effect (§6).
    Unknown {
        /// The name as written.
        name: String,
        /// The value as written; its syntax was checked.
        value: MacroString,
    },
}
