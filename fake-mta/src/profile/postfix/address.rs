//! Addresses of MAIL and RCPT, read as Postfix' `tok822` reads them, and refused as `smtpd(8)` refuses them.

use std::net::{IpAddr, Ipv6Addr};

/// What an address is made of. White space and comments only separate.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(Vec<u8>),
    /// `[192.0.2.7]`, with its brackets.
    Literal(Vec<u8>),
    Special(u8),
}

/// The address in a path, without quotes, comments and source route; `None` for a syntax that Postfix refuses. The null address is empty.
pub(super) fn parse_path(typed: &[u8]) -> Option<Vec<u8>> {
    let tokens = tokens(typed);
    let inner = without_route(without_brackets(&tokens)?);
    if inner.iter().any(|token| matches!(token, Token::Special(b',' | b';'))) || has_adjacent_words(inner) {
        return None;
    }
    let at = inner.iter().rposition(|token| *token == Token::Special(b'@'));
    let mut domain = at.map(|at| &inner[at + 1..]);
    // One dot at the end of a domain is passed over.
    if let Some([rest @ .., Token::Special(b'.')]) = domain {
        domain = Some(rest);
    }
    if domain.is_some_and(|domain| !is_domain(domain)) {
        return None;
    }
    let end = at.zip(domain).map_or(inner.len(), |(at, domain)| at + 1 + domain.len());
    Some(text(&inner[..end]))
}

/// The address as it is written outside: a local part that is no dot-string goes into quotes.
pub(super) fn external(address: &[u8]) -> Vec<u8> {
    let (local, domain) = match address.iter().rposition(|&byte| byte == b'@') {
        Some(at) => address.split_at(at),
        None => (address, &b""[..]),
    };
    let plain = |byte: &u8| (33..127).contains(byte) && !b"()<>@,;:\\\"[]".contains(byte) || !byte.is_ascii();
    let is_atom = |atom: &[u8]| !atom.is_empty() && atom.iter().all(plain);
    if local.is_empty() || local.split(|&byte| byte == b'.').all(is_atom) {
        return address.to_vec();
    }
    let mut out = vec![b'"'];
    for &byte in local {
        out.extend(matches!(byte, b'"' | b'\\').then_some(b'\\'));
        out.push(byte);
    }
    out.push(b'"');
    out.extend_from_slice(domain);
    out
}

fn tokens(text: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let length = match first {
            b'(' => comment_length(rest),
            b'"' => {
                let length = quoted_length(rest);
                tokens.push(Token::Word(unquoted(&rest[1..length])));
                length
            }
            b'[' if closing(rest).is_some() => {
                let length = closing(rest).unwrap_or(rest.len());
                tokens.push(Token::Literal(rest[..length].to_vec()));
                length
            }
            b'<' | b'>' | b'@' | b',' | b';' | b'.' => {
                tokens.push(Token::Special(first));
                1
            }
            _ if first.is_ascii_whitespace() => 1,
            _ => {
                let length = atom_length(rest);
                tokens.push(Token::Word(unquoted(&rest[..length])));
                length
            }
        };
        rest = &rest[length..];
    }
    tokens
}

/// What stands between the angle brackets; without brackets all of it is the address.
fn without_brackets(tokens: &[Token]) -> Option<&[Token]> {
    let opened = tokens.iter().take_while(|token| **token == Token::Special(b'<')).count();
    let closed = tokens.iter().rev().take_while(|token| **token == Token::Special(b'>')).count();
    let is_bracket = |token: &Token| matches!(token, Token::Special(b'<' | b'>'));
    let inner = tokens.get(opened..tokens.len() - closed).unwrap_or_default();
    (closed >= opened && !inner.iter().any(is_bracket)).then_some(inner)
}

/// Without `@relay,@other:` before the address, RFC 5321 appendix C.
fn without_route(tokens: &[Token]) -> &[Token] {
    if tokens.first() != Some(&Token::Special(b'@')) {
        return tokens;
    }
    let colon = tokens.iter().position(|token| *token == Token::Word(b":".to_vec()));
    colon.map_or(tokens, |colon| &tokens[colon + 1..])
}

/// Two words need a dot or an at sign between them.
fn has_adjacent_words(tokens: &[Token]) -> bool {
    let is_word = |token: &Token| !matches!(token, Token::Special(_));
    tokens.windows(2).any(|pair| pair.iter().all(is_word) && !pair.contains(&Token::Word(b":".to_vec())))
}

/// A host name of labels with letters, digits, hyphens and underscores, not all of it digits, or an address in brackets.
fn is_domain(tokens: &[Token]) -> bool {
    if let [Token::Literal(literal)] = tokens {
        let inner = String::from_utf8_lossy(&literal[1..literal.len() - 1]).into_owned();
        let tagged = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")).map(|_| &inner[5..]);
        return tagged.map_or_else(|| inner.parse::<IpAddr>().is_ok(), |v6| v6.parse::<Ipv6Addr>().is_ok());
    }
    let name = text(tokens);
    let is_label = |label: &[u8]| {
        let legal = label.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        legal && !label.is_empty() && label.len() <= 63 && !label.starts_with(b"-") && !label.ends_with(b"-")
    };
    let is_numeric = name.iter().all(|&byte| byte.is_ascii_digit() || byte == b'.');
    !is_numeric && name.len() <= 255 && name.split(|&byte| byte == b'.').all(is_label)
}

fn text(tokens: &[Token]) -> Vec<u8> {
    let bytes = tokens.iter().map(|token| match token {
        Token::Word(text) | Token::Literal(text) => text.clone(),
        Token::Special(byte) => vec![*byte],
    });
    bytes.collect::<Vec<_>>().concat()
}

/// The length of a comment with those in it; one that does not end takes the rest.
fn comment_length(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' if depth == 1 => return index + 1,
            b')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a quoted string; one that does not end takes the rest.
fn quoted_length(text: &[u8]) -> usize {
    let mut escaped = false;
    for (index, &byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// A word goes up to white space or something that means more than itself; a colon is a word of its own.
fn atom_length(text: &[u8]) -> usize {
    if text[0] == b':' {
        return 1;
    }
    let mut escaped = false;
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' | b'"' | b'[' | b'<' | b'>' | b'@' | b',' | b';' | b'.' | b':' if index > 0 => return index,
            _ if byte.is_ascii_whitespace() => return index,
            _ => {}
        }
    }
    text.len()
}

fn closing(text: &[u8]) -> Option<usize> {
    text.iter().position(|&byte| byte == b']').map(|at| at + 1)
}

/// Without the backslashes before other characters, and without the quote at the end.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => {}
            b'\\' => out.extend(bytes.next()),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(typed: &str) -> Option<String> {
        parse_path(typed.as_bytes()).map(|address| String::from_utf8(address).unwrap())
    }

    #[test]
    fn an_address_is_found_in_what_was_typed() {
        for (typed, found) in [
            ("<a@host.example>", "a@host.example"),
            ("a@host.example", "a@host.example"),
            ("a@host.example>", "a@host.example"),
            ("<\"a b\"@host.example>", "a b@host.example"),
            ("<a\\ b@host.example>", "a b@host.example"),
            ("<@r1,@r2:a@host.example>", "a@host.example"),
            ("<a (comment) @host.example(c)>", "a@host.example"),
            ("<<a@host.example>>", "a@host.example"),
            ("<a@host.example.>", "a@host.example"),
            ("<a..b@host.example>", "a..b@host.example"),
            ("<a@[192.0.2.7]>", "a@[192.0.2.7]"),
            ("<a@[IPv6:::1]>", "a@[IPv6:::1]"),
            ("<a@exa_mple>", "a@exa_mple"),
            ("<:include:/x>", ":include:/x"),
            ("<>", ""),
        ] {
            assert_eq!(address(typed).as_deref(), Some(found), "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for typed in [
            "<a b@host.example>",
            "<a@host.example",
            "<a@host.example>x",
            "<a,b@host.example>",
            "<a;b@host.example>",
            "<a@>",
            "<a@example..org>",
            "<a@.host.example>",
            "<a@-host.example>",
            "<a@192.0.2.7>",
            "<a@[300.0.0.1]>",
            "<a\"b\"@host.example>",
            "<\"a>",
            "<a@\u{e4}.org>",
            "<a@exa mple.org>",
            "\\",
        ] {
            assert_eq!(address(typed).filter(|found| !found.is_empty()), None, "{typed}");
        }
    }
}
