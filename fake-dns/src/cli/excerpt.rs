//! A message with the line it is about and a mark under the place.

use std::fmt;
use std::ops::RangeInclusive;

use zone::{Span, line_column};

/// A message about a place in a file. Printed, it holds no control byte of the file.
pub(crate) struct Excerpt<'a> {
    pub(crate) severity: Severity,
    /// The file's name, safe to show.
    pub(crate) name: &'a str,
    pub(crate) text: &'a [u8],
    pub(crate) span: Span,
    pub(crate) message: &'a str,
    pub(crate) help: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Error,
    Warning,
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = line_column(self.text, self.span.start);
        let (number, blank) = (line.to_string(), " ".repeat(line.to_string().len()));
        let label = match self.severity {
            Severity::Error => "\x1b[1;31merror\x1b[0m",
            Severity::Warning => "\x1b[1;33mwarning\x1b[0m",
        };
        let (shown, offset, width) = self.window(column);
        writeln!(f, "{label}: {}", self.message)?;
        writeln!(f, "{blank}--> {}:{line}:{column}", self.name)?;
        writeln!(f, "{blank} |")?;
        writeln!(f, "{number} | {shown}")?;
        write!(f, "{blank} | {}{}", " ".repeat(offset), "^".repeat(width))?;
        match self.help {
            Some(help) => write!(f, "\n{blank} = help: {help}"),
            None => Ok(()),
        }
    }
}

impl Excerpt<'_> {
    /// The part of the line around the column that is shown, the offset of the place in it, and the width of the place.
    fn window(&self, column: usize) -> (String, usize, usize) {
        let start = self.span.start.min(self.text.len());
        let line_start = self.text[..start].iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let marked_end = self.span.end.clamp(start, line_start + line.len().max(start - line_start));
        let marked = String::from_utf8_lossy(&self.text[start..marked_end]).chars().count();

        let skipped = (column - 1).saturating_sub(SHOWN_BEFORE);
        // One more than is shown tells whether there is more: the line may be as long as the file.
        let chars: Vec<char> =
            String::from_utf8_lossy(line).chars().skip(skipped).take(SHOWN_CHARS + 1).map(harmless).collect();
        let more = if chars.len() > SHOWN_CHARS { "…" } else { "" };
        let dots = if skipped > 0 { "…" } else { "" };
        let shown: String = chars.iter().take(SHOWN_CHARS).collect();
        let offset = column - 1 - skipped + dots.chars().count();
        (format!("{dots}{shown}{more}"), offset, marked.clamp(1, SHOWN_CHARS.saturating_sub(offset).max(1)))
    }
}

/// What is shown of a character of a file: something one column wide that a reader sees and no terminal obeys.
pub fn harmless(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() || UNSEEN.iter().any(|unseen| unseen.contains(&c)) => '\u{fffd}',
        c => c,
    }
}

/// Characters that are not seen, or that change the order in which others are. milter-proto has the same list; a test of the
/// whole holds them equal.
const UNSEEN: [RangeInclusive<char>; 9] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    // Line and paragraph separator, embeddings and overrides.
    '\u{2028}'..='\u{202e}',
    // Joiners, isolates, and what was to be used for nothing else.
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    // Tags.
    '\u{e0000}'..='\u{e007f}',
];

const SHOWN_CHARS: usize = 120;
/// Of a long line so many characters before the place are shown.
const SHOWN_BEFORE: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &[u8], span: (usize, usize)) -> String {
        let span = Span::new(span.0, span.1);
        let excerpt =
            Excerpt { severity: Severity::Error, name: "a.zone", text, span, message: "wrong", help: Some("mend it") };
        excerpt.to_string().replace("\x1b[1;31m", "").replace("\x1b[0m", "")
    }

    #[test]
    fn the_place_is_marked() {
        insta::assert_snapshot!(excerpt(b"one\ntwo\tand \xc3\xbc wrong here\r\nthree", (15, 20)), @r"
        error: wrong
         --> a.zone:2:11
          |
        2 | two and ü wrong here
          |           ^^^^^
          = help: mend it
        ");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}WRONG{}", "a".repeat(300), "b".repeat(300));
        let shown = excerpt(text.as_bytes(), (300, 305));
        let lines: Vec<_> = shown.lines().collect();
        assert!(lines[3].chars().count() < 140, "{shown}");
        let marked: String =
            lines[3].chars().zip(lines[4].chars()).filter(|(_, mark)| *mark == '^').map(|(c, _)| c).collect();
        assert_eq!(marked, "WRONG");
    }

    #[test]
    fn hostile_lines_are_harmless() {
        let shown = excerpt(b"a\x1b[2J\x00\xff\xe2\x80\xae", (1, 9));
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    }

    #[test]
    fn what_is_not_seen_is_shown_as_something() {
        let unseen = "\u{ad}\u{61c}\u{180e}\u{200b}\u{200f}\u{2028}\u{2029}\u{202e}\u{2060}\u{2069}\u{feff}\u{e0041}";
        let shown = excerpt(unseen.as_bytes(), (0, 1));
        assert!(shown.contains(&"\u{fffd}".repeat(unseen.chars().count())), "{shown:?}");
        assert!(excerpt("ä—€".as_bytes(), (0, 1)).contains("ä—€"));
    }

    #[test]
    fn any_place_is_shown() {
        for text in [&b""[..], b"\n", b"\r\n", b"ab", b"\xff\n\xfe"] {
            for start in 0..=text.len() {
                for end in start..=text.len() + 3 {
                    assert!(excerpt(text, (start, end)).contains('^'));
                }
            }
        }
    }
}
