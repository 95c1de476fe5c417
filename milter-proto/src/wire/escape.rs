//! Bytes from a peer, made safe to show on one line.

use std::{fmt, ops::RangeInclusive};

/// Shows text as it is, control characters and what hides or reorders text escaped, bytes that are not UTF-8 as
/// `\xNN`.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            chunk.valid().chars().try_for_each(|c| write_char(f, c))?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

fn write_char(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\t' => f.write_str("\\t"),
        '\r' => f.write_str("\\r"),
        '\n' => f.write_str("\\n"),
        c if is_unsafe(c) && c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c)),
        c if is_unsafe(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
        c => fmt::Write::write_char(f, c),
    }
}

/// Whether a terminal would act on a character, or a reader would not see it or see others in another order: what has to be
/// escaped in text from a peer.
pub fn is_unsafe(c: char) -> bool {
    c.is_control() || UNSEEN.iter().any(|unseen| unseen.contains(&c))
}

/// Characters that are not seen, or that change the order in which others are. fake-dns has the same list; a test of the
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_broken_utf8_come_out_readable() {
        let shown = Escaped(b"a\x1b[31m\r\n\t\x00\xff\xc3\xbc\xe2\x80\xae").to_string();
        assert_eq!(shown, "a\\x1b[31m\\r\\n\\t\\x00\\xff\u{fc}\\u{202e}");
    }

    #[test]
    fn what_is_not_seen_is_shown_as_something() {
        for c in "\u{ad}\u{61c}\u{180e}\u{200b}\u{2028}\u{206a}\u{feff}\u{fffa}\u{e0041}".chars() {
            assert!(is_unsafe(c), "{}", c.escape_unicode());
        }
    }

    #[test]
    fn plain_text_stays() {
        assert_eq!(Escaped("Grüße \\ %".as_bytes()).to_string(), "Grüße \\ %");
    }
}
