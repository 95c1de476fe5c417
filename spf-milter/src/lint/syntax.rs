//! All syntax errors of a text: receivers stop at the first, a postmaster wants to see every one.

use std::ops::Range;
use std::sync::Arc;

use spf::{ParseError, ParseErrorKind, Record};

use super::finding::{Report, Severity, Text};
use crate::diagnostic::did_you_mean;

/// Reads a record; what is wrong in it goes into the report, and then there is none.
pub(super) fn read(report: &mut Report, text: &Arc<Text>, record: &[u8]) -> Option<Arc<Record>> {
    let whole = match Record::parse(record) {
        Ok(record) => return Some(Arc::new(record)),
        Err(error) => error,
    };
    let mut errors = errors_of_terms(record);
    // What only shows in the whole: the version, a modifier that stands twice, bytes that no record may hold.
    if !errors.iter().any(|error| error.offset == whole.offset) {
        errors.push(whole);
    }
    errors.sort_by_key(|error| error.offset);
    for error in errors {
        let place = (text, span(&text.shown, &error));
        report.at(Severity::Error, "syntax", place, error.kind.to_string(), advice(&error.kind));
    }
    None
}

fn errors_of_terms(record: &[u8]) -> Vec<ParseError> {
    let mut errors = Vec::new();
    let (mut start, mut seen) = (0, Vec::new());
    for word in record.split(|byte| *byte == b' ') {
        if start > 0 && !word.is_empty() {
            let alone = [VERSION, word].concat();
            if let Some(name) = twice(&mut seen, word) {
                errors.push(ParseError { offset: start, kind: ParseErrorKind::DuplicateModifier(name) });
            } else if let Err(mut error) = Record::parse(&alone) {
                error.offset = start + error.offset.saturating_sub(VERSION.len());
                errors.push(error);
            }
        }
        start += word.len() + 1;
    }
    errors
}

/// The name of a modifier that may stand once only (RFC 7208 section 6), if the word is its second.
fn twice(seen: &mut Vec<&'static str>, word: &[u8]) -> Option<&'static str> {
    let equals = word.iter().position(|byte| *byte == b'=')?;
    let name = ["redirect", "exp"].into_iter().find(|name| name.as_bytes().eq_ignore_ascii_case(&word[..equals]))?;
    let again = seen.contains(&name);
    seen.push(name);
    again.then_some(name)
}

/// The bytes to mark: what the error names, else the rest of the word, else the word before.
fn span(shown: &str, error: &ParseError) -> Range<usize> {
    let offset = error.offset;
    let rest = word_at(shown, offset).len();
    if rest == 0 {
        let end = offset.min(shown.len());
        return shown[..end].rfind(' ').map_or(0, |space| space + 1)..end;
    }
    match &error.kind {
        ParseErrorKind::Byte(_)
        | ParseErrorKind::ExplanationOnly(_)
        | ParseErrorKind::MacroLetter(_)
        | ParseErrorKind::Percent
        | ParseErrorKind::Transformer => offset..offset + 1,
        _ => offset..offset + rest,
    }
}

/// From an offset to the end of its word.
fn word_at(shown: &str, offset: usize) -> &str {
    let rest = shown.get(offset..).unwrap_or_default();
    rest.split(' ').next().unwrap_or_default()
}

fn advice(kind: &ParseErrorKind) -> String {
    match kind {
        ParseErrorKind::UnknownMechanism(name) => unknown_mechanism(name),
        ParseErrorKind::Byte(byte) if !byte.is_ascii() => {
            "records are ASCII; typographic quotes and dashes come in with text from word processors".to_owned()
        }
        ParseErrorKind::Ip4(text) if text.contains(':') => "an IPv6 network takes `ip6:`".to_owned(),
        ParseErrorKind::Ip6(text) if text.contains('.') => "an IPv4 network takes `ip4:`".to_owned(),
        ParseErrorKind::DomainEnd => "write the domain in full, as in include:_spf.example.com".to_owned(),
        ParseErrorKind::DuplicateModifier(name) => format!("keep one {name}="),
        ParseErrorKind::UnexpectedArgument("all") => "write -all or ~all, with nothing behind it".to_owned(),
        ParseErrorKind::Version => "write v=spf1 and a space before the first term".to_owned(),
        _ => "receivers answer `permerror` to the whole record until this is mended (RFC 7208 section 4.6)".to_owned(),
    }
}

fn unknown_mechanism(name: &str) -> String {
    let bare = name.trim_start_matches(['+', '-', '?', '~']).to_ascii_lowercase();
    if bare.parse::<std::net::Ipv4Addr>().is_ok() {
        return format!("write ip4:{bare}");
    }
    match bare.as_str() {
        "ipv4" | "ip" => return "write ip4:".to_owned(),
        "ipv6" => return "write ip6:".to_owned(),
        _ => {}
    }
    match did_you_mean(&bare, &MECHANISMS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("mechanisms are {}", MECHANISMS.join(", ")),
    }
}

/// Where a finding about a whole record stands.
pub(super) fn whole(text: &Text) -> Range<usize> {
    0..text.shown.len()
}

const MECHANISMS: [&str; 8] = ["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"];

const VERSION: &[u8] = b"v=spf1 ";
