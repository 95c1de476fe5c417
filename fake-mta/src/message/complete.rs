//! Addresses in header fields that have no domain, and get that of the host.

use super::content::Header;

/// Completes the addresses of a field that holds addresses; any other stays as it is.
pub(crate) fn complete_addresses(header: &mut Header, origin: &str) {
    if ADDRESS_FIELDS.iter().any(|name| header.is_named(name.as_bytes())) {
        header.value = completed(&header.value, origin);
    }
}

/// `a, b@c` becomes `a@origin, b@c`. What is more than a list of plain addresses is left alone: phrases, comments, groups.
fn completed(value: &[u8], origin: &str) -> Vec<u8> {
    let parts = value.split(|&byte| byte == b',').map(|part| {
        let end = part.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_+=".contains(byte);
        let word = part[..end].trim_ascii_start();
        if word.is_empty() || !word.iter().all(is_plain) {
            return part.to_vec();
        }
        [&part[..end], b"@", origin.as_bytes(), &part[end..]].concat()
    });
    parts.collect::<Vec<_>>().join(&b',')
}

/// The fields that both MTAs look into.
const ADDRESS_FIELDS: [&str; 10] =
    ["From", "Sender", "To", "Cc", "Bcc", "Reply-To", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_a_domain_get_one() {
        let text = |value: &str| String::from_utf8(completed(value.as_bytes(), "mx.example")).unwrap();
        assert_eq!(text(" alice, bob@other.example,carol "), " alice@mx.example, bob@other.example,carol@mx.example ");
        for untouched in ["", " ", " Joe <joe>", " group: a@b.example;", " (c) alice", " \"x, y\" <z@a.example>"] {
            assert_eq!(text(untouched), untouched);
        }
    }
}
