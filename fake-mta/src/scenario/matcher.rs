//! Matchers inside expected lines.

use regex_lite::Regex;

/// An expected line, ready to be compared.
///
/// `[..]` stands for any text, `[n]` for a number, `[ip]` for an address, `[qid]` for a queue id, and `/…/` around the whole line
/// makes it a regular expression. Everything else is literal, `[127.0.0.1]` too.
#[derive(Debug)]
pub(super) enum Matcher {
    /// The text itself.
    Literal(String),
    /// A pattern for the whole line.
    Pattern(Regex),
}

impl Matcher {
    /// Reads an expected line.
    ///
    /// # Errors
    /// What is wrong with a regular expression.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        if let Some(regex) = as_regex(text) {
            return compile(regex).map(Self::Pattern);
        }
        if !holds_matcher(text) {
            return Ok(Self::Literal(text.to_owned()));
        }
        let pattern: String = pieces(text).map(|(literal, pattern)| regex_lite::escape(literal) + pattern).collect();
        compile(&pattern).map(Self::Pattern)
    }

    /// Reads an expected line that was checked when its file was read; a bad expression is then taken literally.
    pub(super) fn checked(text: &str) -> Self {
        Self::new(text).unwrap_or_else(|_| Self::Literal(text.to_owned()))
    }

    /// Whether a whole line fits; spaces at its end do not count.
    pub(super) fn matches(&self, line: &str) -> bool {
        match self {
            Self::Literal(text) => text.trim_end() == line.trim_end(),
            Self::Pattern(regex) => regex.is_match(line) || regex.is_match(line.trim_end()),
        }
    }
}

/// Whether a line holds a matcher, so that blessing must leave it alone.
pub(super) fn holds_matcher(text: &str) -> bool {
    text == ANY_LINES || as_regex(text).is_some() || MATCHERS.iter().any(|(word, _)| text.contains(word))
}

fn as_regex(text: &str) -> Option<&str> {
    text.strip_prefix('/')?.strip_suffix('/').filter(|regex| !regex.is_empty())
}

fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?s:{pattern})$")).map_err(|error| error.to_string())
}

/// The literal pieces of a line, each with the pattern of the matcher behind it.
fn pieces(text: &str) -> impl Iterator<Item = (&str, &'static str)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let first = MATCHERS
            .iter()
            .filter_map(|(word, pattern)| Some((text.find(word)?, word, *pattern)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, word, pattern)) = first else { return Some((text, "")) };
        rest = Some(&text[at + word.len()..]);
        Some((&text[..at], pattern))
    })
}

/// A line that stands for any number of lines.
pub(super) const ANY_LINES: &str = "...";

const MATCHERS: [(&str, &str); 4] = [
    ("[..]", ".*"),
    ("[n]", "[0-9]+"),
    ("[ip]", r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f.]{0,15}){2,8})"),
    // sendmail: 4AMHX3aB012345; Postfix: 4XyZ1abcdEz or 0A1B2C3D4E.
    // In a wire block it is already written so.
    ("[qid]", r"(?:[0-9A-Za-z]{5,24}|\[qid\])"),
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
            assert!(Matcher::checked(text).matches(line), "{text} ~ {line}");
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
            assert!(!Matcher::checked(text).matches(line), "{text} !~ {line}");
        }
    }

    #[test]
    fn other_brackets_are_literal() {
        for text in ["[127.0.0.1]", "[RCPT TO: <g@x>]", "[]", "/", "//", "[N]", "[...]"] {
            assert!(!holds_matcher(text), "{text}");
            assert!(Matcher::checked(text).matches(text), "{text}");
        }
    }

    #[test]
    fn a_bad_expression_is_told() {
        assert!(Matcher::new("/(/").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_literal_matches_itself(text in "\\PC*") {
            if let Ok(matcher) = Matcher::new(&text) && !holds_matcher(&text) {
                prop_assert!(matcher.matches(&text));
            }
        }
    }
}
