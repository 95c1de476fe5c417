//! TOML as a tree in which every key and value knows its place, and which variants and cases can rewrite.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::problems::Problems;
use crate::diag::{Diag, Source, Span};

/// A value of a file.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What it says.
    pub(crate) value: Value,
    /// Where it says so, quotes included.
    pub(crate) span: Span,
}

/// What a [`Node`] says.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Text, and whether case values were filled in.
    Text(Text),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// A float or a date, as TOML prints it: only the milter's configuration can hold one.
    Other(toml::Value),
    /// A list.
    Array(Vec<Node>),
    /// A table, in file order.
    Table(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// The place of the key.
    pub(crate) key_span: Span,
    /// Its value.
    pub(crate) node: Node,
}

/// A string of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// What it says.
    pub(crate) value: String,
    /// Whether it stood in the file character for character, so that places inside it are exact.
    pub(crate) verbatim: bool,
    /// Whether a case's values were filled in since.
    pub(crate) filled: bool,
}

/// A line of a string, with its place.
#[derive(Clone, Debug)]
pub(crate) struct TextLine {
    /// The line, without its end.
    pub(crate) text: String,
    /// Its place; the whole line of the file if the two differ.
    pub(crate) span: Span,
}

impl Node {
    /// Reads a file's text; all syntax errors come back together.
    pub(crate) fn parse(source: &Arc<Source>) -> Result<Self, Vec<Diag>> {
        let (table, errors) = DeTable::parse_recoverable(source.text());
        if !errors.is_empty() {
            let mut problems = Problems::default();
            errors.iter().for_each(|error| problems.add(syntax_error(source, error)));
            return Err(problems.into_vec());
        }
        let span = Span::new(source, table.span());
        let value = Value::Table(entries(source, table.get_ref()));
        Ok(Self { value, span })
    }

    /// The entries of a table; none for another value.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// A key of a table.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// Takes a key out of a table.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Self> {
        let Value::Table(entries) = &mut self.value else { return None };
        let at = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(at).node)
    }

    /// The word for its type in messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "a string",
            Value::Integer(_) => "a number",
            Value::Boolean(_) => "a boolean",
            Value::Other(toml::Value::Float(_)) => "a float",
            Value::Other(_) => "a date",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// The lines of a string with their places. A first line end right behind the quotes is not part of it (as in TOML).
    pub(crate) fn lines(&self) -> Vec<TextLine> {
        let Value::Text(text) = &self.value else { return Vec::new() };
        let inner = self.content_span();
        let mut at = 0;
        let raw: Vec<Span> = inner
            .text()
            .split('\n')
            .map(|line| {
                let span = inner.part(at..at + line.strip_suffix('\r').unwrap_or(line).len());
                at += line.len() + 1;
                span
            })
            .collect();
        let place = |index: usize| raw.get(index).cloned().unwrap_or_else(|| inner.clone());
        text.value.split('\n').enumerate().map(|(index, text)| line(text, place(index))).collect()
    }

    /// The place of a string's content, without its quotes.
    pub(crate) fn content_span(&self) -> Span {
        let raw = self.span.text();
        let quotes = if raw.starts_with("'''") || raw.starts_with("\"\"\"") { 3 } else { 1 };
        let first = match raw.get(quotes..) {
            Some(rest) if quotes == 3 && rest.starts_with("\r\n") => quotes + 2,
            Some(rest) if quotes == 3 && rest.starts_with('\n') => quotes + 1,
            _ => quotes,
        };
        self.span.part(first..raw.len().saturating_sub(quotes).max(first))
    }
}

fn line(text: &str, span: Span) -> TextLine {
    TextLine { text: text.strip_suffix('\r').unwrap_or(text).to_owned(), span }
}

fn entries(source: &Arc<Source>, table: &DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: Span::new(source, key.span()),
            node: node(source, value),
        })
        .collect();
    // The parser's map may sort by key; messages follow the file.
    entries.sort_by_key(|entry| entry.key_span.range().start);
    entries
}

fn node(source: &Arc<Source>, value: &toml::Spanned<DeValue<'_>>) -> Node {
    let span = Span::new(source, value.span());
    let kind = match value.get_ref() {
        DeValue::String(text) => Value::Text(Text { value: text.to_string(), verbatim: false, filled: false }),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Other(toml::Value::String(number.to_string())), Value::Integer),
        DeValue::Float(number) => Value::Other(toml::Value::Float(number.as_str().parse().unwrap_or(f64::NAN))),
        DeValue::Boolean(yes) => Value::Boolean(*yes),
        DeValue::Datetime(date) => Value::Other(toml::Value::Datetime(*date)),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| node(source, item)).collect()),
        DeValue::Table(table) => Value::Table(entries(source, table)),
    };
    let mut node = Node { value: kind, span };
    mark_verbatim(&mut node);
    node
}

/// Notes whether a string has no escapes: only then are places inside it exact.
fn mark_verbatim(node: &mut Node) {
    let raw = node.content_span().text().replace("\r\n", "\n");
    if let Value::Text(text) = &mut node.value {
        text.verbatim = raw == text.value.replace("\r\n", "\n");
    }
}

fn syntax_error(source: &Arc<Source>, error: &toml::de::Error) -> Diag {
    let diag = Diag::error(first_line(error.message()));
    match error.span() {
        Some(range) => diag.label(&Span::new(source, range), ""),
        None => diag.label(&Span::new(source, 0..0), ""),
    }
}

fn first_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Node {
        Node::parse(&Source::new("a.toml", text)).expect("the text is TOML")
    }

    #[test]
    fn the_lines_of_a_literal_block_have_exact_places() {
        let root = parsed("x = '''\n  eins\nzwö\n'''\n");
        let lines = root.get("x").expect("x is there").lines();
        let places: Vec<_> =
            lines.iter().map(|line| (line.text.as_str(), line.span.line(), line.span.text())).collect();
        assert_eq!(places, [("  eins", 2, "  eins"), ("zwö", 3, "zwö"), ("", 4, "")]);
    }

    #[test]
    fn crlf_files_have_exact_places_too() {
        let root = parsed("x = '''\r\neins\r\nzwei'''\r\n");
        let x = root.get("x").expect("x is there");
        let lines = x.lines();
        assert_eq!(lines[1].span.text(), "zwei");
        assert_eq!(lines[0].text, "eins");
        assert!(matches!(&x.value, Value::Text(text) if text.verbatim));
    }

    #[test]
    fn a_string_with_escapes_is_not_verbatim() {
        let root = parsed("x = \"a\\tb\"\ny = \"ab\"\n");
        let verbatim = |key| match &root.get(key).expect("it is there").value {
            Value::Text(text) => text.verbatim,
            _ => panic!("a string"),
        };
        assert_eq!((verbatim("x"), verbatim("y")), (false, true));
    }

    #[test]
    fn all_syntax_errors_come_together() {
        let errors = Node::parse(&Source::new("a.toml", "x = \ny = 'a\nz = 1\n")).expect_err("two broken lines");
        assert_eq!(errors.len(), 2, "{errors:?}");
    }
}
