//! Fault rules from text.

use std::str::FromStr;
use std::time::Duration;

use zone::{Name, RecordType, Span};

use super::{Action, FaultRule, NamePattern, TypePattern, When};
use crate::{Rcode, Transport};

/// What is wrong in the text of a fault rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default())]
pub struct FaultError {
    /// The bytes at fault, within the text of the rule; empty at the end where something is missing.
    pub span: Span,
    /// What is wrong, as a lower-case fragment without control bytes.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl FaultError {
    fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Suggests the nearest of `known`, or lists them all.
    fn choices(self, word: &str, known: &[&str]) -> Self {
        match closest(word, known) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self.help(format!("known are {}", known.join(", "))),
        }
    }
}

impl FromStr for FaultRule {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut words = Words::new(text);
        let name =
            words.next("the name", "a rule is `NAME TYPE [udp|tcp] ACTION [first N | every N | until step N]`")?;
        let name = name_pattern(name)?;
        let rtype = words
            .next("the record type", "`ANY`, or a type such as `TXT`, several as `A,AAAA`, all but some as `!TXT`")?;
        let rtype = type_pattern(rtype)?;
        let transport = transport(&mut words);
        let action = action(&mut words)?;
        let when = when(&mut words)?;
        match words.peek() {
            None => Ok(Self { name, rtype, transport, when, action }),
            Some(extra) => {
                Err(FaultError::new(extra.span, format!("unexpected {} at the end of the rule", extra.shown())))
            }
        }
    }
}

/// A stretch of the rule without blanks.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    span: Span,
}

impl Word<'_> {
    fn shown(&self) -> String {
        let head: String = self.text.chars().take(60).collect();
        format!("`{}`", head.escape_debug())
    }
}

struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self) -> Option<Word<'a>> {
        let rest = &self.text[self.at..];
        let text = rest.trim_start();
        let start = self.at + rest.len() - text.len();
        let text = text.split(char::is_whitespace).next().filter(|word| !word.is_empty())?;
        Some(Word { text, span: Span::new(start, start + text.len()) })
    }

    fn next_if_any(&mut self) -> Option<Word<'a>> {
        let word = self.peek()?;
        self.at = word.span.end;
        Some(word)
    }

    fn next(&mut self, what: &str, help: &str) -> Result<Word<'a>, FaultError> {
        let end = Span::new(self.text.len(), self.text.len());
        self.next_if_any().ok_or_else(|| FaultError::new(end, format!("{what} is missing")).help(help))
    }

    /// Takes the next word if `read` makes something of it.
    fn take<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let word = self.peek()?;
        let value = read(word.text)?;
        self.at = word.span.end;
        Some(value)
    }

    fn number(&mut self, what: &str) -> Result<u64, FaultError> {
        let word = self.next(what, "a whole number")?;
        number(word.text)
            .ok_or_else(|| FaultError::new(word.span, format!("{what} is expected here, not {}", word.shown())))
    }
}

fn name_pattern(word: Word<'_>) -> Result<NamePattern, FaultError> {
    let name = |text: &str| Name::parse(text).map_err(|error| FaultError::new(word.span, error.to_string()));
    match word.text.strip_prefix("*.") {
        _ if word.text == "*" => Ok(NamePattern::All),
        Some(top) => Ok(NamePattern::Below(name(top)?)),
        None => Ok(NamePattern::Exact(name(word.text)?)),
    }
}

fn type_pattern(word: Word<'_>) -> Result<TypePattern, FaultError> {
    let (list, except) = match word.text.strip_prefix('!') {
        Some(list) => (list, true),
        None => (word.text, false),
    };
    let types = list.split(',').map(|text| record_type(word, text)).collect::<Result<Vec<_>, _>>()?;
    match (types.contains(&RecordType::ANY), except) {
        (true, false) => Ok(TypePattern::Any),
        (true, true) => Err(FaultError::new(word.span, "`!ANY` leaves no type")),
        (false, false) => Ok(TypePattern::Only(types)),
        (false, true) => Ok(TypePattern::Except(types)),
    }
}

fn record_type(word: Word<'_>, text: &str) -> Result<RecordType, FaultError> {
    text.parse().map_err(|_| {
        let error = FaultError::new(word.span, format!("unknown record type in {}", word.shown()));
        match RecordType::suggest(text) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("a rule is `NAME TYPE ACTION`; `ANY` means every type"),
        }
    })
}

fn transport(words: &mut Words<'_>) -> Option<Transport> {
    words.take(|word| match word.to_ascii_lowercase().as_str() {
        "udp" => Some(Some(Transport::Udp)),
        "tcp" => Some(Some(Transport::Tcp)),
        "both" => Some(None),
        _ => None,
    })?
}

fn action(words: &mut Words<'_>) -> Result<Action, FaultError> {
    let word = words.next("the action", &format!("one of {}", ACTIONS.join(", ")))?;
    Ok(match word.text.to_ascii_lowercase().as_str() {
        "drop" | "timeout" => Action::Drop,
        "delay" => Action::Delay(required_duration(words)?),
        "rcode" => Action::Rcode(rcode(words)?),
        "servfail" => Action::Rcode(Rcode::SERVFAIL),
        "refused" => Action::Rcode(Rcode::REFUSED),
        "formerr" => Action::Rcode(Rcode::FORMERR),
        "notimp" => Action::Rcode(Rcode::NOTIMP),
        "nxdomain" => Action::NxDomain,
        "nodata" | "empty" => Action::NoData,
        "truncate" => Action::Truncate,
        "wrong-id" => Action::WrongId,
        "wrong-question" => Action::WrongQuestion,
        "wrong-owner" => Action::WrongOwner,
        "query-bit" => Action::QueryBit,
        "cut" => Action::Cut(words.take(|text| text.parse().ok())),
        "raw" => raw(words)?,
        "duplicate" => Action::Duplicate(copies(words)?),
        "tcp-reset" => Action::TcpReset,
        "tcp-half" => Action::TcpHalf,
        "tcp-drip" => Action::TcpDrip(words.take(duration).unwrap_or(DEFAULT_DRIP)),
        other => {
            return Err(FaultError::new(word.span, format!("unknown action {}", word.shown())).choices(other, ACTIONS));
        }
    })
}

fn required_duration(words: &mut Words<'_>) -> Result<Duration, FaultError> {
    let help = "a time is a number with `ms`, `s` or `m`, up to an hour, as `200ms`";
    let word = words.next("the time", help)?;
    duration(word.text).ok_or_else(|| FaultError::new(word.span, format!("{} is no time", word.shown())).help(help))
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let amount = number(&text[..digits])?;
    let factor_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return None,
    };
    amount.checked_mul(factor_ms).map(Duration::from_millis).filter(|duration| *duration <= MAX_DELAY)
}

fn rcode(words: &mut Words<'_>) -> Result<Rcode, FaultError> {
    let word = words.next("the response code", "a name such as `SERVFAIL`, or a number from 0 to 4095")?;
    let known: Vec<_> = Rcode::mnemonics().collect();
    word.text.parse().map_err(|_| {
        FaultError::new(word.span, format!("unknown response code {}", word.shown()))
            .choices(&word.text.to_ascii_uppercase(), &known)
    })
}

fn raw(words: &mut Words<'_>) -> Result<Action, FaultError> {
    let help = "pairs of hexadecimal digits, with `id+` in front to begin with the question's id, as `raw id+8180`";
    let word = words.next("the bytes", help)?;
    let lower = word.text.to_ascii_lowercase();
    let (digits, with_id) = match lower.strip_prefix("id+") {
        Some(digits) => (digits, true),
        None => (lower.as_str(), false),
    };
    let bytes = hex(digits).filter(|bytes| bytes.len() <= MAX_RAW_BYTES);
    let bytes = bytes
        .ok_or_else(|| FaultError::new(word.span, format!("{} is no hexadecimal data", word.shown())).help(help))?;
    Ok(Action::Raw { with_id, bytes })
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let nibbles: Option<Vec<u8>> =
        digits.chars().map(|digit| digit.to_digit(16).and_then(|value| value.try_into().ok())).collect();
    let nibbles = nibbles.filter(|nibbles| nibbles.len().is_multiple_of(2))?;
    Some(nibbles.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn copies(words: &mut Words<'_>) -> Result<u16, FaultError> {
    let Some(word) = words.peek().filter(|word| word.text.starts_with(|first: char| first.is_ascii_digit())) else {
        return Ok(2);
    };
    words.at = word.span.end;
    let copies = number(word.text)
        .and_then(|copies| u16::try_from(copies).ok())
        .filter(|copies| (1..=MAX_COPIES).contains(copies));
    copies.ok_or_else(|| {
        FaultError::new(word.span, format!("the number of copies is 1 to {MAX_COPIES}, not {}", word.shown()))
    })
}

fn when(words: &mut Words<'_>) -> Result<When, FaultError> {
    let Some(word) = words.next_if_any() else { return Ok(When::All) };
    match word.text.to_ascii_lowercase().as_str() {
        "all" => Ok(When::All),
        "first" => words.number("the number of questions").map(When::First),
        "every" => every(words),
        "until" => {
            let step = words.next("`step`", "`until step 3`")?;
            if !step.text.eq_ignore_ascii_case("step") {
                return Err(FaultError::new(step.span, format!("`step` is expected here, not {}", step.shown()))
                    .help("`until step 3`"));
            }
            words.number("the step's number").map(When::UntilStep)
        }
        other => Err(FaultError::new(word.span, format!("unexpected {} after the action", word.shown()))
            .choices(other, &["first", "every", "until"])),
    }
}

fn every(words: &mut Words<'_>) -> Result<When, FaultError> {
    let span = words.peek().map(|word| word.span);
    match (words.number("the interval")?, span) {
        (0, Some(span)) => {
            Err(FaultError::new(span, "an interval of 0 never comes").help("`every 1` is each question"))
        }
        (interval, _) => Ok(When::Every(interval)),
    }
}

/// A decimal number without sign.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // A hostile word of megabytes must not buy quadratic work.
    let word = Some(word).filter(|word| word.len() <= 64)?;
    let near =
        known.iter().map(|known| (strsim::osa_distance(word, known), *known)).min_by_key(|(distance, _)| *distance)?;
    (near.0 <= (word.len() / 3).max(1)).then_some(near.1)
}

const ACTIONS: &[&str] = &[
    "drop",
    "delay",
    "rcode",
    "servfail",
    "refused",
    "formerr",
    "notimp",
    "nxdomain",
    "nodata",
    "truncate",
    "wrong-id",
    "wrong-question",
    "wrong-owner",
    "query-bit",
    "cut",
    "raw",
    "duplicate",
    "tcp-reset",
    "tcp-half",
    "tcp-drip",
    "timeout",
    "empty",
];
const DEFAULT_DRIP: Duration = Duration::from_millis(10);
const MAX_DELAY: Duration = Duration::from_secs(3600);
const MAX_COPIES: u16 = 100;
/// What fits into one datagram.
const MAX_RAW_BYTES: usize = 65_000;

#[cfg(test)]
mod tests;
