/// Where and why a record or macro-string cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at byte {offset})")]
pub struct ParseError {
    /// The offset of the offending byte, counted in bytes from 0 at the start of the text.
    pub offset: usize,
    /// What is wrong.
    pub kind: ParseErrorKind,
}

impl ParseError {
    pub(crate) fn new(offset: usize, kind: ParseErrorKind) -> Self {
        Self { offset, kind }
    }

    /// Moves the place of an error found in a part of the text.
    pub(crate) fn after(self, bytes: usize) -> Self {
        Self { offset: self.offset + bytes, ..self }
    }
}

/// What can be wrong with a record (RFC 7208 section 12) or a macro-string (section 7).
///
/// Text quoted in these messages has its control characters and 8-bit bytes escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// The text does not begin with the version section (§4.5).
    #[error("an SPF record begins with \"v=spf1\" and a space")]
    Version,
    /// More text than a DNS message can carry.
    #[error("a record of {0} bytes is longer than any DNS message")]
    TooLong(usize),
    /// A byte that no record may hold: a control character or an 8-bit byte (§3.1).
    #[error("byte {} may not stand here", escape(*.0))]
    Byte(u8),
    /// A word that is neither mechanism nor modifier (§4.6.1).
    #[error("unknown mechanism {0:?}; a modifier would have '=' after its name")]
    UnknownMechanism(String),
    /// A qualifier with nothing after it, or before a modifier (§4.6.1).
    #[error("a qualifier must have a mechanism after it")]
    Qualifier,
    /// A mechanism written as a modifier or the other way round.
    #[error("{name:?} takes {expected:?} after its name")]
    Separator {
        /// The name, in lower case.
        name: &'static str,
        /// The right separator.
        expected: char,
    },
    /// An argument after a mechanism that takes none (`all`).
    #[error("{0:?} takes no argument")]
    UnexpectedArgument(&'static str),
    /// A mechanism or modifier without the argument it must have.
    #[error("{0:?} needs an argument")]
    MissingArgument(&'static str),
    /// No IPv4 address where one must be (§5.6).
    #[error("not an IPv4 address: {0:?}")]
    Ip4(String),
    /// No IPv6 address where one must be (§5.6).
    #[error("not an IPv6 address: {0:?}")]
    Ip6(String),
    /// A prefix length that is no number, has a leading zero, or is too large (§5.6).
    #[error("not a prefix length from 0 to {bits_max}: {text:?}")]
    PrefixLength {
        /// What stands there.
        text: String,
        /// The largest length: 32 or 128.
        bits_max: u8,
    },
    /// A second `redirect` or `exp` (§6).
    #[error("{0:?} may stand only once in a record")]
    DuplicateModifier(&'static str),
    /// A domain-spec that ends in neither a macro nor a top-level label (§7.1).
    #[error("a domain must end in a macro or in a dot and a top-level label, which is no number")]
    DomainEnd,
    /// A `%` without `{`, `%`, `_` or `-` after it (§7.1).
    #[error("'%' must be followed by '{{', '%', '_' or '-'; a percent sign itself is \"%%\"")]
    Percent,
    /// A `%{` without its `}`.
    #[error("the macro has no closing '}}'")]
    UnclosedMacro,
    /// A letter that is no macro (§7.2).
    #[error("{0:?} is no macro letter")]
    MacroLetter(char),
    /// `%{c}`, `%{r}` or `%{t}` outside an explanation (§7.2).
    #[error("macro letter {0:?} may stand in explanations only")]
    ExplanationOnly(char),
    /// A number of labels that is 0 (§7.3).
    #[error("the number of parts to keep must not be 0")]
    ZeroParts,
    /// Something else than digits, `r` and delimiters after a macro letter (§7.1).
    #[error("after the macro letter come digits, 'r', and delimiters of \".-+,/_=\", in this order")]
    Transformer,
    /// A name in braces that this configuration text does not offer.
    #[error("unknown name {0:?} in braces")]
    UnknownVariable(String),
}

fn escape(byte: u8) -> String {
    match byte {
        b' '..=b'~' => format!("{:?}", char::from(byte)),
        _ => format!("0x{byte:02x}"),
    }
}
