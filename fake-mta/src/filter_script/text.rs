//! Texts of a script: `\n`, `\x41` and the like stand for bytes.

/// Turns the escapes into what they stand for.
///
/// # Errors
/// An escape that is not known, as a lowercase fragment.
pub(super) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (byte, length) = escaped(after).ok_or_else(|| {
            let shown: String = after.chars().take(1).collect();
            format!("`\\{shown}` stands for nothing: there are \\n \\r \\t \\0 \\; \\\\ and \\xHH")
        })?;
        bytes.push(byte);
        rest = &after[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// The byte, and how many bytes of the text after the backslash say it.
fn escaped(after: &str) -> Option<(u8, usize)> {
    Some(match after.as_bytes().first()? {
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'0' => (0, 1),
        b';' => (b';', 1),
        b'\\' => (b'\\', 1),
        b'x' => (u8::from_str_radix(after.get(1..3)?, 16).ok()?, 3),
        _ => return None,
    })
}

/// Reads `0d0a`, with or without spaces, into bytes.
///
/// # Errors
/// What is wrong, as a lowercase fragment.
pub(super) fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.is_empty() || digits.len() % 2 == 1 {
        return Err("hex digits come in pairs".to_owned());
    }
    let byte = |pair: &[char]| {
        let (high, low) = (pair[0].to_digit(16)?, pair[1].to_digit(16)?);
        u8::try_from(high << 4 | low).ok()
    };
    digits.chunks_exact(2).map(byte).collect::<Option<Vec<u8>>>().ok_or_else(|| "these are no hex digits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_bytes() {
        assert_eq!(unescape(r"a\r\n\tb\\\; \x00\xffz").unwrap(), b"a\r\n\tb\\; \x00\xffz");
        assert_eq!(unescape("plain ä").unwrap(), "plain ä".as_bytes());
        for wrong in [r"\q", r"\", r"\x", r"\x1", r"\xzz", r"\xä"] {
            assert!(unescape(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hex_digits_come_in_pairs() {
        assert_eq!(hex("00 0d0A").unwrap(), [0, 13, 10]);
        for wrong in ["", "0", "0x", "00 0"] {
            assert!(hex(wrong).is_err(), "{wrong}");
        }
    }
}
