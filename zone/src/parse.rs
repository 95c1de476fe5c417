//! Zone text into records.

use crate::error::{ZoneError, ZoneErrors, line_column, shown};
use crate::lex::{Entry, LexError, Lexer, Token};
use crate::rdata_text;
use crate::rtype::closest;
use crate::{Class, Name, Record, RecordType, Span};

/// Reads master-file text (RFC 1035 §5.1) and gives its records in order.
///
/// What may be left out: the class (the last one stated, else IN); the TTL (`$TTL`, else the last one stated, else
/// [`ParseOptions::default_ttl`]); the owner, by a line that starts with a blank. TTL and class stand in either order, TTLs
/// may have units (`1h30m`). Without origin a name is absolute with or without final dot. Control entries: `$ORIGIN`, `$TTL`;
/// `$INCLUDE` and `$GENERATE` are refused. Types without a text form here take the generic one, `\# length hex`.
///
/// Nothing is checked across records; see [`lint`](crate::lint()).
///
/// # Errors
/// All errors of the text up to [`MAX_ERRORS`], each with its place. A text longer than [`MAX_TEXT_BYTES`], or with more
/// than [`MAX_RECORDS`] records, is an error too.
pub fn parse(text: impl AsRef<[u8]>, options: &ParseOptions) -> Result<Vec<Record>, ZoneErrors> {
    let text = text.as_ref();
    let mut parser = Parser::new(text, options);
    if text.len() > MAX_TEXT_BYTES {
        parser.refuse(Fault::new(Span::default(), format!("the text is longer than {MAX_TEXT_BYTES} bytes")));
    } else {
        parser.run();
    }
    parser.finish()
}

/// What holds where a zone text says nothing.
///
/// ```
/// use zone::ParseOptions;
///
/// let options = ParseOptions { default_ttl: 300, ..ParseOptions::default() };
/// let records = zone::parse("www A 192.0.2.1", &options.with_origin("example.com".parse()?))?;
/// assert_eq!(records[0].to_string(), "www.example.com. 300 IN A 192.0.2.1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// What relative names are completed with before the first `$ORIGIN`; the root by default.
    pub origin: Name,
    /// The TTL of records in a text that states none, in seconds; 0 by default.
    pub default_ttl: u32,
}

impl ParseOptions {
    /// The same options with another origin.
    #[must_use]
    pub fn with_origin(mut self, origin: Name) -> Self {
        self.origin = origin;
        self
    }
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { origin: Name::root(), default_ttl: 0 }
    }
}

/// An error before its line and column are known.
pub(crate) struct Fault {
    span: Span,
    message: String,
    help: Option<String>,
}

impl Fault {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn suggest(mut self, suggestion: Option<&str>) -> Self {
        self.help = suggestion.map(|known| format!("did you mean `{known}`?")).or(self.help);
        self
    }
}

impl From<LexError> for Fault {
    fn from(error: LexError) -> Self {
        Self::new(error.span, error.message).help(error.help)
    }
}

/// The tokens of one entry, taken from the front.
pub(crate) struct Fields<'a> {
    pub(crate) text: &'a [u8],
    tokens: &'a [Token],
}

impl<'a> Fields<'a> {
    pub(crate) fn peek(&self) -> Option<Token> {
        self.tokens.first().copied()
    }

    /// The next token; `what` names it in the error when there is none.
    pub(crate) fn next(&mut self, what: &str, end: usize) -> Result<Token, Fault> {
        let Some((first, rest)) = self.tokens.split_first() else {
            return Err(Fault::new(Span::new(end, end), format!("{what} is missing here")));
        };
        self.tokens = rest;
        Ok(*first)
    }

    pub(crate) fn next_if_any(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(*first)
    }

    pub(crate) fn raw(&self, token: Token) -> &'a [u8] {
        token.raw(self.text)
    }

    /// The token as text, if it is unquoted UTF-8: what keywords and numbers must be.
    pub(crate) fn word(&self, token: Token) -> Option<&'a str> {
        if token.quoted { None } else { std::str::from_utf8(self.raw(token)).ok() }
    }

    pub(crate) fn shown(&self, token: Token) -> String {
        shown(&self.text[token.span.range()])
    }

    pub(crate) fn name(&self, token: Token, origin: &Name) -> Result<Name, Fault> {
        if token.quoted {
            return Err(
                Fault::new(token.span, "a name is expected here, not a quoted string").help("remove the quotes")
            );
        }
        Name::parse_relative(self.raw(token), origin).map_err(|error| Fault::new(token.span, error.to_string()))
    }
}

struct Parser<'a> {
    text: &'a [u8],
    origin: Name,
    default_ttl: u32,
    /// From `$TTL`.
    zone_ttl: Option<u32>,
    last_ttl: Option<u32>,
    last_class: Class,
    last_owner: Option<Name>,
    records: Vec<Record>,
    errors: Vec<ZoneError>,
    stopped: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8], options: &ParseOptions) -> Self {
        Self {
            text,
            origin: options.origin.clone(),
            default_ttl: options.default_ttl,
            zone_ttl: None,
            last_ttl: None,
            last_class: Class::IN,
            last_owner: None,
            records: Vec::new(),
            errors: Vec::new(),
            stopped: false,
        }
    }

    fn run(&mut self) {
        let mut lexer = Lexer::new(self.text);
        while let Some(entry) = lexer.next_entry() {
            if self.stopped {
                return;
            }
            let done = entry.map_err(Fault::from).and_then(|entry| self.entry(&entry));
            if let Err(fault) = done {
                self.refuse(fault);
            }
        }
        // The limit was reached by the last entry: there is no more.
        self.stopped = false;
    }

    fn refuse(&mut self, fault: Fault) {
        let (line, column) = line_column(self.text, fault.span.start);
        let Fault { span, message, help } = fault;
        self.errors.push(ZoneError { span, line, column, message, help });
        self.stopped = self.errors.len() >= MAX_ERRORS;
    }

    fn finish(self) -> Result<Vec<Record>, ZoneErrors> {
        match ZoneErrors::new(self.errors, self.stopped) {
            Some(errors) => Err(errors),
            None => Ok(self.records),
        }
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), Fault> {
        let mut fields = Fields { text: self.text, tokens: &entry.tokens };
        let (Some(first), Some(last)) = (entry.tokens.first(), entry.tokens.last()) else { return Ok(()) };
        let span = Span::new(first.span.start, last.span.end);
        if !first.quoted && first.raw(self.text).starts_with(b"$") {
            return self.directive(&mut fields, span);
        }
        let owner = self.owner(entry.starts_blank, &mut fields, *first)?;
        // Kept before the rest is read: a mistake further on must not move later lines to another owner.
        self.last_owner = Some(owner.clone());
        let (ttl, class, rtype) = self.header(&mut fields, span.end)?;
        let rdata = rdata_text::read(&mut fields, rtype, &self.origin, span.end)?;
        if self.records.len() >= MAX_RECORDS {
            self.stopped = true;
            return Err(Fault::new(span, format!("more than {MAX_RECORDS} records")));
        }
        self.records.push(Record { owner, ttl, class, rdata, span });
        Ok(())
    }

    fn owner(&self, starts_blank: bool, fields: &mut Fields<'_>, first: Token) -> Result<Name, Fault> {
        if starts_blank {
            return self.last_owner.clone().ok_or_else(|| {
                Fault::new(
                    first.span,
                    "the line starts with blank space, so it repeats the owner before, but there is none",
                )
                .help("start the line with the owner's name, in the first column")
            });
        }
        let token = fields.next("the owner's name", first.span.end)?;
        fields.name(token, &self.origin)
    }

    /// TTL, class and type: the first two are optional and stand in either order (RFC 1035 §5.1).
    fn header(&mut self, fields: &mut Fields<'_>, end: usize) -> Result<(u32, Class, RecordType), Fault> {
        let (mut ttl, mut class) = (None, None);
        loop {
            let token = fields.next("the record type", end).map_err(|fault| fault.help("for example `TXT` or `A`"))?;
            let word = fields.word(token).unwrap_or_default();
            if ttl.is_none() && word.starts_with(|first: char| first.is_ascii_digit()) {
                ttl = Some(read_ttl(fields, token)?);
            } else if class.is_none() && word.parse::<Class>().is_ok_and(|class| class != Class::ANY) {
                class = word.parse().ok();
            } else {
                let rtype = read_type(fields, token)?;
                return Ok((self.settle_ttl(ttl), self.settle_class(class), rtype));
            }
        }
    }

    fn settle_ttl(&mut self, stated: Option<u32>) -> u32 {
        self.last_ttl = stated.or(self.last_ttl);
        // RFC 2308 §4: $TTL goes before the last one stated.
        stated.or(self.zone_ttl).or(self.last_ttl).unwrap_or(self.default_ttl)
    }

    fn settle_class(&mut self, stated: Option<Class>) -> Class {
        self.last_class = stated.unwrap_or(self.last_class);
        self.last_class
    }

    fn directive(&mut self, fields: &mut Fields<'_>, span: Span) -> Result<(), Fault> {
        let token = fields.next("a control entry", span.end)?;
        match fields.word(token).unwrap_or_default().to_ascii_uppercase().as_str() {
            "$ORIGIN" => {
                let name = fields.next("the origin's name", span.end)?;
                self.origin = fields.name(name, &self.origin)?;
            }
            "$TTL" => {
                let ttl = fields.next("the TTL", span.end)?;
                self.zone_ttl = Some(read_ttl(fields, ttl)?);
            }
            "$INCLUDE" => {
                return Err(Fault::new(span, "`$INCLUDE` is not read: a zone text stands alone")
                    .help("copy the records in, or give the other file as a zone of its own"));
            }
            "$GENERATE" => return Err(Fault::new(span, "`$GENERATE` is not read").help("write the records out")),
            other => {
                return Err(Fault::new(token.span, format!("unknown control entry {}", fields.shown(token)))
                    .help("`$ORIGIN` and `$TTL` are known; an owner that starts with a dollar sign is written `\\$`")
                    .suggest(closest(other, ["$ORIGIN", "$TTL"].into_iter())));
            }
        }
        end_of_entry(fields)
    }
}

/// Refuses what is left over.
pub(crate) fn end_of_entry(fields: &Fields<'_>) -> Result<(), Fault> {
    match fields.peek() {
        None => Ok(()),
        Some(token) => Err(Fault::new(token.span, format!("unexpected {} after the last field", fields.shown(token)))
            .help("remove it; a comment starts with `;`")),
    }
}

fn read_type(fields: &Fields<'_>, token: Token) -> Result<RecordType, Fault> {
    if token.quoted {
        return Err(Fault::new(token.span, format!("a record type is expected here, not {}", fields.shown(token)))
            .help("a line is `owner [TTL] [class] type data`; is the owner or the type missing?"));
    }
    let rtype = fields.word(token).and_then(|word| word.parse::<RecordType>().ok()).ok_or_else(|| {
        Fault::new(token.span, format!("unknown record type {}", fields.shown(token)))
            .help("a line is `owner [TTL] [class] type data`; any type can be written `TYPEnnn \\# length hex`")
            .suggest(fields.word(token).and_then(RecordType::suggest))
    })?;
    if rtype.is_meta() {
        return Err(Fault::new(token.span, format!("`{rtype}` is for questions only: no zone can hold it")));
    }
    Ok(rtype)
}

fn read_ttl(fields: &Fields<'_>, token: Token) -> Result<u32, Fault> {
    let seconds = fields.word(token).and_then(seconds);
    // RFC 2181 §8: the top bit is zero.
    seconds.filter(|seconds| *seconds <= MAX_TTL).ok_or_else(|| {
        Fault::new(token.span, format!("{} is no TTL", fields.shown(token))).help(format!(
            "a TTL is a number of seconds up to {MAX_TTL}, or numbers with units, as `1h30m` (w, d, h, m, s)"
        ))
    })
}

/// A number of seconds, or numbers with the units w, d, h, m and s added up.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let mut total = 0_u32;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u32 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next();
        let factor = match unit.map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = &rest[digits + unit.map_or(0, char::len_utf8)..];
    }
    (!text.is_empty()).then_some(total)
}

/// The longest text read.
pub const MAX_TEXT_BYTES: usize = 64 << 20;
/// The most records in one text.
pub const MAX_RECORDS: usize = 1_000_000;
/// Reading stops after so many errors.
pub const MAX_ERRORS: usize = 50;
/// RFC 2181 §8.
const MAX_TTL: u32 = (1 << 31) - 1;

#[cfg(test)]
mod tests;
