//! Quoted strings, quoted characters and comments in addresses, RFC 5322 section 3.2.

/// What a byte is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// It means what it says.
    Plain,
    /// A quoted string, its quotes among it.
    Quoted,
    /// A backslash, or the character behind one.
    Escaped,
    /// A comment, its parentheses among it.
    Comment,
}

/// A walk over an address, byte by byte.
#[derive(Debug, Default)]
pub(crate) struct Quoting {
    quoted: bool,
    escaped: bool,
    comments: usize,
}

impl Quoting {
    /// What the next byte is a part of. A `)` without its `(` is plain.
    pub(crate) fn part(&mut self, byte: u8) -> Part {
        if self.escaped {
            self.escaped = false;
            return self.or_comment(Part::Escaped);
        }
        match byte {
            b'\\' => {
                self.escaped = true;
                self.or_comment(Part::Escaped)
            }
            b'"' => {
                self.quoted = !self.quoted;
                self.or_comment(Part::Quoted)
            }
            _ if self.quoted => self.or_comment(Part::Quoted),
            b'(' => {
                self.comments += 1;
                Part::Comment
            }
            b')' if self.comments > 0 => {
                self.comments -= 1;
                Part::Comment
            }
            _ => self.or_comment(Part::Plain),
        }
    }

    /// The sign that was opened and not closed; a quote before a comment.
    pub(crate) fn open(&self) -> Option<u8> {
        if self.quoted { Some(b'"') } else { (self.comments > 0).then_some(b'(') }
    }

    fn or_comment(&self, part: Part) -> Part {
        if self.comments > 0 { Part::Comment } else { part }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<u8>) {
        let mut quoting = Quoting::default();
        let letter = |byte| match quoting.part(byte) {
            Part::Plain => '.',
            Part::Quoted => 'q',
            Part::Escaped => 'e',
            Part::Comment => 'c',
        };
        let letters = text.bytes().map(letter).collect();
        (letters, quoting.open())
    }

    #[test]
    fn quotes_escapes_and_comments_are_told_apart() {
        assert_eq!(parts(r#"a"b(\"c"d"#), (".qqqeeqq.".into(), None));
        assert_eq!(parts(r"a(b(c)\)d)e)"), (".ccccccccc..".into(), None));
        assert_eq!(parts("a(\"b"), (".ccc".into(), Some(b'"')));
        assert_eq!(parts("(a"), ("cc".into(), Some(b'(')));
    }
}
