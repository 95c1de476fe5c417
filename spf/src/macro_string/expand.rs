use std::borrow::Cow;

use super::tail::{Full, Tail, url_escape};
use super::{Form, Macro, MacroString, Part, Values};
use crate::limits::{EXPLANATION_BYTES_MAX, NAME_BYTES_MAX};
use crate::name::{Name, NameError};
use crate::request::Request;

/// What the macros of a configuration text stand for.
#[derive(Clone, Copy)]
pub struct MacroContext<'a> {
    /// The check that the text is about.
    pub request: &'a Request<'a>,
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
        let parts = match &self.0 {
            Form::Literal(text) => return text.replace(char::is_control, "?"),
            Form::Parts(parts) => parts,
        };
        let values = Values::new(context.request, context.request.domain().ok(), context.validated_name);
        let mut text = Vec::new();
        for part in &parts.list {
            match part {
                Part::Literal(literal) => text.extend_from_slice(parts.text_at(literal).as_bytes()),
                Part::Percent => text.push(b'%'),
                Part::Space => text.push(b' '),
                Part::UrlSpace => text.extend_from_slice(b"%20"),
                Part::Macro(found) => push_escaped(&mut text, &expanded(&values, found), found.url_escape),
                Part::Variable { name, url_escape } => {
                    let value = (context.variables)(parts.text_at(name)).unwrap_or_default();
                    push_escaped(&mut text, value.as_bytes(), *url_escape);
                }
            }
        }
        String::from_utf8_lossy(&text).replace(char::is_control, "?")
    }

    /// Writes what the text stands for to the left of another, as far as there is room. The work is bounded by the room
    /// and the length of the macro-string, whatever the values hold: a record may have thousands of macros.
    fn push_to<const N: usize>(&self, tail: &mut Tail<N>, values: &Values<'_>) -> Result<(), Full> {
        let parts = match &self.0 {
            Form::Literal(text) => return tail.push(text.as_bytes()),
            Form::Parts(parts) => parts,
        };
        parts.list.iter().rev().try_for_each(|part| match part {
            Part::Literal(literal) => tail.push(parts.text_at(literal).as_bytes()),
            Part::Percent => tail.push(b"%"),
            Part::Space => tail.push(b" "),
            Part::UrlSpace => tail.push(b"%20"),
            Part::Macro(found) => values.push_macro(tail, found),
            // Only configuration text has them, and it is expanded where their values are known.
            Part::Variable { .. } => Ok(()),
        })
    }
}

/// Expands a domain-spec to a name (§7.3): what goes beyond 253 bytes is cut off on the left.
pub(crate) fn expand_domain(spec: &MacroString, values: &Values<'_>) -> Result<Name, NameError> {
    if let Some(literal) = spec.as_literal() {
        return Name::parse_left_cut(literal);
    }
    // Room for a dot at either end, and for a byte by which a longer text is known.
    let mut tail = Tail::<{ NAME_BYTES_MAX + 3 }>::new();
    match spec.push_to(&mut tail, values) {
        Ok(()) | Err(Full) => Name::parse_left_cut(tail.text()),
    }
}

/// Expands an explain-string; none if the text goes beyond [`EXPLANATION_BYTES_MAX`].
pub(crate) fn expand_explanation(text: &MacroString, values: &Values<'_>) -> Option<Vec<u8>> {
    let mut tail = Tail::<EXPLANATION_BYTES_MAX>::new();
    text.push_to(&mut tail, values).ok()?;
    Some(tail.text().to_vec())
}

/// Returns the whole of what a macro stands for, not yet escaped.
fn expanded(values: &Values<'_>, found: &Macro) -> Vec<u8> {
    let mut parts = Vec::new();
    let all: Result<(), Full> = found.parts_from_right(values.get(found.letter), |part| {
        parts.push(part);
        Ok(())
    });
    debug_assert_eq!(all, Ok(()));
    parts.reverse();
    parts.join(&b'.')
}

fn push_escaped(text: &mut Vec<u8>, value: &[u8], in_url: bool) {
    for &byte in value {
        match url_escape(byte) {
            Some(escaped) if in_url => text.extend_from_slice(&escaped),
            _ => text.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::values::tests::bytes_looked_at;
    use super::*;

    fn request(ip: &str) -> Request<'static> {
        Request::new(ip.parse().unwrap(), "email.example.com", "strong-bad@email.example.com")
            .with_helo("mail.example.org")
            .with_receiver("mx.example.net")
            .with_now(1_600_000_000)
    }

    fn expand(text: &str, request: &Request<'_>) -> String {
        let text = MacroString::explain_string(text).unwrap();
        let values = Values::new(request, request.domain().ok(), None);
        String::from_utf8(expand_explanation(&text, &values).unwrap()).unwrap()
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
        let values = Values::new(&request, request.domain().ok(), None);
        let name = expand_domain(&spec, &values).unwrap().to_string();
        assert!(name.len() <= NAME_BYTES_MAX && name.ends_with("email.example.com.email.example.com.example"));
    }

    /// A record must not buy more work than it has bytes (§11.1): macros that stand for nothing, by the thousand, and
    /// as much of a value as no legal sender has.
    #[test]
    fn macros_that_stand_for_nothing_cost_nothing() {
        let long = "x".repeat(100_000);
        for (piece, sender) in [
            // The first of the parts is empty, or the last; or all but one are.
            ("%{l1r-}", format!("-{long}@example.com")),
            ("%{L1r-}", format!("-{long}@example.com")),
            ("%{l1-}", format!("{long}-@example.com")),
            ("%{h1r-}", format!("-{long}@example.com")),
            ("%{s1r-.+,/_=}", format!("-{long}@example.com")),
            ("%{l1r-}%{l1r+-}%{o1r-}%{d1r-}", format!("-{}@-.example.com", "-".repeat(100_000))),
            // Nothing can be split off, so that there is too much at once.
            ("%{lr-}", format!("{long}@example.com")),
            ("%{l-}", format!("{long}@example.com")),
            ("%{l200r-}", format!("{}@example.com", "-".repeat(100_000))),
            ("%{l200-}", format!("{}@example.com", "-".repeat(100_000))),
        ] {
            let request = Request::new("192.0.2.3".parse().unwrap(), "example.com", &sender);
            let helo = sender.replace('@', ".");
            let request = request.with_helo(&helo);
            let values = Values::new(&request, request.domain().ok(), None);
            let macros = piece.repeat(60_000 / piece.len());
            let once = request.sender().as_bytes().len();
            bytes_looked_at();
            let _ = expand_domain(&MacroString::domain_spec(&macros).unwrap(), &values);
            assert!(bytes_looked_at() <= once + macros.len() + NAME_BYTES_MAX, "{piece}");
            let _ = expand_explanation(&MacroString::explain_string(&macros).unwrap(), &values);
            assert!(bytes_looked_at() <= once + macros.len() + EXPLANATION_BYTES_MAX, "{piece}");
        }
    }

    /// §7.1 to §7.3 once more and in their order: the whole text from left to right, whatever it costs.
    fn by_the_letter(text: &MacroString, values: &Values<'_>) -> Vec<u8> {
        let parts = match &text.0 {
            Form::Literal(text) => return text.as_bytes().to_vec(),
            Form::Parts(parts) => parts,
        };
        let mut whole = Vec::new();
        for part in &parts.list {
            match part {
                Part::Literal(literal) => whole.extend_from_slice(parts.text_at(literal).as_bytes()),
                Part::Percent => whole.push(b'%'),
                Part::Space => whole.push(b' '),
                Part::UrlSpace => whole.extend_from_slice(b"%20"),
                Part::Variable { .. } => {}
                Part::Macro(found) => {
                    let is_delimiter = |byte: &u8| found.delimiters.or_dot().contains(*byte);
                    let mut split: Vec<&[u8]> = values.get(found.letter).split(is_delimiter).collect();
                    if found.reverse {
                        split.reverse();
                    }
                    let kept = found.parts.map_or(usize::MAX, |parts| parts.get() as usize).min(split.len());
                    let value = split.split_off(split.len() - kept).join(&b'.');
                    push_escaped(&mut whole, &value, found.url_escape);
                }
            }
        }
        whole
    }

    proptest! {
        /// Expanding from the right, and no further than need be, gives what the RFC says.
        #[test]
        fn the_right_end_is_that_of_the_whole_text(
            text in "(%\\{[slodiphvSLODIPHV]([1-9]|1[0-9])?r?[.+,/_=-]{0,3}\\}|%%|%_|%-|[a-z.-]{1,60}){0,12}",
            local_part in "[a-z.+=_-]{1,40}|[a-z-]{1,400}",
            domain in "[a-z-]{1,9}(\\.[a-z-]{1,9}){1,20}",
            ip in prop_oneof![Just("192.0.2.30"), Just("2001:db8::cb01")],
        ) {
            let sender = format!("{local_part}@{domain}");
            let request = Request::new(ip.parse().unwrap(), &domain, &sender);
            let values = Values::new(&request, request.domain().ok(), None);
            let text = MacroString::explain_string(&text).unwrap();
            let whole = by_the_letter(&text, &values);
            // What is too long is told, but not by how much.
            let kind = |name: Result<Name, NameError>| name.map_err(|error| std::mem::discriminant(&error));
            prop_assert_eq!(kind(expand_domain(&text, &values)), kind(Name::parse_left_cut(&whole)));
            let short = (whole.len() <= EXPLANATION_BYTES_MAX).then_some(whole);
            prop_assert_eq!(expand_explanation(&text, &values), short);
        }
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
