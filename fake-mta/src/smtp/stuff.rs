//! What an SMTP client does to a message before it sends it.

/// The message as it goes over the wire: dots at line starts doubled, and the final dot (RFC 5321 section 4.5.2).
pub(crate) fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 8);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_and_the_last_line_is_ended() {
        assert_eq!(stuffed(b".a\r\nb."), b"..a\r\nb.\r\n.\r\n");
        assert_eq!(stuffed(b""), b".\r\n");
    }
}
