//! Text from the network, made fit for header fields, replies and log lines.

/// Which characters a place can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// Printable ASCII.
    Ascii,
    /// All that is printable, for messages sent with SMTPUTF8 (RFC 6531).
    Utf8,
}

/// Copies the printable characters; each other one becomes `?`, so nothing can end a line or move a cursor.
pub(crate) fn printable(bytes: impl AsRef<[u8]>, charset: Charset) -> String {
    let text = String::from_utf8_lossy(bytes.as_ref());
    text.chars().map(|c| if is_printable(c, charset) { c } else { '?' }).collect()
}

fn is_printable(c: char, charset: Charset) -> bool {
    match c {
        ' '..='~' => true,
        _ if charset == Charset::Ascii || c.is_control() || c.is_whitespace() => false,
        _ => !UNSEEN.iter().any(|range| range.contains(&c)),
    }
}

/// Cuts a text to `bytes_max`, and shows that it was cut.
pub(crate) fn shortened(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes_max.saturating_sub(CUT_MARK.len()));
    format!("{}{CUT_MARK}", &text[..end])
}

/// Breaks a text into lines of at most `bytes_max`, at spaces where there are any.
pub(crate) fn wrapped(text: &str, bytes_max: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while rest.len() > bytes_max {
        let end = rest.floor_char_boundary(bytes_max);
        let (line, after) = match rest[..end].rfind(' ') {
            Some(space) if space > 0 => (&rest[..space], &rest[space + 1..]),
            _ => rest.split_at(end),
        };
        lines.push(line);
        rest = after;
    }
    lines.push(rest);
    lines
}

/// Quotes what would end a comment or open another one (RFC 5322 section 3.2.2).
pub(super) fn comment(text: &str) -> String {
    escaped(text, &['(', ')', '\\'])
}

/// A value of the key-value list: as it is where it is a dot-atom, else a quoted string (RFC 5322 section 3.2.3, 3.2.4).
pub(super) fn value(text: &str) -> String {
    if is_dot_atom(text) { text.to_owned() } else { quoted(text) }
}

/// A quoted string (RFC 5322 section 3.2.4).
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text, &['"', '\\']))
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

pub(super) fn is_dot_atom(text: &str) -> bool {
    let atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(atext))
}

/// Characters that are not seen themselves, or change what is seen around them: marks that turn the direction of text,
/// joiners, fillers, variation selectors, tags, characters for private use and those that are none; and the one that
/// stands for bytes that were no UTF-8. Blanks other than the one of ASCII are not in the list: `is_whitespace` knows
/// them.
const UNSEEN: [std::ops::RangeInclusive<char>; 25] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{e000}'..='\u{f8ff}',
    '\u{fdd0}'..='\u{fdef}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{ffff}',
    '\u{13430}'..='\u{1345f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d159}'..='\u{1d159}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{1fffe}'..='\u{1ffff}',
    '\u{2fffe}'..='\u{2ffff}',
    '\u{3fffe}'..='\u{dffff}',
    '\u{e0000}'..='\u{10ffff}',
];

/// Stands at the end of a text that was cut.
const CUT_MARK: &str = "...";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_but_printable_ascii_gets_through() {
        let all: Vec<u8> = (0..=255).collect();
        let text = printable(&all, Charset::Ascii);
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
        assert!(text.contains(" !\"#$%&'()*+,-./0123456789:;<=>?@ABC"), "{text}");
    }

    #[test]
    fn only_smtputf8_lets_other_scripts_through_and_never_their_controls() {
        let text = "gr\u{fc}\u{df}e\u{85}\u{2028}\u{202e}\u{200b}";
        assert_eq!(printable(text, Charset::Utf8), "gr\u{fc}\u{df}e????");
        assert_eq!(printable(text, Charset::Ascii), "gr??e????");
        assert_eq!(printable(b"\xff\xfe", Charset::Utf8), "??");
    }

    #[test]
    fn nothing_unseen_gets_through() {
        let unseen = "\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{3000}\u{a0}\u{2009}\u{3164}\u{fe0f}\u{fff9}\u{fffb}\u{e0001}\u{e007f}\u{e0100}\u{f0000}";
        assert_eq!(printable(unseen, Charset::Utf8), "?".repeat(unseen.chars().count()));
        let seen = "\u{e9}\u{416}\u{5d0}\u{627}\u{4e2d}\u{ac00}\u{1f600}";
        assert_eq!(printable(seen, Charset::Utf8), seen);
    }

    #[test]
    fn a_comment_cannot_be_closed_from_within() {
        assert_eq!(comment(r"a)b(c\d"), r"a\)b\(c\\d");
    }

    #[test]
    fn values_are_quoted_only_where_they_must_be() {
        for plain in ["192.0.2.1", "mx.example.com", "default", "a/24"] {
            assert_eq!(value(plain), plain);
        }
        assert_eq!(value("2001:db8::1"), "\"2001:db8::1\"");
        assert_eq!(value("fool@foolsubs.com"), "\"fool@foolsubs.com\"");
        assert_eq!(value("a..b"), "\"a..b\"");
        assert_eq!(value(""), "\"\"");
        assert_eq!(value(r#"x"; result=pass\"#), r#""x\"; result=pass\\""#);
    }

    #[test]
    fn long_text_is_broken_at_spaces_and_none_of_it_is_lost() {
        assert_eq!(wrapped("one two three", 13), ["one two three"]);
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("onetwothree", 4), ["onet", "woth", "ree"]);
        assert_eq!(wrapped("\u{fc}\u{fc}\u{fc}", 3), ["\u{fc}", "\u{fc}", "\u{fc}"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(wrapped(" abcde", 4), [" abc", "de"]);
    }

    #[test]
    fn a_cut_text_says_so_and_is_whole_characters() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abc...");
        assert_eq!(shortened("\u{fc}\u{fc}\u{fc}\u{fc}", 6), "\u{fc}...");
    }
}
