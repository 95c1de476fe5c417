//! A message taken apart into header fields and body.

use crate::smtp::split_at_byte;

/// One header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The field name as it came.
    pub(crate) name: Vec<u8>,
    /// Everything after the colon, with its leading white space; folded lines are joined by LF.
    pub(crate) value: Vec<u8>,
}

impl Header {
    /// A field with its value as it stands after the colon.
    pub(crate) fn new(name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Whether it has that name, case apart.
    pub(crate) fn is_named(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value as a filter sees it: one leading space is not part of it, unless SMFIP_HDR_LEADSPC was agreed.
    pub(crate) fn milter_value(&self, leading_space: bool) -> &[u8] {
        if leading_space { &self.value } else { self.value.strip_prefix(b" ").unwrap_or(&self.value) }
    }
}

/// A value that a filter gave: a line that does not begin with white space would start a field of its own, and gets `space` before it.
pub(super) fn folded(value: &[u8], space: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for (index, line) in value.split(|&byte| byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
            if !matches!(line.first(), Some(b' ' | b'\t')) {
                out.push(space);
            }
        }
        out.extend_from_slice(line);
    }
    out
}

/// Header fields and body; line ends are LF.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Content {
    /// The fields in their order.
    pub(crate) headers: Vec<Header>,
    /// What follows the blank line.
    pub(crate) body: Vec<u8>,
    /// There is a body, be it an empty one: the text does not end in its header block.
    pub(crate) has_body: bool,
}

impl Content {
    /// Takes a message apart. A first line that is no header field begins the body.
    pub(crate) fn parse(message: &[u8]) -> Self {
        let mut content = Self::default();
        let text = without_cr(message);
        let mut rest = &text[..];
        while !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if line.is_empty() {
                content.has_body = true;
                rest = after;
                break;
            }
            if !content.take_header_line(line) {
                content.has_body = true;
                break;
            }
            rest = after;
        }
        content.body = rest.to_vec();
        content
    }

    /// Adds a line to the header block; false if it is neither a field nor a continuation.
    fn take_header_line(&mut self, line: &[u8]) -> bool {
        if matches!(line[0], b' ' | b'\t') {
            let Some(last) = self.headers.last_mut() else { return false };
            last.value.push(b'\n');
            last.value.extend_from_slice(line);
            return true;
        }
        if !line.contains(&b':') {
            return false;
        }
        let (name, value) = split_at_byte(line, b':');
        let name = name.trim_ascii_end();
        let legal = !name.is_empty() && name.iter().all(|&byte| (33..127).contains(&byte));
        if legal {
            self.headers.push(Header::new(name, value));
        }
        legal
    }
}

/// A body as it goes to a filter: every line ends in CRLF.
pub(crate) fn with_crlf(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + body.len() / 32);
    for &byte in body {
        if byte == b'\n' {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

/// The text of a message: the fields, a blank line, and the body with its last line ended. Without a body, no blank line either.
pub(crate) fn message_text<'a>(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>, body: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.map_or(0, <[u8]>::len) + 1024);
    for (name, value) in headers {
        out.extend_from_slice(name);
        out.push(b':');
        out.extend_from_slice(value);
        out.push(b'\n');
    }
    let Some(body) = body else { return out };
    out.push(b'\n');
    out.extend_from_slice(body);
    if out.last() != Some(&b'\n') {
        out.push(b'\n');
    }
    out
}

/// The message as `smtpd(8)` hands it on: carriage returns at the end of a line go, others become spaces, and a mailbox's `From`
/// line at the start becomes a header field.
pub(crate) fn postfix_lines(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    if message.starts_with(b"From ") || message.starts_with(b">From ") {
        out.extend_from_slice(b"X-Mailbox-Line: ");
    }
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        let end = line.iter().rposition(|&byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
        out.extend(line[..end].iter().map(|&byte| if byte == b'\r' { b' ' } else { byte }));
        out.extend(line.strip_suffix(b"\n").map(|_| b'\n'));
    }
    out
}

/// The message as sendmail collects it: with LF line ends, and without a mailbox's `From` line at the start.
pub(crate) fn sendmail_lines(message: &[u8]) -> Vec<u8> {
    let text = without_cr(message);
    if !text.starts_with(b"From ") {
        return text;
    }
    let end = text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |at| at + 1);
    text[end..].to_vec()
}

/// CRLF becomes LF; a CR elsewhere stays.
pub(crate) fn without_cr(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (index, &byte) in text.iter().enumerate() {
        if byte != b'\r' || text.get(index + 1) != Some(&b'\n') {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_apart_and_its_values_are_what_filters_see() {
        let content = Content::parse(b"Subject: x\r\nX-Tab:\ty\r\nX-Two:  z\r\n folded\r\nX-No:v\r\n\r\nbody\r\n");
        let values: Vec<&[u8]> = content.headers.iter().map(|header| header.milter_value(false)).collect();
        assert_eq!(values, [&b"x"[..], b"\ty", b" z\n folded", b"v"]);
        assert_eq!(content.body, b"body\n");
        assert_eq!(with_crlf(&content.body), b"body\r\n");
        assert!(content.has_body && !Content::parse(b"Subject: x\r\n").has_body);
    }

    #[test]
    fn postfix_puts_up_with_mailbox_lines_and_bare_carriage_returns() {
        assert_eq!(postfix_lines(b"From a@b Mon\r\nX: a\rb\r\r\n\r\nc"), b"X-Mailbox-Line: From a@b Mon\nX: a b\n\nc");
        assert_eq!(postfix_lines(b">From a\r\n"), b"X-Mailbox-Line: >From a\n");
    }

    #[test]
    fn text_without_header_block_is_all_body() {
        let content = Content::parse(b"no header here\r\nsecond\r\n");
        assert!(content.headers.is_empty());
        assert_eq!(content.body, b"no header here\nsecond\n");
        assert_eq!(Content::parse(b"\r\nbody\r\n").body, b"body\n");
        assert_eq!(Content::parse(b""), Content::default());
    }
}
