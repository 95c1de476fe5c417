//! SMTP command lines, RFC 5321 section 4.1.

use super::quoting::{Part, Quoting};

/// A command line taken apart: the verb, and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommandLine<'a> {
    /// The whole line without its line end and without leading white space.
    pub(crate) line: &'a [u8],
    /// The verb as typed.
    pub(crate) verb: &'a [u8],
    /// What follows the verb, without the white space around it.
    pub(crate) argument: &'a [u8],
}

impl<'a> CommandLine<'a> {
    /// Takes a line apart; a line without a word has an empty verb.
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let line = line.trim_ascii_start();
        let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
        let (verb, rest) = line.split_at(end);
        Self { line, verb, argument: rest.trim_ascii() }
    }

    /// The verb in upper case.
    pub(crate) fn verb_upper(&self) -> String {
        String::from_utf8_lossy(self.verb).to_ascii_uppercase()
    }
}

/// The path of MAIL or RCPT with its ESMTP parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathArgument {
    /// The path as typed, with angle brackets if there were any: `<a@example.org>`.
    pub(crate) typed: Vec<u8>,
    /// The address inside the angle brackets, without a source route.
    pub(crate) address: Vec<u8>,
    /// The ESMTP parameters as typed: `SIZE=100`, `BODY=8BITMIME`.
    pub(crate) params: Vec<Vec<u8>>,
}

impl PathArgument {
    /// Takes `FROM:<path> params` or `TO:<path> params` apart; `None` if the keyword is missing.
    pub(crate) fn parse(argument: &[u8], keyword: &str) -> Option<Self> {
        let head = argument.get(..keyword.len())?;
        if !head.eq_ignore_ascii_case(keyword.as_bytes()) {
            return None;
        }
        let rest = argument[keyword.len()..].trim_ascii();
        let (typed, rest) = rest.split_at(path_end(rest));
        let params =
            rest.split(u8::is_ascii_whitespace).filter(|param| !param.is_empty()).map(<[u8]>::to_vec).collect();
        Some(Self { typed: typed.to_vec(), address: bare_address(typed).to_vec(), params })
    }

    /// The value of a parameter, its keyword compared without regard to case.
    pub(crate) fn param(&self, keyword: &str) -> Option<&[u8]> {
        self.params.iter().find_map(|param| {
            let (name, value) = split_at_byte(param, b'=');
            name.eq_ignore_ascii_case(keyword.as_bytes()).then_some(value)
        })
    }
}

/// Splits at the first `separator`; without one the second part is empty.
pub(crate) fn split_at_byte(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|&byte| byte == separator) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

/// The address without angle brackets and without a source route (`@a,@b:`, RFC 5321 appendix C).
pub(crate) fn bare_address(typed: &[u8]) -> &[u8] {
    let inner = typed.strip_prefix(b"<").map_or(typed, |rest| rest.strip_suffix(b">").unwrap_or(rest));
    match (inner.first(), inner.iter().position(|&byte| byte == b':')) {
        (Some(b'@'), Some(colon)) => &inner[colon + 1..],
        _ => inner,
    }
}

/// The addresses in a list as header fields have them: names, comments, angle brackets and empty entries are left out.
pub(crate) fn address_list(list: &[u8]) -> Vec<Vec<u8>> {
    let mut quoting = Quoting::default();
    let (mut found, mut address, mut bracketed) = (Vec::new(), Vec::new(), false);
    for &byte in list {
        match (quoting.part(byte), byte) {
            (Part::Comment, _) => {}
            (Part::Quoted, _) => address.push(byte),
            (Part::Plain, b'<') => {
                // What came before was a name.
                address.clear();
                bracketed = true;
            }
            (Part::Plain, b'>') => bracketed = false,
            (Part::Plain, b',') if !bracketed => found.push(std::mem::take(&mut address)),
            // White space inside an address only separates its parts.
            _ if byte.is_ascii_whitespace() => {}
            _ => address.push(byte),
        }
    }
    found.push(address);
    let bare = found.iter().map(|address| bare_address(address.trim_ascii()).to_vec());
    bare.filter(|address| !address.is_empty()).collect()
}

/// The domain of an address: what follows its last `@`.
pub(crate) fn domain_of(address: &[u8]) -> Option<&[u8]> {
    address.iter().rposition(|&byte| byte == b'@').map(|at| &address[at + 1..])
}

/// RFC 3461 section 4: printable characters but `=`, and `+` before two hex digits in capitals.
pub(crate) fn is_xtext(text: &[u8]) -> bool {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    let is_whole = |at: usize| text.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(is_hex));
    text.iter().enumerate().all(|(at, byte)| match byte {
        b'+' => is_whole(at),
        b'=' => false,
        other => other.is_ascii_graphic(),
    })
}

/// Where the path ends: at the first white space outside of brackets and quotes.
fn path_end(text: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let mut bracketed = text.first() == Some(&b'<');
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => bracketed = false,
            _ if !bracketed && !quoted && byte.is_ascii_whitespace() => return index,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(argument: &str) -> PathArgument {
        PathArgument::parse(argument.as_bytes(), "FROM:").unwrap()
    }

    #[test]
    fn a_path_keeps_what_was_typed_and_gives_the_address() {
        let parsed = path("FROM:<a@example.org> SIZE=10 body=8BITMIME");
        assert_eq!(parsed.typed, b"<a@example.org>");
        assert_eq!(parsed.address, b"a@example.org");
        assert_eq!(parsed.params, [b"SIZE=10".to_vec(), b"body=8BITMIME".to_vec()]);
        assert_eq!(parsed.param("BODY"), Some(&b"8BITMIME"[..]));
        assert_eq!(path("from: a@example.org SIZE=1").typed, b"a@example.org");
        assert_eq!(path("FROM:<>").address, b"");
        assert_eq!(path("FROM:<a@example.org>x SIZE=1").typed, b"<a@example.org>x");
    }

    #[test]
    fn a_list_is_read_without_names_and_comments() {
        let list = b"<a@b>, c@d (x, y),Name <e@f>,, \"g, h\"@i, <>";
        assert_eq!(address_list(list), [&b"a@b"[..], b"c@d", b"e@f", b"\"g, h\"@i"]);
    }

    #[test]
    fn xtext_is_told_from_other_text() {
        assert!(is_xtext(b"a+2Bb@c") && is_xtext(b""));
        assert!(!is_xtext(b"a+b") && !is_xtext(b"a=b") && !is_xtext(b"a b") && !is_xtext(b"a+2"));
    }

    #[test]
    fn quotes_and_source_routes_are_understood() {
        assert_eq!(path("FROM:<\"a > b\"@example.org> X=1").typed, b"<\"a > b\"@example.org>");
        assert_eq!(path("FROM:<@relay.example:a@example.org>").address, b"a@example.org");
        assert_eq!(domain_of(b"\"a@b\"@example.org"), Some(&b"example.org"[..]));
        assert_eq!(PathArgument::parse(b"TO:<a@b>", "FROM:"), None);
    }
}
