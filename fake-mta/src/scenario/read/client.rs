//! `client = "name [address]:port"`.

use std::net::IpAddr;

use crate::{
    diag::Diag,
    scenario::{Client, Located},
};

/// Reads `name [ip]`, `[ip]` or `ip`, the first two with `:port` behind them if wanted.
///
/// # Errors
/// What is not of this shape.
pub(super) fn parse(text: &Located<String>) -> Result<Client, Diag> {
    let bad = |title: String| Diag::error(title).label(&text.span, "").help(HELP);
    let trimmed = text.trim();
    let Some((name, rest)) = trimmed.split_once('[') else {
        let ip = parse_ip(trimmed).ok_or_else(|| bad(format!("`{trimmed}` is not an address")))?;
        return Ok(Client { name: None, ip, port: None });
    };
    let (address, port) = rest.split_once(']').ok_or_else(|| bad("missing `]` behind the address".to_owned()))?;
    let ip = parse_ip(address).ok_or_else(|| bad(format!("`{address}` is not an address")))?;
    let port = match port.trim() {
        "" => None,
        port => Some(parse_port(port).ok_or_else(|| bad(format!("`{port}` is not a port")))?),
    };
    let name = name.trim();
    if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(bad(format!("`{name}` is not a host name")));
    }
    Ok(Client { name: (!name.is_empty()).then(|| name.to_owned()), ip, port })
}

/// An address, with the `IPv6:` of SMTP address literals if the author writes it.
fn parse_ip(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.strip_prefix("IPv6:").unwrap_or(text).parse().ok()
}

fn parse_port(text: &str) -> Option<u16> {
    text.strip_prefix(':')?.parse().ok()
}

const HELP: &str = "write it as `mail.example.com [192.0.2.1]`, or the address alone";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Source, Span};

    fn client(text: &str) -> Result<Client, Diag> {
        let source = Source::new("a.toml", text);
        parse(&Located::new(text.to_owned(), Span::new(&source, 0..text.len())))
    }

    #[test]
    fn each_form_is_read_and_printed_back() {
        for (text, printed) in [
            ("mail.example [192.0.2.1]", "mail.example [192.0.2.1]"),
            ("[192.0.2.1]:4711", "[192.0.2.1]:4711"),
            ("2001:db8::1", "[2001:db8::1]"),
            ("x [IPv6:2001:db8::1]", "x [2001:db8::1]"),
        ] {
            assert_eq!(client(text).map(|client| client.to_string()), Ok(printed.to_owned()));
        }
    }

    #[test]
    fn what_is_no_client_is_refused() {
        for text in
            ["", "mail.example", "a b [192.0.2.1]", "x [192.0.2.1", "[192.0.2.256]", "[192.0.2.1]:x", "[192.0.2.1]25"]
        {
            assert!(client(text).is_err(), "{text}");
        }
    }
}
