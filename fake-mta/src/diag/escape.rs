//! Text from files and peers, made safe to print.

use std::{borrow::Cow, fmt::Write as _};

use milter_proto::is_unsafe;

/// Escapes control characters as `\xNN`, and what would reorder or hide text as `\u{N}`; everything else stays.
///
/// `\n` is escaped too: the caller splits lines before.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\t' => safe.push_str("\\t"),
            '\r' => safe.push_str("\\r"),
            '\n' => safe.push_str("\\n"),
            c if is_unsafe(c) && c.is_ascii() => {
                write!(safe, "\\x{:02x}", u32::from(c)).expect("a String takes everything");
            }
            c if is_unsafe(c) => write!(safe, "\\u{{{:x}}}", u32::from(c)).expect("a String takes everything"),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_come_out_readable() {
        assert_eq!(escape("a\x1b[31mb\x7f\r\n\t"), "a\\x1b[31mb\\x7f\\r\\n\\t");
        assert_eq!(escape("\u{85}\u{202e}x"), "\\u{85}\\u{202e}x");
    }

    #[test]
    fn plain_text_is_not_touched() {
        assert!(matches!(escape("Grüße [..] \\"), Cow::Borrowed(_)));
    }
}
