use std::borrow::Cow;
use std::net::IpAddr;

use super::{Macro, MacroLetter, MacroString, Part};
use crate::limits::NAME_BYTES_MAX;
use crate::name::{Name, NameError};
use crate::request::Request;

/// What the macros of a configuration text stand for.
#[derive(Clone, Copy)]
pub struct MacroContext<'a> {
    /// The check that the text is about.
    pub request: &'a Request,
    /// The validated name of the client for `%{p}`; without it that is `unknown`.
    pub validated_name: Option<&'a Name>,
    /// Finds the value of a name of the program's own, given in lower case; none counts as empty.
    pub variables: &'a dyn Fn(&str) -> Option<Cow<'a, str>>,
}

impl MacroString {
    /// Expands configuration text.
    ///
    /// What the macros bring in comes from the network: bytes that are no UTF-8 become U+FFFD, control
    /// characters become `?`. `%{d}` is the domain of the request.
    #[must_use]
    pub fn expand(&self, context: &MacroContext<'_>) -> String {
        let values = Values {
            request: context.request,
            domain: context.request.domain().ok(),
            validated_name: context.validated_name,
        };
        let mut text = Vec::new();
        for part in &self.parts {
            match part {
                Part::Variable { name, url_escape } => {
                    let value = (context.variables)(name).unwrap_or_default();
                    push_escaped(&mut text, value.as_bytes(), *url_escape);
                }
                part => values.push_part(&mut text, part),
            }
        }
        String::from_utf8_lossy(&text).replace(char::is_control, "?")
    }
}

/// What the letters stand for in one record.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    pub(crate) request: &'a Request,
    /// The domain of the record.
    pub(crate) domain: Option<&'a Name>,
    /// The validated name of the client; none if there is none or nobody asked.
    pub(crate) validated_name: Option<&'a Name>,
}

/// Expands a domain-spec to a name (§7.3): what goes beyond 253 bytes is cut off on the left.
pub(crate) fn expand_domain(spec: &MacroString, values: &Values<'_>) -> Result<Name, NameError> {
    if let Some(literal) = spec.as_literal() {
        return Name::parse_left_cut(literal);
    }
    if spec.parts.len() <= PARTS_FEW {
        let mut text = Vec::with_capacity(NAME_BYTES_MAX);
        spec.parts.iter().for_each(|part| values.push_part(&mut text, part));
        return Name::parse_left_cut(text);
    }
    // From the right, and no further than a name can reach: a record may hold thousands of macros.
    let mut text = [0; NAME_BYTES_MAX + 3];
    let mut start = text.len();
    let mut piece = Vec::with_capacity(64);
    for part in spec.parts.iter().rev() {
        piece.clear();
        values.push_part(&mut piece, part);
        let (_, end_of_piece) = piece.split_at(piece.len().saturating_sub(start));
        let (free, _) = text.split_at_mut(start);
        start -= end_of_piece.len();
        free.split_at_mut(start).1.copy_from_slice(end_of_piece);
        if start == 0 {
            break;
        }
    }
    Name::parse_left_cut(text.split_at(start).1)
}

/// Parts of a domain-spec that are expanded in one go, whatever they come to; usual ones have up to seven.
const PARTS_FEW: usize = 16;

/// Expands an explain-string; none if the text goes beyond `bytes_max`.
pub(crate) fn expand_explanation(text: &MacroString, values: &Values<'_>, bytes_max: usize) -> Option<Vec<u8>> {
    let mut expanded = Vec::new();
    for part in &text.parts {
        values.push_part(&mut expanded, part);
        if expanded.len() > bytes_max {
            return None;
        }
    }
    Some(expanded)
}

impl Values<'_> {
    fn push_part(&self, text: &mut Vec<u8>, part: &Part) {
        match part {
            Part::Literal(literal) => text.extend_from_slice(literal.as_bytes()),
            Part::Percent => text.push(b'%'),
            Part::Space => text.push(b' '),
            Part::UrlSpace => text.extend_from_slice(b"%20"),
            Part::Macro(found) => self.push_macro(text, found),
            // Only configuration text has them, and it is expanded where their values are known.
            Part::Variable { .. } => {}
        }
    }

    fn push_macro(&self, text: &mut Vec<u8>, found: &Macro) {
        let start = text.len();
        self.push_value(text, found.letter);
        if !found.is_plain() {
            transform(text, start, found);
        }
        if found.url_escape {
            let value = text.split_off(start);
            push_escaped(text, &value, true);
        }
    }

    fn push_value(&self, text: &mut Vec<u8>, letter: MacroLetter) {
        let request = self.request;
        match letter {
            MacroLetter::Sender => text.extend_from_slice(request.sender().as_bytes()),
            MacroLetter::LocalPart => text.extend_from_slice(request.sender().local_part()),
            MacroLetter::SenderDomain => text.extend_from_slice(request.sender().domain()),
            MacroLetter::Domain => self.domain.into_iter().for_each(|domain| domain.push_to(text)),
            MacroLetter::Ip => push_dotted_ip(text, request.ip()),
            MacroLetter::ValidatedName => match self.validated_name {
                Some(name) => name.push_to(text),
                // §7.3: without a validated name the macro stands for "unknown".
                None => text.extend_from_slice(b"unknown"),
            },
            MacroLetter::Version => text.extend_from_slice(if request.ip().is_ipv4() { b"in-addr" } else { b"ip6" }),
            MacroLetter::Helo => text.extend_from_slice(request.helo()),
            MacroLetter::ReadableIp => text.extend_from_slice(request.ip().to_string().as_bytes()),
            MacroLetter::Receiver => text.extend_from_slice(request.receiver().as_bytes()),
            MacroLetter::Time => text.extend_from_slice(request.now().to_string().as_bytes()),
        }
    }
}

/// Appends an address for `%{i}`: dotted decimal, or dotted nibbles for IPv6 (§7.3).
fn push_dotted_ip(text: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for octet in ip.octets() {
                if octet >= 100 {
                    text.push(b'0' + octet / 100);
                }
                if octet >= 10 {
                    text.push(b'0' + octet / 10 % 10);
                }
                text.push(b'0' + octet % 10);
                text.push(b'.');
            }
        }
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
            nibbles.for_each(|nibble| text.extend_from_slice(&[hex_digit(nibble), b'.']));
        }
    }
    text.pop();
}

fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }
}

/// Splits the value at the end of a text, turns it around, keeps parts from the right, and joins them with dots
/// (§7.3).
fn transform(text: &mut Vec<u8>, start: usize, found: &Macro) {
    let delimiters = found.delimiters.or_dot();
    let is_delimiter = |byte: &u8| delimiters.contains(*byte);
    let value = text.split_at_mut(start).1;
    if found.reverse {
        // All of it, and then each part back again.
        value.reverse();
        value.split_mut(is_delimiter).for_each(<[u8]>::reverse);
    }
    if found.parts.is_none() && delimiters.is_dot_only() {
        return;
    }
    let mut kept = found.parts.unwrap_or(usize::MAX);
    let mut dropped = 0;
    for (index, byte) in value.iter_mut().enumerate().rev().filter(|(_, byte)| is_delimiter(byte)) {
        *byte = b'.';
        kept -= 1;
        if kept == 0 {
            dropped = index + 1;
            break;
        }
    }
    text.drain(start..start + dropped);
}

/// Appends a value, URL-escaped if need be: all but the unreserved characters of RFC 3986 section 2.3 (§7.3).
fn push_escaped(text: &mut Vec<u8>, value: &[u8], url_escape: bool) {
    if !url_escape {
        text.extend_from_slice(value);
        return;
    }
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(byte);
        } else {
            text.extend_from_slice(&[b'%', hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(ip: &str) -> Request {
        Request::new(ip.parse().unwrap(), "email.example.com", "strong-bad@email.example.com")
            .with_helo("mail.example.org")
            .with_receiver("mx.example.net")
            .with_now(1_600_000_000)
    }

    fn expand(text: &str, request: &Request) -> String {
        let text = MacroString::explain_string(text).unwrap();
        let values = Values { request, domain: request.domain().ok(), validated_name: None };
        String::from_utf8(expand_explanation(&text, &values, 1000).unwrap()).unwrap()
    }

    /// §7.4: the examples of the RFC, with its sender and client.
    #[test]
    fn the_examples_of_section_7_4_expand_as_written() {
        for (text, expected) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
            ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
            ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ] {
            assert_eq!(expand(text, &request("192.0.2.3")), expected, "{text}");
        }
        assert_eq!(
            expand("%{ir}.%{v}._spf.%{d2}", &request("2001:db8::cb01")),
            "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com"
        );
    }

    /// §7.2: the letters that only explanations have, and `h`.
    #[test]
    fn the_letters_of_explanations_expand() {
        assert_eq!(
            expand("%{h} %{c} %{r} %{t}", &request("2001:db8::cb01")),
            "mail.example.org 2001:db8::cb01 mx.example.net 1600000000"
        );
        assert_eq!(expand("%{c} %{i}", &request("192.0.2.3")), "192.0.2.3 192.0.2.3");
    }

    /// §7.3: a host that does not know its name says so.
    #[test]
    fn an_unnamed_receiver_is_unknown() {
        let request = Request::for_helo("192.0.2.3".parse().unwrap(), "mail.example.org");
        assert_eq!(expand("%{r}", &request), "unknown");
    }

    /// §7.1: the three escapes.
    #[test]
    fn percent_and_spaces_have_escapes() {
        assert_eq!(expand("100%%%_sure%-x", &request("192.0.2.3")), "100% sure%20x");
    }

    /// §7.3: an upper-case letter escapes all but the unreserved characters, after the transformers.
    #[test]
    fn upper_case_letters_escape_for_urls() {
        let request = Request::new("192.0.2.3".parse().unwrap(), "example.com", "a+b=c&~d_e.f-g h@example.com");
        assert_eq!(expand("%{S}", &request), "a%2Bb%3Dc%26~d_e.f-g%20h%40example.com");
        assert_eq!(expand("%{L+}", &request), "a.b%3Dc%26~d_e.f-g%20h");
    }

    /// §7.3: parts that are not there are not missed, and delimiters next to each other make empty parts.
    #[test]
    fn splitting_keeps_empty_parts() {
        let request = Request::new("192.0.2.3".parse().unwrap(), "example.com", "a--b@example.com");
        assert_eq!(expand("%{l-}", &request), "a..b");
        assert_eq!(expand("%{l2-}", &request), ".b");
        assert_eq!(expand("%{l128-}", &request), "a..b");
    }

    /// The cut of §7.3 works on what is left of thousands of macros.
    #[test]
    fn a_long_domain_is_expanded_from_its_right_end_only() {
        let request = request("192.0.2.3");
        let spec = MacroString::domain_spec(&format!("{}%{{d}}.example", "%{s}.".repeat(10_000))).unwrap();
        let values = Values { request: &request, domain: request.domain().ok(), validated_name: None };
        let name = expand_domain(&spec, &values).unwrap().to_string();
        assert!(name.len() <= NAME_BYTES_MAX && name.ends_with("email.example.com.email.example.com.example"));
    }

    #[test]
    fn configuration_text_shows_no_control_characters() {
        let request =
            Request::for_mail_from("192.0.2.3".parse().unwrap(), "mail.example.org", b"a\r\nb\x00\xff@example.com");
        let text = MacroString::configuration("<%{s}> %{rcpt} %{RCPT} %{reason}", &["rcpt", "reason"]).unwrap();
        let variables = |name: &str| (name == "rcpt").then_some(Cow::Borrowed("x y\n@z"));
        let context = MacroContext { request: &request, validated_name: None, variables: &variables };
        assert_eq!(text.expand(&context), "<a??b?\u{fffd}@example.com> x y?@z x%20y%0A%40z ");
    }

    #[test]
    fn configuration_text_may_ask_for_the_validated_name() {
        let request = request("192.0.2.3");
        let text = MacroString::configuration("%{p} %{P2}", &[]).unwrap();
        let name: Name = "host.mail.example".parse().unwrap();
        let mut context = MacroContext { request: &request, validated_name: Some(&name), variables: &|_| None };
        assert_eq!(text.expand(&context), "host.mail.example mail.example");
        context.validated_name = None;
        assert_eq!(text.expand(&context), "unknown unknown");
    }
}
