use std::borrow::Cow;

use super::error::{ParseError, ParseErrorKind};
use super::network;
use super::terms::{DualCidr, Mechanism};
use crate::macro_string::MacroString;

/// Reads a mechanism whose name is `name_bytes` long (§5).
pub(super) fn parse_mechanism(word: &str, name_bytes: usize) -> Result<Mechanism, ParseError> {
    let (name, text) = word.split_at_checked(name_bytes).unwrap_or((word, ""));
    let argument = Argument { text, offset: name_bytes };
    match lower_case(name).as_ref() {
        "all" => argument.none("all").map(|()| Mechanism::All),
        "include" => argument.domain("include").map(Mechanism::Include),
        "a" => argument.domain_and_cidr("a").map(|(domain, cidr)| Mechanism::A { domain, cidr }),
        "mx" => argument.domain_and_cidr("mx").map(|(domain, cidr)| Mechanism::Mx { domain, cidr }),
        "ptr" => argument.optional_domain("ptr").map(Mechanism::Ptr),
        "ip4" => argument.ip4(),
        "ip6" => argument.ip6(),
        "exists" => argument.domain("exists").map(Mechanism::Exists),
        // §4.6.1: these are modifiers, and have `=`.
        "redirect" => argument.error(ParseErrorKind::Separator { name: "redirect", expected: '=' }),
        "exp" => argument.error(ParseErrorKind::Separator { name: "exp", expected: '=' }),
        _ => {
            let shown = if name.is_empty() { word } else { name };
            Err(ParseError::new(0, ParseErrorKind::UnknownMechanism(shown.to_owned())))
        }
    }
}

/// What follows the name of a mechanism.
#[derive(Clone, Copy)]
struct Argument<'a> {
    text: &'a str,
    /// Where it stands in the mechanism.
    offset: usize,
}

impl<'a> Argument<'a> {
    fn error<T>(self, kind: ParseErrorKind) -> Result<T, ParseError> {
        Err(ParseError::new(self.offset, kind))
    }

    fn none(self, name: &'static str) -> Result<(), ParseError> {
        if self.text.is_empty() { Ok(()) } else { self.error(ParseErrorKind::UnexpectedArgument(name)) }
    }

    /// Takes the colon away; what follows must not be empty.
    fn after_colon(self, name: &'static str) -> Result<Self, ParseError> {
        match self.text.strip_prefix(':') {
            Some("") => Err(ParseError::new(self.offset + 1, ParseErrorKind::MissingArgument(name))),
            Some(text) => Ok(Self { text, offset: self.offset + 1 }),
            None if self.text.is_empty() => self.error(ParseErrorKind::MissingArgument(name)),
            None => self.error(ParseErrorKind::Separator { name, expected: ':' }),
        }
    }

    fn domain(self, name: &'static str) -> Result<MacroString, ParseError> {
        let target = self.after_colon(name)?;
        MacroString::domain_spec(target.text).map_err(|error| error.after(target.offset))
    }

    fn optional_domain(self, name: &'static str) -> Result<Option<MacroString>, ParseError> {
        if self.text.is_empty() { Ok(None) } else { self.domain(name).map(Some) }
    }

    fn domain_and_cidr(self, name: &'static str) -> Result<(Option<MacroString>, DualCidr), ParseError> {
        if !self.text.starts_with(':') {
            return if self.text.is_empty() || self.text.starts_with('/') {
                Ok((None, self.dual_cidr()?))
            } else {
                self.error(ParseErrorKind::Separator { name, expected: ':' })
            };
        }
        let cidr_at = cidr_start(self.text);
        let (domain, cidr) = self.text.split_at_checked(cidr_at).unwrap_or((self.text, ""));
        let domain = Self { text: domain, offset: self.offset }.domain(name)?;
        let cidr = Self { text: cidr, offset: self.offset + cidr_at }.dual_cidr()?;
        Ok((Some(domain), cidr))
    }

    /// Reads `/24`, `//64`, `/24//64` or nothing.
    fn dual_cidr(self) -> Result<DualCidr, ParseError> {
        let mut cidr = DualCidr::default();
        if self.text.is_empty() {
            return Ok(cidr);
        }
        let (ip4, ip6) = match self.text.split_once("//") {
            Some((ip4, ip6)) => (ip4, Some(ip6)),
            None => (self.text, None),
        };
        if let Some(text) = ip6 {
            let offset = self.offset + ip4.len() + 2;
            cidr.ip6_bits = Self { text, offset }.prefix_bits(128)?;
        }
        if let Some(text) = ip4.strip_prefix('/') {
            cidr.ip4_bits = Self { text, offset: self.offset + 1 }.prefix_bits(32)?;
        }
        Ok(cidr)
    }

    fn ip4(self) -> Result<Mechanism, ParseError> {
        let (address, prefix_bits) = self.after_colon("ip4")?.network(32)?;
        match network::ip4(address.text) {
            Some(network) => Ok(Mechanism::Ip4 { network, prefix_bits }),
            None => address.error(ParseErrorKind::Ip4(address.text.to_owned())),
        }
    }

    fn ip6(self) -> Result<Mechanism, ParseError> {
        let (address, prefix_bits) = self.after_colon("ip6")?.network(128)?;
        match address.text.parse() {
            Ok(network) => Ok(Mechanism::Ip6 { network, prefix_bits }),
            Err(_) => address.error(ParseErrorKind::Ip6(address.text.to_owned())),
        }
    }

    /// Splits a network into its address and its prefix length.
    fn network(self, bits_max: u8) -> Result<(Self, u8), ParseError> {
        let Some((address, prefix)) = split_once(self.text, b'/') else {
            return Ok((self, bits_max));
        };
        let prefix = Self { text: prefix, offset: self.offset + address.len() + 1 };
        Ok((Self { text: address, offset: self.offset }, prefix.prefix_bits(bits_max)?))
    }

    fn prefix_bits(self, bits_max: u8) -> Result<u8, ParseError> {
        match network::prefix_bits(self.text, bits_max) {
            Some(bits) => Ok(bits),
            None => self.error(ParseErrorKind::PrefixLength { text: self.text.to_owned(), bits_max }),
        }
    }
}

/// Finds where the prefix lengths begin at the end of an argument: a slash may be part of the domain too.
fn cidr_start(text: &str) -> usize {
    let without_digits = |text: &'_ str| text.trim_end_matches(|byte: char| byte.is_ascii_digit()).len();
    let before = |end: usize, slashes: &str| {
        let digits = without_digits(text.get(..end).unwrap_or_default());
        let head = text.get(..digits).unwrap_or_default();
        if digits == end { None } else { head.strip_suffix(slashes).map(str::len) }
    };
    let ip6 = before(text.len(), "//").unwrap_or(text.len());
    before(ip6, "/").unwrap_or(ip6)
}

fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

/// Splits text at the first of a byte, which falls away.
fn split_once(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|other| other == byte)?;
    text.get(..at).zip(text.get(at + 1..))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mechanism(word: &str) -> Result<Mechanism, ParseError> {
        let name_bytes = word.bytes().take_while(u8::is_ascii_alphanumeric).count();
        parse_mechanism(word, name_bytes)
    }

    fn cidr(word: &str) -> Result<(u8, u8), ParseErrorKind> {
        match mechanism(word).map_err(|error| error.kind)? {
            Mechanism::A { cidr, .. } | Mechanism::Mx { cidr, .. } => Ok((cidr.ip4_bits, cidr.ip6_bits)),
            Mechanism::Ip4 { prefix_bits, .. } | Mechanism::Ip6 { prefix_bits, .. } => Ok((prefix_bits, prefix_bits)),
            other => panic!("no prefix length in {other}"),
        }
    }

    /// §5.3, §5.4: `/0` is a length like others, and both families have their own.
    #[test]
    fn prefix_lengths_are_read_for_both_families() {
        assert_eq!(cidr("a"), Ok((32, 128)));
        assert_eq!(cidr("a/0"), Ok((0, 128)));
        assert_eq!(cidr("a//0"), Ok((32, 0)));
        assert_eq!(cidr("mx/24//64"), Ok((24, 64)));
        assert_eq!(cidr("mx:example.com/24//64"), Ok((24, 64)));
        assert_eq!(cidr("a:example.com//64"), Ok((32, 64)));
        assert_eq!(cidr("a:%{d}/24"), Ok((24, 128)));
        assert_eq!(cidr("ip4:192.0.2.0/0"), Ok((0, 0)));
        assert_eq!(cidr("ip6:::/0"), Ok((0, 0)));
    }

    /// §5.6: lengths have no leading zeros and end at 32 and 128.
    #[test]
    fn prefix_lengths_that_are_none_are_refused() {
        for word in
            ["a/33", "a/032", "a/", "a/x", "a/24/64", "a//129", "ip4:192.0.2.0/33", "ip4:192.0.2.0//24", "ip6:::/129"]
        {
            assert!(matches!(cidr(word), Err(ParseErrorKind::PrefixLength { .. })), "{word}");
        }
    }

    /// §7.1: a slash may stand in a domain; only what is at the end is a prefix length.
    #[test]
    fn a_slash_inside_a_domain_is_part_of_it() {
        let Ok(Mechanism::A { domain: Some(domain), cidr }) = mechanism("a:foo:bar/24.example.com/16") else {
            panic!("an a mechanism with a domain")
        };
        assert_eq!((domain.to_string().as_str(), cidr.ip4_bits), ("foo:bar/24.example.com", 16));
    }

    #[test]
    fn the_offset_is_that_of_the_offending_part() {
        let offset = |word| mechanism(word).map_err(|error| error.offset);
        assert_eq!(offset("ip4:192.0.2.0/33"), Err(14));
        assert_eq!(offset("ip4:192.0.2"), Err(4));
        assert_eq!(offset("a:example.com/24//129"), Err(18));
        assert_eq!(offset("include:%{x}.example.com"), Err(10));
        assert_eq!(offset("exists:example.123"), Err(15));
        assert_eq!(offset("include"), Err(7));
        assert_eq!(offset("all:x"), Err(3));
    }

    #[test]
    fn addresses_are_whole_addresses() {
        for word in ["ip4:1.2.3", "ip4:1.2.3.04", "ip4:1.2.3.4:25", "ip4:1.2.3.256", "ip4:::1"] {
            assert!(matches!(mechanism(word).unwrap_err().kind, ParseErrorKind::Ip4(_)), "{word}");
        }
        for word in ["ip6::CAFE::BABE", "ip6:1.2.3.4", "ip6:fe80::1%eth0"] {
            assert!(matches!(mechanism(word).unwrap_err().kind, ParseErrorKind::Ip6(_)), "{word}");
        }
        assert!(mechanism("ip6:::ffff:192.0.2.1/96").is_ok());
    }

    #[test]
    fn names_of_mechanisms_ignore_case() {
        assert_eq!(mechanism("MX:Example.com"), mechanism("mx:Example.com"));
        assert_eq!(mechanism("ALL"), Ok(Mechanism::All));
    }

    #[test]
    fn a_modifier_with_a_colon_is_told_what_it_lacks() {
        let error = mechanism("redirect:example.com").unwrap_err();
        assert_eq!(error.to_string(), "\"redirect\" takes '=' after its name (at byte 8)");
    }
}
