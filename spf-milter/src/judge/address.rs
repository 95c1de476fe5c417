//! The sender without what surrounds it.

/// The part behind the last `@`.
pub(super) fn domain_of(address: &[u8]) -> &[u8] {
    address.rsplit(|&byte| byte == b'@').next().unwrap_or(address)
}

/// Takes an address out of its angle brackets, and a source route off it (RFC 5321 section 4.1.1.3 and appendix C).
pub(crate) fn bare_address(path: &[u8]) -> &[u8] {
    let path = path.trim_ascii();
    let inner = path.strip_prefix(b"<").map_or(path, |inner| inner.strip_suffix(b">").unwrap_or(inner));
    match inner.iter().position(|&byte| byte == b':') {
        Some(colon) if inner.starts_with(b"@") => &inner[colon + 1..],
        _ => inner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_source_routes_come_off() {
        let table: [(&[u8], &[u8]); 7] = [
            (b"<a@b.example>", b"a@b.example"),
            (b"a@b.example", b"a@b.example"),
            (b"<>", b""),
            (b"", b""),
            (b"<@r.example,@s.example:a@b.example>", b"a@b.example"),
            (b"<\"a:b\"@b.example>", b"\"a:b\"@b.example"),
            (b"<a@b.example", b"a@b.example"),
        ];
        for (path, address) in table {
            assert_eq!(bare_address(path), address, "{}", path.escape_ascii());
        }
    }
}
