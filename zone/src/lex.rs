//! Zone text into entries of tokens (RFC 1035 §5.1): comments, quotes and parentheses are gone afterwards.

use crate::Span;

/// One logical line: what stands between line ends that are not within parentheses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Whether the line starts with blank space, so that the owner is the one before.
    pub(crate) starts_blank: bool,
    /// At least one.
    pub(crate) tokens: Vec<Token>,
}

/// A word or quoted string; its bytes are still escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What stands in the text, the quotes included.
    pub(crate) span: Span,
    /// Whether it stood in quotes.
    pub(crate) quoted: bool,
}

impl Token {
    /// The bytes meant, still escaped, the quotes left out.
    pub(crate) fn raw<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        if self.quoted { &text[self.span.start + 1..self.span.end - 1] } else { &text[self.span.range()] }
    }
}

/// Text that cannot be cut into tokens.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LexError {
    pub(crate) span: Span,
    pub(crate) message: &'static str,
    pub(crate) help: &'static str,
}

/// Gives the entries of a text one by one. After an error it goes on with the next line.
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        // Editors of some systems put a byte-order mark in front; it would become part of the first owner.
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { text, at }
    }

    /// The next entry that has a token; `None` at the end.
    pub(crate) fn next_entry(&mut self) -> Option<Result<Entry, LexError>> {
        while self.at < self.text.len() {
            match self.entry() {
                Ok(entry) if entry.tokens.is_empty() => {}
                Ok(entry) => return Some(Ok(entry)),
                Err(error) => {
                    self.skip_line();
                    return Some(Err(error));
                }
            }
        }
        None
    }

    fn entry(&mut self) -> Result<Entry, LexError> {
        let starts_blank = matches!(self.peek(), Some(b' ' | b'\t'));
        let mut tokens = Vec::new();
        let mut open: Option<usize> = None;
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => {
                    self.at += 1;
                    if open.is_none() {
                        break;
                    }
                }
                b';' => self.skip_comment(),
                b'(' if open.is_some() => return Err(self.nested()),
                b'(' => {
                    open = Some(self.at);
                    self.at += 1;
                }
                b')' if open.take().is_none() => return Err(self.unopened()),
                b' ' | b'\t' | b'\r' | b')' => self.at += 1,
                b'"' => tokens.push(self.quoted()?),
                _ => tokens.push(self.word()?),
            }
        }
        match open {
            Some(at) => Err(unclosed(at)),
            None => Ok(Entry { starts_blank, tokens }),
        }
    }

    fn quoted(&mut self) -> Result<Token, LexError> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(Token { span: Span::new(start, self.at), quoted: true });
                }
                b'\n' => break,
                b'\\' => self.escape()?,
                _ => self.at += 1,
            }
        }
        Err(LexError {
            span: Span::new(start, self.at),
            message: "the quoted string is not closed on its line",
            help: "add a `\"`; a text over several lines is several strings within parentheses",
        })
    }

    fn word(&mut self) -> Result<Token, LexError> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"' => break,
                b'\\' => self.escape()?,
                _ => self.at += 1,
            }
        }
        Ok(Token { span: Span::new(start, self.at), quoted: false })
    }

    /// Steps over `\DDD` or `\X`. `\#` is none of the two's business: it reads as `\X` here.
    fn escape(&mut self) -> Result<(), LexError> {
        let ahead = self.ahead();
        let Some((_, after)) = crate::name::unescape(ahead) else {
            return Err(LexError {
                span: Span::new(self.at, self.at + 1 + ahead.len()),
                message: "a backslash must be followed by three decimal digits (000 to 255) or by one other character",
                help: "write `\\\\` for a backslash itself",
            });
        };
        self.at += 1 + ahead.len() - after.len();
        Ok(())
    }

    /// The bytes that an escape can take after its backslash: no more than three, however long the line is, as a line may
    /// hold nothing but escapes.
    fn ahead(&self) -> &'a [u8] {
        let rest = &self.text[self.at + 1..];
        let rest = &rest[..rest.len().min(ESCAPE_BYTES_MAX)];
        rest.split(|&byte| byte == b'\n').next().unwrap_or_default()
    }

    fn nested(&self) -> LexError {
        LexError {
            span: Span::new(self.at, self.at + 1),
            message: "parentheses within parentheses",
            help: "close the first `(` before; a parenthesis that is meant as text goes into quotes",
        }
    }

    fn unopened(&self) -> LexError {
        LexError {
            span: Span::new(self.at, self.at + 1),
            message: "`)` without `(` before",
            help: "remove it; a parenthesis that is meant as text goes into quotes",
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_comment(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        self.skip_comment();
        self.at = (self.at + 1).min(self.text.len());
    }
}

fn unclosed(at: usize) -> LexError {
    LexError {
        span: Span::new(at, at + 1),
        message: "this `(` is never closed",
        help: "add the `)` after the last field of the record",
    }
}

/// The three digits of `\DDD`.
const ESCAPE_BYTES_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_looks_at_three_bytes_of_its_line_and_no_more() {
        for (text, ahead) in [("\\065\\066", "065"), ("\\a", "a"), ("\\12\n3", "12"), ("\\\n065", ""), ("\\", "")] {
            assert_eq!(Lexer::new(text.as_bytes()).ahead(), ahead.as_bytes(), "{text:?}");
        }
        let long = "\\065".repeat(100_000);
        assert_eq!(entries(&long), [Ok(vec![long.as_str()])]);
    }

    fn entries(text: &str) -> Vec<Result<Vec<&str>, &'static str>> {
        let mut lexer = Lexer::new(text.as_bytes());
        let mut entries = Vec::new();
        while let Some(entry) = lexer.next_entry() {
            let words = |entry: Entry| entry.tokens.iter().map(|token| &text[token.span.range()]).collect();
            entries.push(entry.map(words).map_err(|error| error.message));
        }
        entries
    }

    #[test]
    fn quotes_hold_inside_parentheses() {
        let text = "a TXT ( \"v=spf1 ; (\" ; comment )\n \"-all\" ) b\r\nnext\n";
        assert_eq!(entries(text), [Ok(vec!["a", "TXT", "\"v=spf1 ; (\"", "\"-all\"", "b"]), Ok(vec!["next"])]);
    }

    #[test]
    fn empty_lines_and_comments_are_no_entries() {
        assert_eq!(entries("\n  ; only\n\t\n\r\n()\n; end"), [] as [Result<Vec<&str>, _>; 0]);
    }

    #[test]
    fn escapes_keep_a_word_together() {
        assert_eq!(entries(r"a\ b\;c\(d x"), [Ok(vec![r"a\ b\;c\(d", "x"])]);
    }

    #[test]
    fn reading_goes_on_after_an_error() {
        let found = entries("a \"open\nb )\nc ((\nd \\25\ne \\\nf (\n");
        let messages: Vec<_> = found.iter().map(|entry| entry.as_ref().unwrap_err()).collect();
        assert_eq!(messages.len(), 6, "{messages:?}");
        assert_eq!(*messages[5], "this `(` is never closed");
    }
}
