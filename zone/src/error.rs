//! What is wrong in zone text, and where.

use std::fmt;

use crate::Span;

/// One thing that is wrong in zone text.
///
/// Message and help hold no control bytes, whatever the text held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}{}", help_suffix(self.help.as_deref()))]
pub struct ZoneError {
    /// The bytes at fault; empty at the place where something is missing.
    pub span: Span,
    /// Line of the span's start, counted from 1.
    pub line: usize,
    /// Column of the span's start, in characters counted from 1.
    pub column: usize,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

fn help_suffix(help: Option<&str>) -> String {
    help.map(|help| format!(" ({help})")).unwrap_or_default()
}

/// All that is wrong in a zone text, in its order, up to a limit; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneErrors {
    errors: Vec<ZoneError>,
    more: bool,
}

impl ZoneErrors {
    /// `None` for no errors.
    pub(crate) fn new(errors: Vec<ZoneError>, more: bool) -> Option<Self> {
        (!errors.is_empty()).then_some(Self { errors, more })
    }

    /// The errors; at least one.
    #[must_use]
    pub fn errors(&self) -> &[ZoneError] {
        &self.errors
    }

    /// Whether reading stopped at the limit, so that there may be more.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.more
    }
}

/// One error a line.
impl fmt::Display for ZoneErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        if self.more {
            f.write_str("\nreading stopped here: too many errors")?;
        }
        Ok(())
    }
}

impl std::error::Error for ZoneErrors {}

/// Line and column of a byte offset, both counted from 1, the column in characters (a byte that is no UTF-8 counts as one).
///
/// An offset past the end means the end.
#[must_use]
pub fn line_column(text: &[u8], offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

/// Text from a zone for a message: in backquotes, escaped, and cut if it is long.
pub(crate) fn shown(text: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(text);
    let mut chars = lossy.chars();
    let head: String = chars.by_ref().take(SHOWN_CHARS).collect();
    let dots = if chars.next().is_some() { "…" } else { "" };
    // Quotes are harmless here, and escaping them would show what was not written.
    let escaped = head.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\");
    format!("`{escaped}{dots}`")
}

/// So many characters of a text are shown.
const SHOWN_CHARS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a\nüü x\n".as_bytes();
        assert_eq!(line_column(text, 0), (1, 1));
        assert_eq!(line_column(text, 7), (2, 4));
        assert_eq!(line_column(text, 1000), (3, 1));
        assert_eq!(line_column(b"\xff\xfex", 2), (1, 3));
    }

    #[test]
    fn shown_text_has_no_control_bytes_and_is_cut() {
        assert_eq!(shown(b"a\x1b[31m\r\"\\"), "`a\\u{1b}[31m\\r\"\\`");
        assert_eq!(shown("x".repeat(100).as_bytes()), format!("`{}…`", "x".repeat(60)));
    }
}
