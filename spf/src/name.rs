use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::{LABEL_BYTES_MAX, NAME_BYTES_MAX};

/// A domain name: a row of labels, each 1 to 63 bytes of any value, 253 bytes in all.
///
/// Macros make labels that no host name allows (spaces, `@`, 8-bit bytes), so a name is built from labels or
/// by splitting text at its dots. There are no escapes on the way in: a backslash is a byte like any other.
/// Comparison and hash ignore ASCII case (RFC 4343). `Display` prints the decimal escapes of RFC 1035
/// section 5.1, so that a printed name holds neither control characters nor spaces.
#[derive(Clone)]
pub struct Name {
    /// Each label after its length, as on the wire, without the root's zero.
    wire: Arc<[u8]>,
}

impl Name {
    /// Returns the root, the name without labels (an MX record uses it to say "no mail here", RFC 7505).
    #[must_use]
    pub fn root() -> Self {
        Self { wire: Arc::from([]) }
    }

    /// Builds a name from its labels, leftmost first.
    ///
    /// # Errors
    /// A label is empty or over 63 bytes, or the name is over 253 bytes.
    pub fn from_labels<I>(labels: I) -> Result<Self, NameError>
    where
        I: IntoIterator<Item: AsRef<[u8]>>,
    {
        let mut wire = Builder::new();
        for label in labels {
            wire.push_label(label.as_ref())?;
        }
        wire.into_name()
    }

    /// Builds a name from text by splitting it at the dots; one dot at the end is dropped.
    ///
    /// # Errors
    /// The text is empty, a label is empty or over 63 bytes, or the name is over 253 bytes.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, NameError> {
        let text = without_final_dot(text.as_ref());
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            // Too long in any case; it may be a label of it that is.
            return Self::from_labels(text.split(|&byte| byte == b'.'));
        }
        let mut wire = [b'.'; NAME_BYTES_MAX + 1];
        let (wire, _) = wire.split_at_mut(text.len() + 1);
        wire.split_at_mut(1).1.copy_from_slice(text);
        let mut label_bytes = 0;
        // From the right: what stands before a label becomes its length.
        for byte in wire.iter_mut().rev() {
            if *byte == b'.' {
                *byte = label_length(label_bytes)?;
                label_bytes = 0;
            } else {
                label_bytes += 1;
            }
        }
        Ok(Self { wire: Arc::from(&*wire) })
    }

    /// Builds a name from expanded macro text, cutting whole labels off its left side until it fits 253 bytes
    /// ([RFC 7208 section 7.3](https://www.rfc-editor.org/rfc/rfc7208#section-7.3)).
    ///
    /// # Errors
    /// As [`Name::parse`], for what is left.
    pub fn parse_left_cut(text: impl AsRef<[u8]>) -> Result<Self, NameError> {
        let mut text = without_final_dot(text.as_ref());
        while text.len() > NAME_BYTES_MAX {
            match text.iter().position(|&byte| byte == b'.') {
                Some(dot) => text = text.split_at(dot + 1).1,
                None => break,
            }
        }
        Self::parse(text)
    }

    /// Returns the labels, leftmost first.
    #[must_use]
    pub fn labels(&self) -> Labels<'_> {
        Labels { rest: &self.wire }
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.wire.is_empty()
    }

    /// Whether this name is `parent` or lies below it.
    #[must_use]
    pub fn is_within(&self, parent: &Self) -> bool {
        let (mut labels, parent) = (self.labels(), &parent.wire);
        while labels.rest.len() > parent.len() {
            labels.next();
        }
        labels.rest.eq_ignore_ascii_case(parent)
    }

    /// Returns the bytes of the name with dots between the labels and without escapes, as macros expand it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = vec![0; self.text_bytes()];
        self.write_text(&mut text);
        text
    }

    /// Returns how many bytes [`Name::to_bytes`] has.
    pub(crate) fn text_bytes(&self) -> usize {
        self.wire.len().saturating_sub(1)
    }

    /// Writes what [`Name::to_bytes`] returns to a place of that length.
    pub(crate) fn write_text(&self, text: &mut [u8]) {
        let Some((&first, rest)) = self.wire.split_first() else { return };
        text.copy_from_slice(rest);
        // What stands before the other labels becomes a dot.
        let mut dot = usize::from(first);
        while let Some(byte) = text.get_mut(dot) {
            dot += 1 + usize::from(std::mem::replace(byte, b'.'));
        }
    }
}

fn without_final_dot(text: &[u8]) -> &[u8] {
    text.strip_suffix(b".").unwrap_or(text)
}

/// Returns the length byte of a label.
fn label_length(bytes: usize) -> Result<u8, NameError> {
    match u8::try_from(bytes) {
        Ok(0) => Err(NameError::EmptyLabel),
        Ok(length) if bytes <= LABEL_BYTES_MAX => Ok(length),
        _ => Err(NameError::LabelTooLong { bytes }),
    }
}

/// A name in the making: on the stack, so that only whole names are allocated.
struct Builder {
    /// A length byte for each label stands for the dots, and for one more than there are.
    bytes: [u8; NAME_BYTES_MAX + 1],
    /// How many bytes there would be if they all fitted.
    length: usize,
}

impl Builder {
    fn new() -> Self {
        Self { bytes: [0; NAME_BYTES_MAX + 1], length: 0 }
    }

    fn push_label(&mut self, label: &[u8]) -> Result<(), NameError> {
        let label_bytes = label_length(label.len())?;
        let end = self.length + 1 + label.len();
        if let Some([first, rest @ ..]) = self.bytes.get_mut(self.length..end) {
            *first = label_bytes;
            rest.copy_from_slice(label);
        }
        self.length = end;
        Ok(())
    }

    fn into_name(self) -> Result<Name, NameError> {
        match self.bytes.get(..self.length) {
            Some(wire) => Ok(Name { wire: wire.into() }),
            None => Err(NameError::TooLong { bytes: self.length - 1 }),
        }
    }
}

/// The labels of a [`Name`], leftmost first.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.rest.split_first()?;
        let (label, rest) = rest.split_at_checked(usize::from(length))?;
        self.rest = rest;
        Some(label)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        // Length bytes are at most 63, below the letters: ignoring case cannot mix them up.
        self.wire == other.wire || self.wire.eq_ignore_ascii_case(&other.wire)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let wire = &*self.wire;
        // Without an early end, so that many bytes are looked at in one go.
        if !wire.iter().fold(false, |any, byte| any | byte.is_ascii_uppercase()) {
            return state.write(wire);
        }
        let mut lower = [0; NAME_BYTES_MAX + 1];
        let (lower, _) = lower.split_at_mut(wire.len());
        lower.copy_from_slice(wire);
        lower.make_ascii_lowercase();
        state.write(lower);
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for (index, label) in self.labels().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            fmt_label(label, f)?;
        }
        Ok(())
    }
}

fn fmt_label(label: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for &byte in label {
        match byte {
            b'.' | b'\\' => write!(f, "\\{}", char::from(byte))?,
            b'!'..=b'~' => write!(f, "{}", char::from(byte))?,
            _ => write!(f, "\\{byte:03}")?,
        }
    }
    Ok(())
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// Why text or labels are no domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing in it.
    #[error("the name is empty")]
    Empty,
    /// Two dots in a row, or a dot at the start.
    #[error("the name has an empty label")]
    EmptyLabel,
    /// A label over 63 bytes.
    #[error("a label of {bytes} bytes is over the limit of 63")]
    LabelTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A name over 253 bytes.
    #[error("a name of {bytes} bytes is over the limit of 253")]
    TooLong {
        /// Its length in text form.
        bytes: usize,
    },
    /// One label only, where SPF wants a fully qualified name (§4.3).
    #[error("the name has only one label")]
    SingleLabel,
    /// An address literal such as `[192.0.2.1]`.
    #[error("an address literal is no domain name")]
    AddressLiteral,
    /// Labels in Unicode that have no A-label form (RFC 5891).
    #[error("the name is not valid in IDNA")]
    Idna,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn case_is_ignored_by_comparison_and_hash() {
        let mut set = std::collections::HashSet::new();
        set.insert(name("Mail.EXAMPLE.com."));
        assert!(set.contains(&name("mail.example.COM")));
        assert_ne!(name("mail.example.com"), name("mail.example.org"));
    }

    #[test]
    fn a_label_holds_63_bytes_and_a_name_253() {
        let label = "x".repeat(63);
        assert!(Name::parse(&label).is_ok());
        assert_eq!(Name::parse("x".repeat(64)), Err(NameError::LabelTooLong { bytes: 64 }));
        let long = [label.as_str(), &label, &label, &"y".repeat(61)].join(".");
        assert_eq!(long.len(), 253);
        assert!(Name::parse(&long).is_ok());
        assert_eq!(Name::parse(format!("{long}z")), Err(NameError::TooLong { bytes: 254 }));
    }

    #[test]
    fn empty_names_and_labels_are_refused() {
        assert_eq!(Name::parse(""), Err(NameError::Empty));
        assert_eq!(Name::parse("."), Err(NameError::Empty));
        assert_eq!(Name::parse("a..b"), Err(NameError::EmptyLabel));
        assert_eq!(Name::parse(".a"), Err(NameError::EmptyLabel));
        assert_eq!(Name::parse("a.."), Err(NameError::EmptyLabel));
    }

    #[test]
    fn expanded_names_over_253_bytes_lose_labels_on_the_left() {
        let tail = ["b".repeat(63), "c".repeat(63), "d".repeat(63), "e".repeat(61)].join(".");
        assert_eq!(Name::parse_left_cut(format!("a.{tail}")), Name::parse(&tail));
        assert_eq!(Name::parse_left_cut(format!("{tail}.")), Name::parse(&tail));
        let one_too_many = ["a".repeat(62), "b".repeat(63), "c".repeat(63), "d".repeat(63)].join(".");
        assert_eq!(one_too_many.len(), 254);
        assert_eq!(Name::parse_left_cut(&one_too_many), Name::parse(one_too_many.trim_start_matches(['a', '.'])));
        assert_eq!(Name::parse_left_cut("x".repeat(300)), Err(NameError::LabelTooLong { bytes: 300 }));
    }

    #[test]
    fn printing_escapes_in_decimal() {
        let odd = Name::from_labels([b"a b".as_slice(), b"\xffc.d\\", b"example"]).unwrap();
        assert_eq!(odd.to_string(), r"a\032b.\255c\.d\\.example");
        assert_eq!(Name::root().to_string(), ".");
    }

    #[test]
    fn a_backslash_in_text_is_a_byte_and_no_escape() {
        let labels: Vec<_> = name(r"a\.b").labels().map(<[u8]>::to_vec).collect();
        assert_eq!(labels, [b"a\\".to_vec(), b"b".to_vec()]);
    }

    #[test]
    fn a_name_is_within_itself_and_its_parents_only() {
        assert!(name("mail.Example.com").is_within(&name("example.COM")));
        assert!(name("example.com").is_within(&name("example.com")));
        assert!(!name("badexample.com").is_within(&name("example.com")));
        assert!(!name("com").is_within(&name("example.com")));
        let dotted = Name::from_labels(["mail.example", "com"]).unwrap();
        assert!(!dotted.is_within(&name("example.com")), "a dot inside a label separates nothing");
    }
}
