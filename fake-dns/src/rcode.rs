//! Response codes.

use std::fmt;
use std::str::FromStr;

/// A response code of 12 bits (RFC 6895 §2.3), printed as its mnemonic or as `RCODEnnn`.
///
/// A code above 15 needs EDNS for its upper bits; to an asker without EDNS only the lower four bits go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rcode(u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Self = Self(0);
    /// The server could not read the question.
    pub const FORMERR: Self = Self(1);
    /// The server failed.
    pub const SERVFAIL: Self = Self(2);
    /// The name does not exist.
    pub const NXDOMAIN: Self = Self(3);
    /// The server does not do this kind of question.
    pub const NOTIMP: Self = Self(4);
    /// The server does not want to answer.
    pub const REFUSED: Self = Self(5);
    /// A name that should not exist does: a DNAME gave a name too long (RFC 6672 §2.2).
    pub const YXDOMAIN: Self = Self(6);
    /// The EDNS version is not known (RFC 6891 §9).
    pub const BADVERS: Self = Self(16);

    /// The code with this number; `None` above 4095.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number <= 0xfff { Some(Self(number)) } else { None }
    }

    /// The number, 0 to 4095.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// All mnemonics known, for suggestions.
    pub(crate) fn mnemonics() -> impl Iterator<Item = &'static str> {
        MNEMONICS.iter().map(|(text, _)| *text)
    }
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match MNEMONICS.iter().find(|(_, number)| *number == self.0) {
            Some((text, _)) => f.pad(text),
            None => f.pad(&format!("RCODE{}", self.0)),
        }
    }
}

/// Accepts a mnemonic in either case, a number, or `RCODEnnn`.
impl FromStr for Rcode {
    type Err = UnknownRcode;

    fn from_str(text: &str) -> Result<Self, UnknownRcode> {
        if let Some((_, number)) = MNEMONICS.iter().find(|(known, _)| known.eq_ignore_ascii_case(text)) {
            return Ok(Self(*number));
        }
        let upper = text.to_ascii_uppercase();
        let digits = upper.strip_prefix("RCODE").unwrap_or(&upper);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain).and_then(Self::new).ok_or(UnknownRcode)
    }
}

/// A word that is no response code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a response code is a name such as SERVFAIL, or a number from 0 to 4095")]
pub struct UnknownRcode;

const MNEMONICS: &[(&str, u16)] = &[
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
    ("DSOTYPENI", 11),
    ("BADVERS", 16),
    ("BADKEY", 17),
    ("BADTIME", 18),
    ("BADMODE", 19),
    ("BADNAME", 20),
    ("BADALG", 21),
    ("BADTRUNC", 22),
    ("BADCOOKIE", 23),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_print_and_parse_back() {
        for number in [0, 2, 3, 11, 12, 16, 23, 4095] {
            let code = Rcode::new(number).unwrap();
            assert_eq!(code.to_string().parse(), Ok(code));
            assert_eq!(number.to_string().parse(), Ok(code));
        }
        assert_eq!("servfail".parse(), Ok(Rcode::SERVFAIL));
    }

    #[test]
    fn nonsense_is_no_code() {
        for text in ["", "RCODE", "4096", "-1", "+2", "SERVFAIL2", "ü"] {
            assert_eq!(text.parse::<Rcode>(), Err(UnknownRcode), "{text}");
        }
    }
}
