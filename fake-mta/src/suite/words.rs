//! A command line, split into words as a shell does.

use crate::{diag::Diag, scenario::Located};

/// Splits at spaces; `'…'`, `"…"` and `\` keep them. Nothing else of a shell is understood.
///
/// # Errors
/// A quote that is not closed.
pub(super) fn split(line: &Located<String>) -> Result<Vec<Located<String>>, Diag> {
    // A word's place is only exact where the file holds the line without escapes.
    let exact = line.span.text() == line.value;
    let mut words = Vec::new();
    let mut word: Option<(usize, String)> = None;
    let mut quote: Option<(usize, char)> = None;
    let mut chars = line.value.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some((_, open)), c) if c == open => quote = None,
            (Some((_, '"')) | None, '\\') => {
                let next = chars.next().map_or('\\', |(_, next)| next);
                word.get_or_insert_with(|| (at, String::new())).1.push(next);
            }
            (None, '\'' | '"') => {
                quote = Some((at, c));
                word.get_or_insert_with(|| (at, String::new()));
            }
            (None, c) if c.is_whitespace() => words.extend(word.take().map(|word| (word, at))),
            (_, c) => word.get_or_insert_with(|| (at, String::new())).1.push(c),
        }
    }
    if let Some((at, open)) = quote {
        let span = if exact { line.span.part(at..at + 1) } else { line.span.clone() };
        return Err(Diag::error(format!("the quote {open} is not closed")).label(&span, ""));
    }
    words.extend(word.map(|word| (word, line.value.len())));
    let place = |start, end| if exact { line.span.part(start..end) } else { line.span.clone() };
    Ok(words.into_iter().map(|((start, text), end)| Located::new(text, place(start, end))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Source, Span};

    fn words(line: &str) -> Result<Vec<String>, Diag> {
        let source = Source::new("a.toml", line);
        let line = Located::new(line.to_owned(), Span::new(&source, 0..line.len()));
        split(&line).map(|words| words.into_iter().map(|word| word.value).collect())
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        for (line, wanted) in [
            ("a  b\tc ", vec!["a", "b", "c"]),
            ("sh -c 'a \"b\" $c' x", vec!["sh", "-c", "a \"b\" $c", "x"]),
            ("a\\ b \"c\\\"d\" ''", vec!["a b", "c\"d", ""]),
            ("--x='a b'", vec!["--x=a b"]),
            ("", vec![]),
        ] {
            assert_eq!(words(line).expect("it has balanced quotes"), wanted, "{line}");
        }
    }

    #[test]
    fn an_open_quote_is_refused() {
        assert!(words("a 'b").is_err());
        assert!(words("a \"b'").is_err());
    }
}
