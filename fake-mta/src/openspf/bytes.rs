//! Bytes that YAML text stands for.

use zone::{Name, NameError};

/// The bytes of a text: YAML can only write a byte above 127 as the character of that number.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    latin.unwrap_or_else(|| text.as_bytes().to_vec())
}

/// A domain name, split at its dots; no text is the root.
pub(super) fn name(text: &str) -> Result<Name, NameError> {
    if text.is_empty() { Ok(Name::root()) } else { Name::from_dotted(bytes(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_a_byte_if_it_can_be() {
        assert_eq!(bytes("a\u{96}\u{ef}"), b"a\x96\xef");
        assert_eq!(bytes("\u{fc}\u{20ac}"), "\u{fc}\u{20ac}".as_bytes());
    }

    #[test]
    fn names_have_no_escapes() {
        let odd = name("macro%percent  space.a\\b.example").expect("three labels");
        assert_eq!(odd.labels().collect::<Vec<_>>(), [&b"macro%percent  space"[..], b"a\\b", b"example"]);
        assert_eq!(name(""), Ok(Name::root()));
        assert!(name("a..b").is_err());
    }
}
