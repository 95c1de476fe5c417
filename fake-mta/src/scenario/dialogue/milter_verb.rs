//! The vocabulary of `M:` lines.

use crate::{
    diag::{Diag, Span},
    scenario::vocabulary::Unknown,
};

/// What follows a verb.
#[derive(Clone, Copy)]
enum Shape {
    /// Nothing.
    Bare,
    /// Any text, at least one character.
    Text,
    /// `Name: value`.
    Header,
    /// A number, then `Name: value`.
    IndexedHeader,
    /// A number, then a header name.
    IndexedName,
    /// Anything, also nothing.
    Free,
}

/// Checks that `text` is a milter answer or edit that can come; a text that begins with a matcher is taken as it is.
///
/// # Errors
/// An unknown verb, or a verb without its arguments.
pub(super) fn check(text: &str, span: &Span) -> Result<(), Diag> {
    if text.starts_with('/') || text.starts_with('[') {
        return Ok(());
    }
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let verb_span = span.part(0..verb.len());
    let Some((_, shape, example)) = VERBS.into_iter().find(|(name, ..)| *name == verb) else {
        return Err(unknown(verb, text, &verb_span));
    };
    if fits(shape, rest.trim()) {
        return Ok(());
    }
    Err(Diag::error(format!("`{verb}` is not written like this"))
        .label(span, "")
        .help(format!("write it as `M: {example}`")))
}

/// Whether it is a verb with what belongs behind it.
pub(super) fn is_known(text: &str) -> bool {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    VERBS.into_iter().any(|(name, shape, _)| name == verb && fits(shape, rest.trim()))
}

fn unknown(verb: &str, text: &str, span: &Span) -> Diag {
    let unknown = Unknown::new("milter answer", verb, VERBS.map(|(name, ..)| name));
    let diag = Diag::error(unknown.to_string()).label(span, "");
    if verb.starts_with(['4', '5']) && verb.len() == 3 {
        return diag.help(format!("a reply of the milter is written `M: reply {text}`"));
    }
    diag.help(unknown.help)
}

fn fits(shape: Shape, rest: &str) -> bool {
    let is_index = |word: &str| word.starts_with("[n") || word.starts_with("[..") || word.parse::<u32>().is_ok();
    match shape {
        Shape::Bare => rest.is_empty(),
        Shape::Text => !rest.is_empty(),
        Shape::Header => rest.contains(':') || rest.contains("[..]"),
        Shape::IndexedHeader => rest
            .split_once(' ')
            .is_some_and(|(index, header)| is_index(index) && (header.contains(':') || header.contains("[..]"))),
        Shape::IndexedName => rest.split_once(' ').is_some_and(|(index, name)| is_index(index) && !name.contains(':')),
        Shape::Free => true,
    }
}

/// Every verb, what follows it, and an example.
const VERBS: [(&str, Shape, &str); 22] = [
    ("continue", Shape::Bare, "continue"),
    ("accept", Shape::Bare, "accept"),
    ("reject", Shape::Bare, "reject"),
    ("tempfail", Shape::Bare, "tempfail"),
    ("discard", Shape::Bare, "discard"),
    ("skip", Shape::Bare, "skip"),
    ("progress", Shape::Bare, "progress"),
    ("shutdown", Shape::Bare, "shutdown"),
    ("connfail", Shape::Bare, "connfail"),
    ("close", Shape::Bare, "close"),
    ("none", Shape::Bare, "none"),
    ("reply", Shape::Text, "reply 550 5.7.1 text"),
    ("addheader", Shape::Header, "addheader Name: value"),
    ("insheader", Shape::IndexedHeader, "insheader 0 Name: value"),
    ("chgheader", Shape::IndexedHeader, "chgheader 1 Name: value"),
    ("delheader", Shape::IndexedName, "delheader 1 Name"),
    ("replbody", Shape::Free, "replbody text"),
    ("chgfrom", Shape::Text, "chgfrom <user@example.com>"),
    ("addrcpt", Shape::Text, "addrcpt <user@example.com>"),
    ("delrcpt", Shape::Text, "delrcpt <user@example.com>"),
    ("quarantine", Shape::Free, "quarantine reason"),
    ("negotiate", Shape::Free, "negotiate 6 [..]"),
];
