//! Matchers inside expected lines.

use std::collections::BTreeMap;

use regex_lite::Regex;

/// An expected line, ready to be compared.
///
/// `[..]` stands for any text, `[n]` for a number, `[ip]` for an address, `[qid]` for a queue id, and `/…/` around the whole line
/// makes it a regular expression. `[qid=first]` binds what it stands for to a name: wherever the name comes again, the same text has
/// to stand. `[[]`, `[/]` and `[.]` stand for the sign between the brackets, so that what looks like a matcher can be written too.
/// Everything else is literal, `[127.0.0.1]` too.
#[derive(Debug)]
pub(super) enum Matcher {
    /// The text itself.
    Literal(String),
    /// A pattern for the whole line, and the names of its groups.
    Pattern(Regex, Vec<String>),
}

/// What the names of matchers stand for so far.
#[derive(Debug, Default)]
pub(super) struct Bindings(BTreeMap<String, String>);

impl Matcher {
    /// Reads an expected line.
    ///
    /// # Errors
    /// What is wrong with a regular expression.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        Self::bound(text, &Bindings::default())
    }

    fn bound(text: &str, bindings: &Bindings) -> Result<Self, String> {
        if let Some(regex) = as_regex(text) {
            return Ok(Self::Pattern(compile(regex)?, Vec::new()));
        }
        if !holds_matcher(text) {
            return Ok(Self::Literal(bindings.fill(text)));
        }
        let (mut pattern, mut names) = (String::new(), Vec::new());
        for piece in pieces(text) {
            pattern += &match piece {
                Piece::Text(text) => regex_lite::escape(text),
                Piece::Any(any, None) => any.to_owned(),
                Piece::Any(any, Some(name)) => match bindings.0.get(name) {
                    Some(value) => regex_lite::escape(value),
                    None => {
                        names.push(name.to_owned());
                        format!("({any})")
                    }
                },
            };
        }
        Ok(Self::Pattern(compile(&pattern)?, names))
    }

    /// Reads an expected line that was checked when its file was read; a bad expression is then taken literally.
    pub(super) fn checked(text: &str, bindings: &Bindings) -> Self {
        Self::bound(text, bindings).unwrap_or_else(|_| Self::Literal(text.to_owned()))
    }

    /// Whether a whole line fits; spaces at its end do not count.
    pub(super) fn matches(&self, line: &str) -> bool {
        match self {
            Self::Literal(text) => text.trim_end() == line.trim_end(),
            Self::Pattern(regex, _) => regex.is_match(line) || regex.is_match(line.trim_end()),
        }
    }

    /// Binds the names in a line that fits; `false` if one of them stands for something else already.
    pub(super) fn bind(&self, line: &str, bindings: &mut Bindings) -> bool {
        let Self::Pattern(regex, names) = self else { return true };
        let Some(found) = regex.captures(line).or_else(|| regex.captures(line.trim_end())) else { return true };
        names.iter().enumerate().all(|(index, name)| {
            let value = found.get(index + 1).map_or("", |group| group.as_str());
            bindings.0.entry(name.clone()).or_insert_with(|| value.to_owned()) == value
        })
    }
}

impl Bindings {
    /// An expected line with what its names stand for.
    pub(super) fn fill(&self, text: &str) -> String {
        if as_regex(text).is_some() {
            return text.to_owned();
        }
        let filled = pieces(text).map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Any(any, name) => {
                let word = MATCHERS.iter().find(|(_, pattern)| *pattern == any).map_or("", |(word, _)| *word);
                match name {
                    None => format!("[{word}]"),
                    Some(name) => self.0.get(name).cloned().unwrap_or_else(|| format!("[{word}={name}]")),
                }
            }
        });
        filled.collect()
    }
}

/// Whether a line holds a matcher, so that blessing must leave it alone.
pub(super) fn holds_matcher(text: &str) -> bool {
    text == ANY_LINES || as_regex(text).is_some() || pieces(text).any(|piece| matches!(piece, Piece::Any(..)))
}

/// Whether a line that begins so could fit; of regular expressions that is not known.
pub(super) fn can_begin(text: &str, start: &str) -> bool {
    if text == ANY_LINES || as_regex(text).is_some() {
        return true;
    }
    let mut rest = start;
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) if text.len() >= rest.len() => return text.starts_with(rest),
            Piece::Text(text) => match rest.strip_prefix(text) {
                Some(behind) => rest = behind,
                None => return false,
            },
            Piece::Any(any, _) => return any == ANY_TEXT,
        }
    }
    false
}

/// Whether `[qid]` stands for it.
pub(super) fn is_queue_id(text: &str) -> bool {
    Matcher::checked(QUEUE_ID, &Bindings::default()).matches(text)
}

/// A line that expects just this text, whatever it looks like.
pub(crate) fn literal(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_matcher = c == '[' && matcher_at(&text[at + 1..]).is_some();
        line.push_str(if is_matcher { "[[]" } else { &text[at..at + c.len_utf8()] });
    }
    if line == ANY_LINES || as_regex(&line).is_some() {
        return format!("[{}]{}", &line[..1], &line[1..]);
    }
    line
}

/// The names that a line binds or compares.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Any(_, name) => name,
        Piece::Text(_) => None,
    })
}

fn as_regex(text: &str) -> Option<&str> {
    text.strip_prefix('/')?.strip_suffix('/').filter(|regex| !regex.is_empty())
}

fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?s:{pattern})$")).map_err(|error| error.to_string())
}

/// A part of an expected line.
enum Piece<'a> {
    /// It stands for itself.
    Text(&'a str),
    /// A matcher: its pattern, and its name.
    Any(&'static str, Option<&'a str>),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut pending = None;
    std::iter::from_fn(move || {
        if let Some(piece) = pending.take() {
            return Some(piece);
        }
        if rest.is_empty() {
            return None;
        }
        let found = rest.match_indices('[').find_map(|(at, _)| Some((at, matcher_at(&rest[at + 1..])?)));
        let Some((at, (length, any))) = found else { return Some(Piece::Text(std::mem::take(&mut rest))) };
        let before = &rest[..at];
        rest = &rest[at + 1 + length..];
        if before.is_empty() {
            return Some(any);
        }
        pending = Some(any);
        Some(Piece::Text(before))
    })
}

/// The matcher that follows a bracket, with its length up to the other bracket.
fn matcher_at(text: &str) -> Option<(usize, Piece<'_>)> {
    let (inner, _) = text.split_once(']')?;
    if SIGNS.contains(&inner) {
        return Some((inner.len() + 1, Piece::Text(inner)));
    }
    let (word, name) = match inner.split_once('=') {
        Some((word, name)) => (word, Some(name)),
        None => (inner, None),
    };
    let (_, pattern) = MATCHERS.iter().find(|(known, _)| *known == word)?;
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.is_none_or(is_name).then_some((inner.len() + 1, Piece::Any(pattern, name)))
}

/// A line that stands for any number of lines.
pub(super) const ANY_LINES: &str = "...";

/// What stands for itself between brackets.
const SIGNS: [&str; 3] = ["[", "/", "."];

/// What stands for a queue id.
pub(super) const QUEUE_ID: &str = "[qid]";

const ANY_TEXT: &str = ".*";

/// What stands between the brackets, and its pattern, without groups of its own.
const MATCHERS: [(&str, &str); 4] = [
    ("..", ANY_TEXT),
    ("n", "[0-9]+"),
    ("ip", r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f.]{0,15}){2,8})"),
    // sendmail: 4AMHX3aB012345; Postfix: 4XyZ1abcdEz or 0A1B2C3D4E.
    // In a wire block it is already written so.
    ("qid", r"(?:[0-9A-Za-z]{5,24}|\[qid\])"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_matcher_takes_what_it_stands_for() {
        for (text, line) in [
            ("550 5.7.1 [..]", "550 5.7.1 "),
            ("550 5.7.1[..]end", "550 5.7.1 text end"),
            ("took [n] ms", "took 12 ms"),
            ("from [[ip]]", "from [192.0.2.1]"),
            ("from [ip]", "from 2001:db8::1"),
            ("250 2.0.0 [qid] Message accepted", "250 2.0.0 4AMHX3aB012345 Message accepted"),
            ("/25[01] .*/", "251 ok"),
            ("a.b*", "a.b*"),
        ] {
            assert!(Matcher::checked(text, &Bindings::default()).matches(line), "{text} ~ {line}");
        }
    }

    #[test]
    fn a_matcher_refuses_what_it_does_not_stand_for() {
        for (text, line) in [
            ("took [n] ms", "took x ms"),
            ("from [ip]", "from nowhere"),
            ("/25[01]/", "251 ok"),
            ("a.b[n]", "axb1"),
            ("550 [..] end", "550 end"),
        ] {
            assert!(!Matcher::checked(text, &Bindings::default()).matches(line), "{text} !~ {line}");
        }
    }

    #[test]
    fn a_name_is_bound_on_first_sight_and_must_agree_later() {
        let mut names = Bindings::default();
        let first = Matcher::checked("250 2.0.0 [qid=first] accepted", &names);
        assert!(first.matches("250 2.0.0 4AMHX3aB012345 accepted"));
        assert!(first.bind("250 2.0.0 4AMHX3aB012345 accepted", &mut names));
        let again = Matcher::checked("[qid=first]: [..]", &names);
        assert!(again.matches("4AMHX3aB012345: x") && !again.matches("4AMHX3aB012346: x"));
        assert_eq!(names.fill("[qid=first] [n=size] [n]"), "4AMHX3aB012345 [n=size] [n]");
        let twice = Matcher::checked("[n=a] and [n=a]", &names);
        assert!(twice.bind("1 and 1", &mut Bindings::default()) && !twice.bind("1 and 2", &mut Bindings::default()));
    }

    #[test]
    fn other_brackets_are_literal() {
        for text in
            ["[127.0.0.1]", "[RCPT TO: <g@x>]", "[]", "/", "//", "[N]", "[...]", "[n=]", "[x=a]", "[n=A]", "[n=a"]
        {
            assert!(!holds_matcher(text), "{text}");
            assert!(Matcher::checked(text, &Bindings::default()).matches(text), "{text}");
        }
    }

    #[test]
    fn what_looks_like_a_matcher_can_be_written() {
        for (text, line) in [
            ("x [..] y", "x [[]..] y"),
            ("[[n]]", "[[[]n]]"),
            ("[[]", "[[][]"),
            ("/a/", "[/]a/"),
            ("...", "[.].."),
            ("[127.0.0.1]", "[127.0.0.1]"),
        ] {
            assert_eq!(literal(text), line);
            assert!(Matcher::checked(line, &Bindings::default()).matches(text), "{line} ~ {text}");
        }
        assert!(Matcher::checked("[[]n] is [n]", &Bindings::default()).matches("[n] is 7"));
    }

    #[test]
    fn whether_a_line_could_begin_so_is_known() {
        for text in ["RCPT TO:<a@b>", "RCPT TO:[..]", "[..]", "R[..]<a@b>", "[..=x]>", "/x/", "...", "RCPT[..]"] {
            assert!(can_begin(text, "RCPT TO:"), "{text}");
        }
        for text in
            ["MAIL FROM:<a@b>", "RCPT", "rcpt TO:<a@b>", "[n][..]", "[127.0.0.1]", "RCPT [ip]", "[[]..]", "", "/"]
        {
            assert!(!can_begin(text, "RCPT TO:"), "{text}");
        }
    }

    #[test]
    fn a_bad_expression_is_told() {
        assert!(Matcher::new("/(/").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_literal_matches_itself(text in "\\PC*|[]\\[./n=]{0,9}") {
            let _ = Matcher::new(&text);
            let line = literal(&text);
            prop_assert!(!holds_matcher(&line) && Matcher::new(&line).is_ok_and(|matcher| matcher.matches(&text)), "{}", line);
        }
    }
}
