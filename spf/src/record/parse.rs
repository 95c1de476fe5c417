use std::ops::Range;
use std::sync::OnceLock;

use super::error::{ParseError, ParseErrorKind};
use super::mechanism::parse_mechanism;
use super::network::plain_mechanism;
use super::terms::{Directive, Modifier, Qualifier, Record, Term};
use crate::limits::RECORD_BYTES_MAX;
use crate::macro_string::MacroString;

const VERSION: &str = "v=spf1";

/// What a term and its space take: a guess, to make room for the terms in one go.
const TERM_BYTES_USUAL: usize = 16;

/// Whether a TXT record is an SPF record: `v=spf1` in any case, and then a space or the end
/// ([RFC 7208 section 4.5](https://www.rfc-editor.org/rfc/rfc7208#section-4.5)).
#[must_use]
pub fn is_spf_record(text: &[u8]) -> bool {
    let Some((version, rest)) = text.split_at_checked(VERSION.len()) else {
        return false;
    };
    version.eq_ignore_ascii_case(VERSION.as_bytes()) && matches!(rest.first(), None | Some(b' '))
}

impl Record {
    /// Reads a whole record, the version section included; nothing is evaluated before all of it is right (§4.6).
    ///
    /// # Errors
    /// The first syntax error, with its place. All of them are `permerror`.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        if !is_spf_record(text) {
            return Err(ParseError::new(0, ParseErrorKind::Version));
        }
        if text.len() > RECORD_BYTES_MAX {
            return Err(ParseError::new(RECORD_BYTES_MAX, ParseErrorKind::TooLong(text.len())));
        }
        let text = printable(text)?;
        let terms = Vec::with_capacity(4 + text.len() / TERM_BYTES_USUAL);
        let mut record = Self { text: text.to_owned(), terms, spans: OnceLock::new(), redirect: None, exp: None };
        let mut rest = text.get(VERSION.len()..).unwrap_or_default();
        while let Some(start) = rest.bytes().position(|byte| byte != b' ') {
            rest = record.push_first_term(rest.get(start..).unwrap_or_default())?;
        }
        Ok(record)
    }

    /// Reads the term at the start of what is left of the text; returns what is left after it.
    fn push_first_term<'a>(&mut self, rest: &'a str) -> Result<&'a str, ParseError> {
        let (qualifier, mechanism) = parse_qualifier(rest);
        // Only where there is room: then a term is written where it stays, and not moved there.
        let has_room = self.terms.len() < self.terms.capacity();
        if has_room && let Some((plain, rest)) = plain_mechanism(mechanism) {
            let qualifier = qualifier.unwrap_or_default();
            self.terms.push(Term::Directive(Directive { qualifier, mechanism: plain.into() }));
            return Ok(rest);
        }
        // §4.6.1: spaces separate terms, and nothing else does.
        let end = rest.bytes().position(|byte| byte == b' ').unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.push_term(self.text.len() - rest.len(), word)?;
        Ok(after)
    }

    // Kept out of the way of plain terms, which are most of them.
    #[inline(never)]
    fn push_term(&mut self, start: usize, word: &str) -> Result<(), ParseError> {
        let term = parse_term(word).map_err(|error| error.after(start))?;
        let slot = match &term {
            Term::Modifier(Modifier::Redirect(_)) => Some(("redirect", &mut self.redirect)),
            Term::Modifier(Modifier::Exp(_)) => Some(("exp", &mut self.exp)),
            _ => None,
        };
        if let Some((name, slot)) = slot {
            // §6: either may stand only once.
            if slot.replace(self.terms.len()).is_some() {
                return Err(ParseError::new(start, ParseErrorKind::DuplicateModifier(name)));
            }
        }
        self.terms.push(term);
        Ok(())
    }
}

/// Checks that a record is printable ASCII (§3.1, §12).
fn printable(text: &[u8]) -> Result<&str, ParseError> {
    let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
    // Without an early end, so that many bytes are looked at in one go.
    if text.iter().fold(true, |all, byte| all & is_printable(byte))
        && let Ok(text) = str::from_utf8(text)
    {
        return Ok(text);
    }
    let at = text.iter().position(|byte| !is_printable(byte)).unwrap_or_default();
    Err(ParseError::new(at, ParseErrorKind::Byte(text.get(at).copied().unwrap_or_default())))
}

/// Finds the terms after the version; §4.6.1 separates them by spaces, and by nothing else.
pub(super) fn term_spans(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut end = VERSION.len();
    std::iter::from_fn(move || {
        let start = end + text.get(end..)?.bytes().position(|byte| byte != b' ')?;
        let word_bytes = text.get(start..)?.bytes().position(|byte| byte == b' ');
        end = word_bytes.map_or(text.len(), |bytes| start + bytes);
        Some(start..end)
    })
}

/// Reads one term: a modifier has `=` right after its name, everything else is a directive (§4.6.1).
fn parse_term(word: &str) -> Result<Term, ParseError> {
    let (qualifier, rest) = parse_qualifier(word);
    let name = name_at_start(rest);
    let value = rest.get(name.len()..).and_then(|rest| rest.strip_prefix('=')).filter(|_| !name.is_empty());
    match (qualifier, value) {
        (None, Some(value)) => {
            parse_modifier(name, value).map(Term::Modifier).map_err(|error| error.after(name.len() + 1))
        }
        (Some(_), Some(_)) => Err(ParseError::new(0, ParseErrorKind::Qualifier)),
        (Some(_), None) if name.is_empty() => Err(ParseError::new(0, ParseErrorKind::Qualifier)),
        (_, None) => {
            let mechanism = parse_mechanism(rest, name.len()).map_err(|error| error.after(word.len() - rest.len()))?;
            Ok(Term::Directive(Directive { qualifier: qualifier.unwrap_or_default(), mechanism }))
        }
    }
}

/// Returns the longest modifier name at the start of a word; a mechanism's name is one too.
fn name_at_start(word: &str) -> &str {
    if !word.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) {
        return "";
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let length = word.bytes().position(|byte| !is_name(byte)).unwrap_or(word.len());
    word.get(..length).unwrap_or_default()
}

fn parse_modifier(name: &str, value: &str) -> Result<Modifier, ParseError> {
    if name.eq_ignore_ascii_case("redirect") {
        parse_target("redirect", value).map(Modifier::Redirect)
    } else if name.eq_ignore_ascii_case("exp") {
        parse_target("exp", value).map(Modifier::Exp)
    } else {
        Ok(Modifier::Unknown { name: name.to_owned(), value: MacroString::modifier_value(value)? })
    }
}

/// Reads a domain-spec that must be there.
fn parse_target(name: &'static str, text: &str) -> Result<MacroString, ParseError> {
    if text.is_empty() {
        return Err(ParseError::new(0, ParseErrorKind::MissingArgument(name)));
    }
    MacroString::domain_spec(text)
}

fn parse_qualifier(word: &str) -> (Option<Qualifier>, &str) {
    let qualifier = match word.as_bytes().first() {
        Some(b'+') => Qualifier::Pass,
        Some(b'-') => Qualifier::Fail,
        Some(b'~') => Qualifier::Softfail,
        Some(b'?') => Qualifier::Neutral,
        _ => return (None, word),
    };
    (Some(qualifier), word.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Record::parse(text).unwrap_err().to_string()
    }

    /// §4.5: the version ends at a space or at the end, in any case.
    #[test]
    fn the_version_stands_alone() {
        assert!(is_spf_record(b"v=spf1"));
        assert!(is_spf_record(b"V=SPF1 -all"));
        assert!(!is_spf_record(b"v=spf10"));
        assert!(!is_spf_record(b"v=spf1\t-all"));
        assert!(!is_spf_record(b" v=spf1"));
        assert!(!is_spf_record(b""));
    }

    /// §4.6.1: one or more spaces separate terms, and may end the record.
    #[test]
    fn spaces_separate_terms() {
        let record = Record::parse("v=spf1  a   -all ").unwrap();
        assert_eq!(record.terms().len(), 2);
        assert_eq!((record.term_text(0), record.term_text(1), record.term_text(2)), ("a", "-all", ""));
        assert_eq!(record.to_string(), "v=spf1 a -all");
    }

    #[test]
    fn term_text_is_the_text_of_the_record() {
        let record = Record::parse("v=spf1 +MX ip4:192.0.2.1/32").unwrap();
        assert_eq!(record.term_text(0), "+MX");
        assert_eq!(record.term_text(1), "ip4:192.0.2.1/32");
        assert_eq!(record.to_string(), "v=spf1 mx ip4:192.0.2.1");
    }

    /// §4.6.1: what has `=` after its name is a modifier, and unknown ones are welcome (§6).
    #[test]
    fn unknown_modifiers_are_kept() {
        let text = "v=spf1 ra=postmaster rp=100 moo.cow-far_out=man:dog/cat x= -all";
        assert_eq!(Record::parse(text).unwrap().to_string(), text);
    }

    /// §6: `redirect` and `exp` may stand once each, in any case.
    #[test]
    fn doubled_modifiers_are_refused() {
        assert_eq!(
            error("v=spf1 redirect=a.example REDIRECT=b.example"),
            "\"redirect\" may stand only once in a record (at byte 26)"
        );
        assert_eq!(error("v=spf1 exp=a.example exp=a.example"), "\"exp\" may stand only once in a record (at byte 21)");
    }

    /// §4.6: an error anywhere is found, and its place told.
    #[test]
    fn errors_tell_their_place() {
        assert_eq!(
            error("v=spf1 a moo"),
            "unknown mechanism \"moo\"; a modifier would have '=' after its name (at byte 9)"
        );
        assert_eq!(error("v=spf1 -"), "a qualifier must have a mechanism after it (at byte 7)");
        assert_eq!(error("v=spf1 -exp=x.example"), "a qualifier must have a mechanism after it (at byte 7)");
        assert_eq!(error("v=spf1 redirect="), "\"redirect\" needs an argument (at byte 16)");
        assert_eq!(error("v=spf1 a\u{e9}"), "byte 0xc3 may not stand here (at byte 8)");
        assert_eq!(error("v=spf1 a\r\nptr"), "byte 0x0d may not stand here (at byte 8)");
        assert_eq!(
            error("v=spf1 foo=%x"),
            "'%' must be followed by '{', '%', '_' or '-'; a percent sign itself is \"%%\" (at byte 11)"
        );
        assert_eq!(
            error("v=spf1 1up=foo"),
            "unknown mechanism \"1up=foo\"; a modifier would have '=' after its name (at byte 7)"
        );
    }

    /// The RFC sets no limit to a record; the DNS does.
    #[test]
    fn a_record_ends_where_a_dns_message_does() {
        let record = |bytes: usize| format!("v=spf1 {}", "a ".repeat(bytes).get(..bytes - 7).unwrap());
        assert!(Record::parse(record(RECORD_BYTES_MAX)).is_ok());
        assert!(matches!(
            Record::parse(record(RECORD_BYTES_MAX + 1)).unwrap_err().kind,
            ParseErrorKind::TooLong(65_536)
        ));
    }

    #[test]
    fn the_target_of_a_modifier_is_found_wherever_it_stands() {
        let record = Record::parse("v=spf1 redirect=r.example a exp=e.example").unwrap();
        assert_eq!(record.redirect().unwrap().to_string(), "r.example");
        assert_eq!(record.exp().unwrap().to_string(), "e.example");
    }
}
