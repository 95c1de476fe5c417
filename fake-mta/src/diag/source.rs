//! Source texts and the places in them.

use std::{fmt, ops::Range, path::PathBuf, sync::Arc};

/// A text file as it was read, which every [`Span`] of it shares.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Keeps `text` under the path that messages name.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Arc::new(Self { path: path.into(), text, line_starts })
    }

    /// The path as it was given to [`Source::new`].
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The whole text, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line and column, both from 1, of a byte offset; the column counts characters.
    ///
    /// An offset past the end, or inside a character, is moved back to the nearest place that exists.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line - 1];
        (line, self.text[start..offset].chars().count() + 1)
    }

    /// The byte range of a line (from 1), without its line end; empty for a line that is not there.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let Some(start) = line.checked_sub(1).and_then(|index| self.line_starts.get(index)).copied() else {
            return self.text.len()..self.text.len();
        };
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| next - 1);
        let line = &self.text[start..end];
        start..start + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// How many lines the text has; a final line end opens no further line.
    pub fn line_count(&self) -> usize {
        self.line_starts.len() - usize::from(self.text.is_empty() || self.text.ends_with('\n'))
    }
}

/// A byte range of a [`Source`], which knows its file, line and column.
#[derive(Clone)]
pub struct Span {
    source: Arc<Source>,
    start: usize,
    end: usize,
}

impl Span {
    /// The bytes `range` of `source`; a range past the end is cut, one inside a character is widened.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let text = source.text();
        let start = text.floor_char_boundary(range.start);
        let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
        Self { source: Arc::clone(source), start, end }
    }

    /// The file it lies in.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The byte range in [`Source::text`].
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The text it covers, as it stands in the file.
    pub fn text(&self) -> &str {
        &self.source.text()[self.start..self.end]
    }

    /// The line of its first byte, from 1.
    pub fn line(&self) -> usize {
        self.source.line_column(self.start).0
    }

    /// The column of its first byte, from 1, in characters.
    pub fn column(&self) -> usize {
        self.source.line_column(self.start).1
    }

    /// A part of it: `range` counts bytes from its own start, and is cut at its end.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let end = self.end.min(self.start.saturating_add(range.end));
        Self::new(&self.source, self.start.saturating_add(range.start).min(end)..end)
    }
}

impl fmt::Display for Span {
    /// `file:line:column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.path.display(), self.line(), self.column())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for Span {
    /// The same bytes of the same file.
    fn eq(&self, other: &Self) -> bool {
        self.range() == other.range() && self.source.path == other.source.path
    }
}

impl Eq for Span {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_knows_its_line_and_column_in_characters() {
        let source = Source::new("a.toml", "eins\nzwö drei\r\nvier");
        let at = source.text().find("drei").expect("the text holds it");
        let span = Span::new(&source, at..at + 4);
        assert_eq!((span.line(), span.column(), span.text()), (2, 5, "drei"));
        assert_eq!(span.to_string(), "a.toml:2:5");
    }

    #[test]
    fn a_line_range_leaves_out_the_line_end() {
        let source = Source::new("a.toml", "eins\nzwei\r\ndrei");
        assert_eq!(&source.text()[source.line_range(2)], "zwei");
        assert_eq!(&source.text()[source.line_range(3)], "drei");
        assert_eq!(source.line_range(9), 15..15);
        assert_eq!(source.line_count(), 3);
    }

    #[test]
    fn a_range_past_the_end_is_cut() {
        let source = Source::new("a.toml", "ö");
        assert_eq!(Span::new(&source, 1..99).range(), 0..2);
        assert_eq!(Span::new(&source, 50..99).range(), 2..2);
    }
}
