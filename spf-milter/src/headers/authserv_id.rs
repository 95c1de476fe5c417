//! Whose Authentication-Results a field says it is (RFC 8601 section 2.2).

/// Whether the value of an Authentication-Results field begins with this authserv-id; case and a final dot do not
/// matter. Comments, folds and quotes in front of it or in it hide nothing.
pub(crate) fn claims_authserv_id(value: &[u8], id: &str) -> bool {
    let plain = |id: &[u8]| id.strip_suffix(b".").unwrap_or(id).to_ascii_lowercase();
    authserv_id(value).is_some_and(|claimed| plain(&claimed) == plain(id.as_bytes()))
}

fn authserv_id(value: &[u8]) -> Option<Vec<u8>> {
    let rest = skip_comments(value);
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        return Some(unquoted(quoted));
    }
    let is_end =
        |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_control() || b"()<>@,;:\\\"/[]?=".contains(byte);
    let end = rest.iter().position(is_end).unwrap_or(rest.len());
    (end > 0).then(|| rest[..end].to_vec())
}

/// The text up to the closing quote, or to the end where there is none.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => out.extend(bytes.next()),
            // Folds inside of a quoted string are not part of it.
            b'\r' | b'\n' => {}
            _ => out.push(byte),
        }
    }
    out
}

/// Skips white space and comments, which nest and may hold quoted pairs.
fn skip_comments(mut text: &[u8]) -> &[u8] {
    let mut depth = 0_usize;
    while let Some((&byte, rest)) = text.split_first() {
        text = match byte {
            b'(' => {
                depth += 1;
                rest
            }
            b')' if depth > 0 => {
                depth -= 1;
                rest
            }
            b'\\' if depth > 0 => rest.get(1..).unwrap_or_default(),
            _ if depth > 0 || byte.is_ascii_whitespace() || byte.is_ascii_control() => rest,
            _ => break,
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_id_is_known_in_any_dress() {
        for value in [
            "mx.example.com; spf=pass",
            " \n\tMX.Example.COM ; spf=pass",
            "mx.example.com 1; spf=pass",
            "mx.example.com",
            "mx.example.com.; none",
            "\"mx.example.com\"; none",
            "\"mx.ex\\ample.com\"; none",
            "(a (nested \\) ) comment) mx.example.com(;) ; none",
            "mx.example.com/1; none",
            "mx.example.com, spf=pass",
            "\u{b}mx.example.com; none",
        ] {
            assert!(claims_authserv_id(value.as_bytes(), "mx.example.com"), "{value}");
        }
    }

    #[test]
    fn others_keep_theirs() {
        for value in [
            "",
            ";",
            "mx.example.com.evil; spf=pass",
            "amx.example.com;",
            "(mx.example.com) other; none",
            "(mx.example.com",
            "\"\"",
        ] {
            assert!(!claims_authserv_id(value.as_bytes(), "mx.example.com"), "{value}");
        }
    }
}
