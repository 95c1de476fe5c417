//! Domain names as byte labels.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use thiserror::Error;

/// A fully qualified domain name: labels of arbitrary bytes (RFC 1035 §3.1, RFC 2181 §11).
///
/// The spelling is kept; comparison, hashing and order ignore ASCII case (RFC 4343). The order is the canonical one of
/// RFC 4034 §6.1: by label, from the root. A label has 1 to 63 bytes, a name at most 255 in wire form, the root's zero included.
///
/// ```
/// let name: zone::Name = "Mail.Example.com".parse()?;
/// assert_eq!(name, "mail.example.COM.".parse()?);
/// assert_eq!(name.to_string(), "Mail.Example.com.");
/// assert_eq!(name.parent().map(|up| up.to_string()).as_deref(), Some("Example.com."));
/// # Ok::<(), zone::NameError>(())
/// ```
#[derive(Clone)]
pub struct Name {
    /// Length-prefixed labels without the root's zero. No length byte is an ASCII letter, so the whole can be case-folded.
    wire: Box<[u8]>,
}

impl Name {
    /// The root, written `.`.
    #[must_use]
    pub fn root() -> Self {
        Self { wire: Box::default() }
    }

    /// The name with these labels, leftmost first, each taken byte for byte.
    ///
    /// # Errors
    /// A label is empty or longer than 63 bytes, or the name is longer than 255.
    pub fn from_labels<I>(labels: I) -> Result<Self, NameError>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut builder = Builder::default();
        for label in labels {
            builder.push(label.as_ref())?;
        }
        Ok(builder.finish())
    }

    /// The bytes of all labels and their lengths.
    pub(crate) fn wire_bytes(&self) -> usize {
        self.wire.len()
    }

    /// Reads master-file text (RFC 1035 §5.1: `\DDD`, `\X`); a name without final dot is taken as absolute too.
    ///
    /// # Errors
    /// An empty label, a broken escape, or a limit passed.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, NameError> {
        Self::parse_relative(text, &Self::root())
    }

    /// Reads master-file text; a name without final dot is completed with `origin`, and `@` is `origin` itself.
    ///
    /// # Errors
    /// An empty label, a broken escape, or a limit passed.
    pub fn parse_relative(text: impl AsRef<[u8]>, origin: &Self) -> Result<Self, NameError> {
        let text = text.as_ref();
        match text {
            b"" => return Err(NameError::Empty),
            b"@" => return Ok(origin.clone()),
            b"." => return Ok(Self::root()),
            _ => {}
        }
        let (mut builder, absolute) = Builder::from_text(text)?;
        if !absolute {
            for label in origin.labels() {
                builder.push(label)?;
            }
        }
        Ok(builder.finish())
    }

    /// Splits at each dot and takes all other bytes as they are: a backslash is a byte of the label, not an escape.
    ///
    /// One final dot is allowed. This is for names that do not come from master files, such as test data with odd bytes.
    ///
    /// # Errors
    /// An empty label, or a limit passed.
    pub fn from_dotted(text: impl AsRef<[u8]>) -> Result<Self, NameError> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let text = text.strip_suffix(b".").unwrap_or(text);
        if text.is_empty() {
            return Ok(Self::root());
        }
        Self::from_labels(text.split(|&byte| byte == b'.'))
    }

    /// The labels, leftmost first; none for the root.
    #[must_use]
    pub fn labels(&self) -> Labels<'_> {
        Labels { rest: &self.wire }
    }

    /// The number of labels; 0 for the root.
    #[must_use]
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.wire.is_empty()
    }

    /// Whether the leftmost label is exactly `*` (RFC 4592 §2.1.1).
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.labels().next() == Some(b"*")
    }

    /// The name without its leftmost label; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let mut labels = self.labels();
        labels.next()?;
        Some(Self { wire: labels.rest.into() })
    }

    /// This name and every name above it, ending with the root.
    pub fn ancestors_and_self(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    /// The name one level below with `label` on the left.
    ///
    /// # Errors
    /// The label is empty or too long, or the name becomes too long.
    pub fn child(&self, label: impl AsRef<[u8]>) -> Result<Self, NameError> {
        let mut builder = Builder::default();
        builder.push(label.as_ref())?;
        for label in self.labels() {
            builder.push(label)?;
        }
        Ok(builder.finish())
    }

    /// Whether `self` is `other` or lies below it.
    #[must_use]
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.label_count(), other.label_count());
        let Some(surplus) = mine.checked_sub(theirs) else { return false };
        self.labels().skip(surplus).zip(other.labels()).all(|(a, b)| a.eq_ignore_ascii_case(b))
    }

    /// The same name with ASCII letters in lower case.
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        Self { wire: self.wire.to_ascii_lowercase().into() }
    }

    /// The uncompressed wire form, the final zero included (RFC 1035 §3.1): 1 to 255 bytes.
    #[must_use]
    pub fn to_wire(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(self.wire.len() + 1);
        wire.extend_from_slice(&self.wire);
        wire.push(0);
        wire
    }

    /// The name for people: escaped as [`Display`](fmt::Display), without the final dot (the root stays `.`).
    #[must_use]
    pub fn to_text_without_dot(&self) -> String {
        let mut text = self.to_string();
        if !self.is_root() {
            text.pop();
        }
        text
    }
}

/// Absolute, with final dot, in RFC 1035 §5.1 form: `\X` before what has a meaning in master files, `\DDD` (decimal) for
/// all that is not printable ASCII. Safe on terminals and in logs.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_char('.');
        }
        for label in self.labels() {
            for &byte in label {
                write_label_byte(f, byte)?;
            }
            f.write_char('.')?;
        }
        Ok(())
    }
}

fn write_label_byte(f: &mut impl fmt::Write, byte: u8) -> fmt::Result {
    match byte {
        b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => write!(f, "\\{}", char::from(byte)),
        0x21..=0x7e => f.write_char(char::from(byte)),
        _ => write!(f, "\\{byte:03}"),
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.wire.eq_ignore_ascii_case(&other.wire)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in &self.wire {
            state.write_u8(byte.to_ascii_lowercase());
        }
        // No other name's bytes are a prefix of these: a length byte of zero cannot occur within.
        state.write_u8(0);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        let fold = |name: &Self| -> Vec<Vec<u8>> {
            let mut labels: Vec<_> = name.labels().map(<[u8]>::to_ascii_lowercase).collect();
            labels.reverse();
            labels
        };
        fold(self).cmp(&fold(other))
    }
}

/// The labels of a [`Name`], leftmost first; see [`Name::labels`].
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.rest.split_first()?;
        let (label, rest) = rest.split_at(usize::from(length));
        self.rest = rest;
        Some(label)
    }
}

/// Why bytes are no domain name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// No text at all.
    #[error("the name is empty (the root is written `.`)")]
    Empty,
    /// Two dots in a row, or a dot in front.
    #[error("the name has an empty label (two dots in a row, or a dot in front)")]
    EmptyLabel,
    /// A label longer than [`MAX_LABEL_BYTES`].
    #[error("a label of the name has {length} bytes, more than the {MAX_LABEL_BYTES} allowed")]
    LabelTooLong {
        /// Bytes in the label.
        length: usize,
    },
    /// A name longer than [`MAX_NAME_BYTES`].
    #[error("the name is longer than the {MAX_NAME_BYTES} bytes allowed")]
    TooLong,
    /// A backslash that is not followed by three digits up to 255 or by one character that is no digit.
    #[error("a backslash in the name is not followed by three decimal digits (000 to 255) or by one other character")]
    BadEscape,
}

/// Collects labels into wire form and holds the limits.
#[derive(Default)]
struct Builder {
    wire: Vec<u8>,
}

impl Builder {
    /// The labels of `text`, and whether it ends with a dot. `text` is not empty and not a lone dot.
    fn from_text(text: &[u8]) -> Result<(Self, bool), NameError> {
        let mut builder = Self::default();
        let mut label = Vec::new();
        let mut rest = text;
        while let Some((&byte, tail)) = rest.split_first() {
            match byte {
                b'.' => {
                    builder.push(&label)?;
                    label.clear();
                    rest = tail;
                    if rest.is_empty() {
                        return Ok((builder, true));
                    }
                }
                b'\\' => {
                    let (byte, tail) = unescape(tail).ok_or(NameError::BadEscape)?;
                    label.push(byte);
                    rest = tail;
                }
                _ => {
                    label.push(byte);
                    rest = tail;
                }
            }
        }
        builder.push(&label)?;
        Ok((builder, false))
    }

    fn push(&mut self, label: &[u8]) -> Result<(), NameError> {
        if label.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        let length = match u8::try_from(label.len()) {
            Ok(length) if label.len() <= MAX_LABEL_BYTES => length,
            _ => return Err(NameError::LabelTooLong { length: label.len() }),
        };
        // One more for the root's zero.
        if self.wire.len() + 1 + label.len() + 1 > MAX_NAME_BYTES {
            return Err(NameError::TooLong);
        }
        self.wire.push(length);
        self.wire.extend_from_slice(label);
        Ok(())
    }

    fn finish(self) -> Name {
        Name { wire: self.wire.into() }
    }
}

/// Reads what follows a backslash (RFC 1035 §5.1): the byte meant, and the text after it.
pub(crate) fn unescape(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [a, b, c, rest @ ..] if a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit() => {
            let value = [a, b, c].iter().fold(0_u16, |sum, digit| sum * 10 + u16::from(**digit - b'0'));
            Some((u8::try_from(value).ok()?, rest))
        }
        [byte, rest @ ..] if !byte.is_ascii_digit() => Some((*byte, rest)),
        _ => None,
    }
}

/// The longest label (RFC 1035 §2.3.4).
pub const MAX_LABEL_BYTES: usize = 63;
/// The longest name in wire form, the root's zero included (RFC 1035 §2.3.4).
pub const MAX_NAME_BYTES: usize = 255;

#[cfg(test)]
mod tests;
