//! Record types and classes by number.

use std::fmt;
use std::str::FromStr;

/// The type of a record or question (RFC 1035 §3.2.2): a number, printed as its mnemonic or as `TYPEnnn` (RFC 3597 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub u16);

impl RecordType {
    /// IPv4 address.
    pub const A: Self = Self(1);
    /// Name server.
    pub const NS: Self = Self(2);
    /// Canonical name of an alias.
    pub const CNAME: Self = Self(5);
    /// Start of a zone of authority.
    pub const SOA: Self = Self(6);
    /// Pointer, for the reverse tree.
    pub const PTR: Self = Self(12);
    /// Mail exchanger.
    pub const MX: Self = Self(15);
    /// Text strings.
    pub const TXT: Self = Self(16);
    /// IPv6 address (RFC 3596).
    pub const AAAA: Self = Self(28);
    /// Service location (RFC 2782).
    pub const SRV: Self = Self(33);
    /// Redirection of a subtree (RFC 6672).
    pub const DNAME: Self = Self(39);
    /// The EDNS pseudo-record (RFC 6891).
    pub const OPT: Self = Self(41);
    /// The retired SPF type (RFC 4408 §3.1.1, RFC 7208 §3.1).
    pub const SPF: Self = Self(99);
    /// Every type; a question only (RFC 8482).
    pub const ANY: Self = Self(255);

    /// Whether the number stands for a question or for a pseudo-record, so that no zone can hold it (RFC 6895 §3.1).
    #[must_use]
    pub const fn is_meta(self) -> bool {
        matches!(self.0, 0 | 41 | 128..=255)
    }

    /// The mnemonic, if it has one.
    #[must_use]
    pub fn mnemonic(self) -> Option<&'static str> {
        MNEMONICS.iter().find(|(_, number)| *number == self.0).map(|(text, _)| *text)
    }

    /// The mnemonic closest to `text`, if one is close enough to be meant.
    #[must_use]
    pub fn suggest(text: &str) -> Option<&'static str> {
        closest(text, MNEMONICS.iter().filter(|(_, number)| !Self(*number).is_meta()).map(|(known, _)| *known))
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(text) => f.pad(text),
            None => f.pad(&format!("TYPE{}", self.0)),
        }
    }
}

/// Accepts a mnemonic or `TYPEnnn`, in either case.
impl FromStr for RecordType {
    type Err = UnknownMnemonic;

    fn from_str(text: &str) -> Result<Self, UnknownMnemonic> {
        let known = MNEMONICS.iter().find(|(known, _)| known.eq_ignore_ascii_case(text)).map(|(_, number)| *number);
        known.or_else(|| generic(text, "TYPE")).map(Self).ok_or_else(|| UnknownMnemonic { text: text.to_owned() })
    }
}

/// The class of a record or question (RFC 1035 §3.2.4): a number, printed as its mnemonic or as `CLASSnnn` (RFC 3597 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u16);

impl Class {
    /// The Internet.
    pub const IN: Self = Self(1);
    /// Chaos.
    pub const CH: Self = Self(3);
    /// Hesiod.
    pub const HS: Self = Self(4);
    /// Every class; a question only.
    pub const ANY: Self = Self(255);
}

impl Default for Class {
    fn default() -> Self {
        Self::IN
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match CLASSES.iter().find(|(_, number)| *number == self.0) {
            Some((text, _)) => f.pad(text),
            None => f.pad(&format!("CLASS{}", self.0)),
        }
    }
}

/// Accepts a mnemonic or `CLASSnnn`, in either case.
impl FromStr for Class {
    type Err = UnknownMnemonic;

    fn from_str(text: &str) -> Result<Self, UnknownMnemonic> {
        let known = CLASSES.iter().find(|(known, _)| known.eq_ignore_ascii_case(text)).map(|(_, number)| *number);
        known.or_else(|| generic(text, "CLASS")).map(Self).ok_or_else(|| UnknownMnemonic { text: text.to_owned() })
    }
}

/// A word that names no record type, or no class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not known", text.escape_debug())]
pub struct UnknownMnemonic {
    /// The word as it stood.
    pub text: String,
}

/// The number in `TYPE99` or `CLASS3` (RFC 3597 §5).
fn generic(text: &str, prefix: &str) -> Option<u16> {
    let (head, digits) = text.split_at_checked(prefix.len())?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain && head.eq_ignore_ascii_case(prefix) { digits.parse().ok() } else { None }
}

/// The candidate at the smallest edit distance from `text`, ignoring case, if it is near enough to be meant.
pub(crate) fn closest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A hostile word of megabytes must not buy quadratic work.
    if text.len() > 64 {
        return None;
    }
    let text = text.to_ascii_uppercase();
    let allowed = (text.chars().count() / 3).max(1);
    candidates
        .map(|known| (strsim::osa_distance(&text, &known.to_ascii_uppercase()), known))
        .filter(|(distance, known)| *distance <= allowed && *distance < known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

const CLASSES: &[(&str, u16)] = &[("IN", 1), ("CH", 3), ("HS", 4), ("ANY", 255)];

const MNEMONICS: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("NULL", 10),
    ("PTR", 12),
    ("HINFO", 13),
    ("MX", 15),
    ("TXT", 16),
    ("RP", 17),
    ("AFSDB", 18),
    ("AAAA", 28),
    ("LOC", 29),
    ("SRV", 33),
    ("NAPTR", 35),
    ("CERT", 37),
    ("DNAME", 39),
    ("OPT", 41),
    ("DS", 43),
    ("SSHFP", 44),
    ("RRSIG", 46),
    ("NSEC", 47),
    ("DNSKEY", 48),
    ("NSEC3", 50),
    ("NSEC3PARAM", 51),
    ("TLSA", 52),
    ("SMIMEA", 53),
    ("CDS", 59),
    ("CDNSKEY", 60),
    ("OPENPGPKEY", 61),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("SPF", 99),
    ("TSIG", 250),
    ("IXFR", 251),
    ("AXFR", 252),
    ("ANY", 255),
    ("URI", 256),
    ("CAA", 257),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_print_and_parse_back() {
        for number in [1, 16, 28, 99, 255, 257, 0, 1000, 65535] {
            let rtype = RecordType(number);
            assert_eq!(rtype.to_string().parse(), Ok(rtype));
        }
        assert_eq!("type16".parse(), Ok(RecordType::TXT));
        assert_eq!("txt".parse(), Ok(RecordType::TXT));
        assert_eq!(RecordType(1000).to_string(), "TYPE1000");
    }

    #[test]
    fn nonsense_is_no_type() {
        for text in ["", "TYPE", "TYPE65536", "TYPE+1", "TYPE-1", "Ü", "IN", "é99999"] {
            assert!(text.parse::<RecordType>().is_err(), "{text}");
        }
    }

    #[test]
    fn near_types_are_suggested() {
        assert_eq!(RecordType::suggest("TXTT"), Some("TXT"));
        assert_eq!(RecordType::suggest("cnmae"), Some("CNAME"));
        assert_eq!(RecordType::suggest("AAA"), Some("AAAA"));
        assert_eq!(RecordType::suggest("banana"), None);
    }

    #[test]
    fn classes_print_and_parse_back() {
        for class in [Class::IN, Class::CH, Class::HS, Class(77)] {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
    }
}
