use std::num::NonZeroU32;
use std::ops::Range;

use super::{Delimiters, Form, Macro, MacroLetter, MacroString, Part, Parts};
use crate::record::{ParseError, ParseErrorKind};

/// The three kinds of text; see [`MacroString`](super::MacroString).
#[derive(Clone, Copy)]
pub(super) enum Dialect<'a> {
    DomainSpec,
    ExplainString,
    Configuration(&'a [&'a str]),
}

impl Dialect<'_> {
    /// Finds the first character that may not stand for itself.
    fn find_forbidden(self, text: &str) -> Option<usize> {
        match self {
            Self::DomainSpec => text.bytes().position(|byte| !byte.is_ascii_graphic()),
            Self::ExplainString => text.bytes().position(|byte| !matches!(byte, b' '..=b'~')),
            Self::Configuration(_) => text.find(char::is_control),
        }
    }
}

pub(super) struct Parser<'a> {
    text: &'a str,
    offset: usize,
    dialect: Dialect<'a>,
    read: Parts,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect<'a>) -> Self {
        Self { text, offset: 0, dialect, read: Parts::default() }
    }

    pub(super) fn parse(mut self) -> Result<MacroString, ParseError> {
        let macros = self.text.bytes().filter(|&byte| byte == b'%').count();
        if macros == 0 {
            self.check_literal(self.text)?;
            return Ok(MacroString(Form::Literal(self.text.into())));
        }
        self.read.list.reserve_exact(2 * macros + 1);
        loop {
            let rest = self.rest();
            let percent = rest.bytes().position(|byte| byte == b'%');
            self.literal(rest.get(..percent.unwrap_or(rest.len())).unwrap_or_default())?;
            if percent.is_none() {
                return Ok(MacroString(Form::Parts(Box::new(self.read))));
            }
            self.macro_expand()?;
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn error<T>(&self, kind: ParseErrorKind) -> Result<T, ParseError> {
        Err(ParseError::new(self.offset, kind))
    }

    fn literal(&mut self, literal: &str) -> Result<(), ParseError> {
        self.check_literal(literal)?;
        if !literal.is_empty() {
            let range = self.keep(literal);
            self.read.list.push(Part::Literal(range));
            self.offset += literal.len();
        }
        Ok(())
    }

    fn check_literal(&mut self, literal: &str) -> Result<(), ParseError> {
        let Some(at) = self.dialect.find_forbidden(literal) else { return Ok(()) };
        self.offset += at;
        self.error(ParseErrorKind::Byte(literal.as_bytes().get(at).copied().unwrap_or_default()))
    }

    /// Appends to the text that is kept; returns where it stands there.
    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.read.text.len();
        self.read.text.push_str(text);
        start..self.read.text.len()
    }

    /// Reads one macro; `offset` is at its percent sign.
    fn macro_expand(&mut self) -> Result<(), ParseError> {
        let part = match self.rest().as_bytes().get(1) {
            Some(b'%') => Part::Percent,
            Some(b'_') => Part::Space,
            Some(b'-') => Part::UrlSpace,
            Some(b'{') => return self.braces(),
            _ => return self.error(ParseErrorKind::Percent),
        };
        self.read.list.push(part);
        self.offset += 2;
        Ok(())
    }

    fn braces(&mut self) -> Result<(), ParseError> {
        let inside = self.rest().get(2..).unwrap_or_default();
        let Some(body) = inside.bytes().position(|byte| byte == b'}').and_then(|end| inside.get(..end)) else {
            return self.error(ParseErrorKind::UnclosedMacro);
        };
        self.offset += 2;
        let part = match self.letter(body) {
            Ok(part) => part,
            Err(error) => self.variable(body, error)?,
        };
        self.read.list.push(part);
        self.offset += body.len() + 1;
        Ok(())
    }

    /// Reads a letter with its transformers.
    fn letter(&self, body: &str) -> Result<Part, ParseError> {
        let Some(first) = body.chars().next() else {
            return self.error(ParseErrorKind::MacroLetter('}'));
        };
        let letter = u8::try_from(first).ok().and_then(MacroLetter::from_byte);
        let Some(letter) = letter else {
            return self.error(ParseErrorKind::MacroLetter(first));
        };
        // §7.2: c, r and t belong to explanations.
        if letter.is_for_explanations() && matches!(self.dialect, Dialect::DomainSpec) {
            return self.error(ParseErrorKind::ExplanationOnly(first));
        }
        let transformers = body.get(1..).unwrap_or_default();
        let (parts, reverse, delimiters) =
            parse_transformers(transformers).map_err(|error| error.after(self.offset + 1))?;
        Ok(Part::Macro(Macro { letter, url_escape: first.is_ascii_uppercase(), parts, reverse, delimiters }))
    }

    /// Reads a name of the program's own, where that is allowed and the text is no letter.
    fn variable(&mut self, body: &str, error: ParseError) -> Result<Part, ParseError> {
        let Dialect::Configuration(names) = self.dialect else {
            return Err(error);
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if body.len() < 2 || !body.bytes().all(is_name) {
            return Err(error);
        }
        let name = body.to_ascii_lowercase();
        if !names.contains(&name.as_str()) {
            return self.error(ParseErrorKind::UnknownVariable(body.to_owned()));
        }
        let url_escape = body.bytes().any(|byte| byte.is_ascii_uppercase());
        Ok(Part::Variable { name: self.keep(&name), url_escape })
    }
}

fn parse_transformers(text: &str) -> Result<(Option<NonZeroU32>, bool, Delimiters), ParseError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits).unwrap_or((text, ""));
    let parts = parse_parts(number)?;
    let (reverse, rest) = match rest.strip_prefix(['r', 'R']) {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let mut delimiters = Delimiters::default();
    for (index, byte) in rest.bytes().enumerate() {
        if !delimiters.insert(byte) {
            let offset = text.len() - rest.len() + index;
            return Err(ParseError::new(offset, ParseErrorKind::Transformer));
        }
    }
    Ok((parts, reverse, delimiters))
}

/// Reads how many parts to keep. Numbers beyond any name's parts mean all of them (§7.3).
fn parse_parts(number: &str) -> Result<Option<NonZeroU32>, ParseError> {
    if number.is_empty() {
        return Ok(None);
    }
    match NonZeroU32::new(number.parse().unwrap_or(u32::MAX)) {
        // §7.3: zero parts are an error.
        None => Err(ParseError::new(0, ParseErrorKind::ZeroParts)),
        parts => Ok(parts),
    }
}

/// Checks the end of a domain-spec (§7.1, `domain-end`); `length` is that of the text.
pub(super) fn check_domain_end(spec: &MacroString, length: usize) -> Result<(), ParseError> {
    let last = match &spec.0 {
        Form::Literal(text) => text,
        Form::Parts(parts) => match parts.list.last() {
            Some(Part::Literal(text)) => parts.text_at(text),
            _ => return Ok(()),
        },
    };
    let without_dot = last.strip_suffix('.').unwrap_or(last);
    let Some(dot) = without_dot.bytes().rposition(|byte| byte == b'.') else {
        return Err(ParseError::new(length - last.len(), ParseErrorKind::DomainEnd));
    };
    if is_toplabel(without_dot.get(dot + 1..).unwrap_or_default()) {
        return Ok(());
    }
    Err(ParseError::new(length - last.len() + dot + 1, ParseErrorKind::DomainEnd))
}

/// Whether a label is letters, digits and inner dashes, and not digits alone (§7.1, `toplabel`).
fn is_toplabel(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !label.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use crate::MacroString;
    use crate::record::ParseErrorKind;

    fn domain_spec(text: &str) -> Result<(), (usize, ParseErrorKind)> {
        MacroString::domain_spec(text).map(|_| ()).map_err(|error| (error.offset, error.kind))
    }

    /// §7.1, `domain-end`: a macro, or a dot and a label that is not digits alone.
    #[test]
    fn a_domain_ends_in_a_macro_or_a_top_level_label() {
        for good in [
            "%{d}",
            "a.%{d}",
            "a%%",
            "a%_",
            "a%-",
            "a.example",
            "a.example.",
            "%{i}.xn--p1ai",
            "a.b-1",
            "a.1-2",
            "a.1b",
        ] {
            assert_eq!(domain_spec(good), Ok(()), "{good}");
        }
        for (bad, offset) in [
            ("museum", 0),
            ("museum.", 0),
            ("", 0),
            ("a.123", 2),
            ("1.2.3.4", 6),
            ("a.-b", 2),
            ("a.b-", 2),
            ("a.b_c", 2),
            ("a.b:25", 2),
            ("a..", 2),
            ("%{d}.", 4),
            ("%{d}com", 4),
            ("a.b.c%{d}d.9", 11),
        ] {
            assert_eq!(domain_spec(bad), Err((offset, ParseErrorKind::DomainEnd)), "{bad}");
        }
    }

    /// §7.1: `%` stands for nothing on its own.
    #[test]
    fn a_percent_sign_needs_its_partner() {
        assert_eq!(domain_spec("%.example"), Err((0, ParseErrorKind::Percent)));
        assert_eq!(domain_spec("a.example%"), Err((9, ParseErrorKind::Percent)));
        assert_eq!(domain_spec("%(d).example"), Err((0, ParseErrorKind::Percent)));
        assert_eq!(domain_spec("%{d.example"), Err((0, ParseErrorKind::UnclosedMacro)));
    }

    /// §7.1 and §7.3: digits that are not zero, then `r`, then delimiters, and nothing else.
    #[test]
    fn transformers_have_an_order() {
        for good in
            ["%{d2}", "%{d2r}", "%{dr-}", "%{l1r+-}", "%{s.-+,/_=}", "%{dR}", "%{d200}", "%{d99999999999999999999999}"]
        {
            assert_eq!(domain_spec(good), Ok(()), "{good}");
        }
        assert_eq!(domain_spec("%{d0}"), Err((3, ParseErrorKind::ZeroParts)));
        assert_eq!(domain_spec("%{dr2}"), Err((4, ParseErrorKind::Transformer)));
        assert_eq!(domain_spec("%{d-r}"), Err((4, ParseErrorKind::Transformer)));
        assert_eq!(domain_spec("%{d:}"), Err((3, ParseErrorKind::Transformer)));
        assert_eq!(domain_spec("%{dé}"), Err((3, ParseErrorKind::Transformer)));
    }

    #[test]
    fn unknown_letters_are_refused() {
        assert_eq!(domain_spec("a.%{x}"), Err((4, ParseErrorKind::MacroLetter('x'))));
        assert_eq!(domain_spec("a.%{}"), Err((4, ParseErrorKind::MacroLetter('}'))));
        assert_eq!(domain_spec("a.%{é}"), Err((4, ParseErrorKind::MacroLetter('é'))));
    }

    /// §7.2: `c`, `r` and `t` stand in explanations only.
    #[test]
    fn explanations_have_letters_of_their_own() {
        for letter in ['c', 'r', 't'] {
            assert_eq!(domain_spec(&format!("%{{{letter}}}")), Err((2, ParseErrorKind::ExplanationOnly(letter))));
            assert!(MacroString::explain_string(&format!("from %{{{letter}}}")).is_ok());
        }
    }

    /// §6.2 and §7.1: spaces are for explanations, 8-bit text for nobody in the DNS.
    #[test]
    fn literals_are_visible_ascii() {
        assert_eq!(domain_spec("a b.example"), Err((1, ParseErrorKind::Byte(b' '))));
        assert_eq!(domain_spec("é.example"), Err((0, ParseErrorKind::Byte(0xc3))));
        assert!(MacroString::explain_string("two words").is_ok());
        assert!(MacroString::explain_string("caf\u{e9}").is_err());
        assert!(MacroString::explain_string("a\tb").is_err());
        assert!(MacroString::configuration("caf\u{e9} für alle", &[]).is_ok());
        assert!(MacroString::configuration("two\nlines", &[]).is_err());
    }

    #[test]
    fn names_of_the_program_are_for_configuration_text() {
        let names = ["rcpt", "queue_id"];
        let text = MacroString::configuration("%{rcpt} %{QUEUE_ID} %{r} %{ir}", &names).unwrap();
        assert_eq!(text.to_string(), "%{rcpt} %{QUEUE_ID} %{r} %{ir}");
        let error = MacroString::configuration("to %{rpct}", &names).unwrap_err();
        assert_eq!(error.to_string(), "unknown name \"rpct\" in braces (at byte 5)");
        assert!(MacroString::explain_string("%{rcpt}").is_err());
        assert!(MacroString::domain_spec("%{rcpt}").is_err());
    }
}
