//! Macro-strings (RFC 7208 section 7): one parser and one expansion for domain-specs, explanations and
//! configuration text.

mod expand;
mod letters;
mod parse;
mod print;
mod tail;
mod values;

use std::ops::Range;

pub use expand::MacroContext;
pub(crate) use expand::{expand_domain, expand_explanation};
pub use letters::MacroLetter;
pub(crate) use letters::{Delimiters, Macro};
pub(crate) use values::Values;

use crate::record::ParseError;
use parse::{Dialect, Parser};

/// A macro-string ([RFC 7208 section 7.1](https://www.rfc-editor.org/rfc/rfc7208#section-7.1)).
///
/// ```text
/// %{ letter digits r delimiters }     e.g. %{ir}  %{d2}  %{l1r+-}   upper case letter: URL-escaped
/// %%   a percent sign       %_   a space       %-   "%20"
/// ```
///
/// There are three kinds of text. A *domain-spec* stands in a record and names a domain. An *explain-string*
/// is the text of an `exp` and may hold spaces and the letters `c`, `r` and `t`. *Configuration text* is
/// written by an administrator: it may hold any character but controls, all letters, and besides them names
/// that the program offers, such as `%{rcpt}`; a name in upper case is URL-escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacroString(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// Text without macros, as most are.
    Literal(Box<str>),
    Parts(Box<Parts>),
}

/// The pieces of a macro-string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parts {
    /// All literal text and the names of variables, one behind the other.
    text: String,
    list: Vec<Part>,
}

impl Parts {
    /// Returns the text of a literal or the name of a variable.
    fn text_at(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}

/// A piece of a macro-string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text that stands for itself: where in [`Parts::text`].
    Literal(Range<usize>),
    /// `%%`.
    Percent,
    /// `%_`.
    Space,
    /// `%-`.
    UrlSpace,
    /// `%{…}` with a letter of §7.2.
    Macro(Macro),
    /// `%{…}` with a name of the program's own, which stands in [`Parts::text`] in lower case.
    Variable { name: Range<usize>, url_escape: bool },
}

impl MacroString {
    /// Reads the target of a mechanism or modifier. The text must be printable ASCII without spaces and end
    /// in a macro or in a dot and a top-level label.
    ///
    /// # Errors
    /// The text is no domain-spec; the offset is that of the offending byte.
    pub fn domain_spec(text: &str) -> Result<Self, ParseError> {
        let spec = Parser::new(text, Dialect::DomainSpec).parse()?;
        parse::check_domain_end(&spec, text.len())?;
        Ok(spec)
    }

    /// Reads the value of an unknown modifier: as a domain-spec, without the rule about its end.
    ///
    /// # Errors
    /// The text is no macro-string.
    pub(crate) fn modifier_value(text: &str) -> Result<Self, ParseError> {
        Parser::new(text, Dialect::DomainSpec).parse()
    }

    /// Reads the text of an explanation (§6.2). It must be printable ASCII.
    ///
    /// # Errors
    /// The text is no explain-string.
    pub fn explain_string(text: &str) -> Result<Self, ParseError> {
        Parser::new(text, Dialect::ExplainString).parse()
    }

    /// Reads text of a configuration, in which the `names` given may stand in braces. They must be of two or
    /// more lower-case letters, digits and `_`, and be no letter with transformers such as `dr`.
    ///
    /// # Errors
    /// The text is no macro-string, holds a control character, or a name that is not offered.
    pub fn configuration(text: &str, names: &[&str]) -> Result<Self, ParseError> {
        Parser::new(text, Dialect::Configuration(names)).parse()
    }

    /// Whether a macro letter occurs, in either case.
    #[must_use]
    pub fn uses(&self, letter: MacroLetter) -> bool {
        match &self.0 {
            Form::Literal(_) => false,
            Form::Parts(parts) => {
                parts.list.iter().any(|part| matches!(part, Part::Macro(found) if found.letter == letter))
            }
        }
    }

    /// Whether the text has no macros at all, so that it stands for itself.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.as_literal().is_some()
    }

    pub(crate) fn as_literal(&self) -> Option<&str> {
        match &self.0 {
            Form::Literal(text) => Some(text),
            Form::Parts(_) => None,
        }
    }
}
