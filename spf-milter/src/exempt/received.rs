//! The client behind an own relay, from the Received fields that sendmail and Postfix write.

use std::net::IpAddr;

/// What a relay has written about its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    /// The argument of HELO or EHLO.
    pub(crate) helo: Vec<u8>,
    /// The client's address.
    pub(crate) ip: IpAddr,
}

/// Finds the first client that is not trusted itself. `fields` are the values of the Received fields from the top:
/// the first is the relay's own, and the one below is believed only if its writer is trusted.
///
/// None: the mail began at a trusted host, or a field cannot be read.
pub(crate) fn client_behind<'a>(
    fields: impl IntoIterator<Item = &'a [u8]>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Option<Hop> {
    for field in fields {
        let hop = parse(field)?;
        if !is_trusted(hop.ip) {
            return Some(hop);
        }
    }
    None
}

/// Reads `from HELO (name [ADDRESS] …) by …`. The client can choose what stands at HELO, even parentheses, and the
/// name; the address is the last thing in brackets of the comment that follows.
fn parse(field: &[u8]) -> Option<Hop> {
    let field = field.trim_ascii();
    let (keyword, rest) = field.split_at_checked(4)?;
    if !keyword.eq_ignore_ascii_case(b"from") || !rest.first()?.is_ascii_whitespace() {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let (helo, rest) = rest.split_at(rest.iter().position(u8::is_ascii_whitespace)?);
    let comment = comment(rest.trim_ascii_start())?;
    let open = comment.iter().rposition(|&byte| byte == b'[')?;
    let inside = &comment[open + 1..];
    let address = &inside[..inside.iter().position(|&byte| byte == b']')?];
    let text = std::str::from_utf8(address).ok()?;
    let bare =
        text.split_at_checked(5).filter(|(tag, _)| tag.eq_ignore_ascii_case("IPv6:")).map_or(text, |(_, bare)| bare);
    Some(Hop { helo: helo.to_vec(), ip: bare.parse::<IpAddr>().ok()?.to_canonical() })
}

/// The inside of the comment with which `text` begins; comments nest.
fn comment(text: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(&text[1..index]),
            b')' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(field: &str) -> String {
        parse(field.as_bytes()).map_or_else(|| "-".to_owned(), |hop| format!("{} {}", hop.helo.escape_ascii(), hop.ip))
    }

    #[test]
    fn the_fields_of_both_mtas_are_read() {
        let table = [
            (
                "from mail.a.example (mail.a.example [192.0.2.1])\n\tby mx (8.17.1/8.17.1) with ESMTP id 1",
                "mail.a.example 192.0.2.1",
            ),
            ("from helo.example (unknown [192.0.2.1])\n\tby mx (Postfix) with ESMTPS id 1", "helo.example 192.0.2.1"),
            ("from x ([192.0.2.1]) by mx", "x 192.0.2.1"),
            ("from x (forged.example [192.0.2.1] (may be forged)) by mx", "x 192.0.2.1"),
            ("from x (u [IPv6:2001:db8:0:0:0:0:0:5]) by mx", "x 2001:db8::5"),
            ("from x (u [IPv6:2001:db8::5])\n\t(using TLSv1.3 [9.9.9.9]) by mx", "x 2001:db8::5"),
            ("from x (IDENT:me@host [192.0.2.1]) by mx", "x 192.0.2.1"),
        ];
        for (field, expected) in table {
            assert_eq!(shown(field), expected, "{field}");
        }
    }

    #[test]
    fn the_client_cannot_choose_its_address() {
        assert_eq!(shown("from [9.9.9.9] (unknown [192.0.2.1]) by mx"), "[9.9.9.9] 192.0.2.1");
        assert_eq!(shown("from a([9.9.9.9])by (unknown [192.0.2.1]) by mx"), "a([9.9.9.9])by 192.0.2.1");
        assert_eq!(shown("from x (IDENT:[9.9.9.9]@host [192.0.2.1]) by mx"), "x 192.0.2.1");
    }

    #[test]
    fn what_names_no_client_gives_none() {
        let fields = [
            "",
            "from",
            "by mx (Postfix, from userid 0) id 1",
            "from x by mx",
            "from x (y) by mx",
            "from x (y [z])",
            "from x ([192.0.2.1",
        ];
        for field in fields {
            assert_eq!(shown(field), "-", "{field}");
        }
    }

    #[test]
    fn trusted_hops_are_passed_over() {
        let fields: [&[u8]; 3] = [
            b"from localhost (localhost [127.0.0.1]) by backup.example",
            b"from a.example (a.example [192.0.2.1]) by backup.example",
            b"from forged.example (forged.example [203.0.113.1]) by a.example",
        ];
        let found = client_behind(fields, |ip| ip.is_loopback()).unwrap();
        assert_eq!(found.ip, IpAddr::from([192, 0, 2, 1]));
        assert_eq!(client_behind(fields[..1].iter().copied(), |ip| ip.is_loopback()), None);
    }
}
