use std::num::NonZeroU32;

/// A macro letter ([RFC 7208 section 7.2](https://www.rfc-editor.org/rfc/rfc7208#section-7.2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MacroLetter {
    /// `s`: the sender.
    Sender,
    /// `l`: the local part of the sender.
    LocalPart,
    /// `o`: the domain of the sender.
    SenderDomain,
    /// `d`: the domain being checked.
    Domain,
    /// `i`: the client address, an IPv6 address as dotted nibbles.
    Ip,
    /// `p`: the validated name of the client; not to be used any more.
    ValidatedName,
    /// `v`: `in-addr` or `ip6`.
    Version,
    /// `h`: the HELO name.
    Helo,
    /// `c`: the client address in readable form; explanations only.
    ReadableIp,
    /// `r`: the receiving host; explanations only.
    Receiver,
    /// `t`: the time in seconds since 1970-01-01 UTC; explanations only.
    Time,
}

impl MacroLetter {
    /// Returns the letter in lower case.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Sender => 's',
            Self::LocalPart => 'l',
            Self::SenderDomain => 'o',
            Self::Domain => 'd',
            Self::Ip => 'i',
            Self::ValidatedName => 'p',
            Self::Version => 'v',
            Self::Helo => 'h',
            Self::ReadableIp => 'c',
            Self::Receiver => 'r',
            Self::Time => 't',
        }
    }

    /// Finds the macro of a letter of either case.
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte.to_ascii_lowercase() {
            b's' => Self::Sender,
            b'l' => Self::LocalPart,
            b'o' => Self::SenderDomain,
            b'd' => Self::Domain,
            b'i' => Self::Ip,
            b'p' => Self::ValidatedName,
            b'v' => Self::Version,
            b'h' => Self::Helo,
            b'c' => Self::ReadableIp,
            b'r' => Self::Receiver,
            b't' => Self::Time,
            _ => return None,
        })
    }

    /// Whether it may stand in explanations only (§7.2).
    pub(crate) const fn is_for_explanations(self) -> bool {
        matches!(self, Self::ReadableIp | Self::Receiver | Self::Time)
    }
}

/// A macro letter with its transformers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Macro {
    pub(crate) letter: MacroLetter,
    /// The letter was in upper case: the value is URL-escaped (§7.3).
    pub(crate) url_escape: bool,
    /// How many parts to keep, counted from the right; none for all.
    pub(crate) parts: Option<NonZeroU32>,
    pub(crate) reverse: bool,
    pub(crate) delimiters: Delimiters,
}

impl Macro {
    /// Whether the value is used as it is.
    pub(crate) fn is_plain(&self) -> bool {
        self.parts.is_none() && !self.reverse && self.delimiters.is_dot_only()
    }

    /// Whether all parts of the value are used as they are, in the opposite order.
    pub(super) fn is_only_reversed(&self) -> bool {
        self.parts.is_none() && self.reverse && self.delimiters.is_dot_only()
    }

    /// Hands out the parts of a value that are kept, the rightmost of the result first (§7.3): split at the delimiters,
    /// turned around, and so many from the right. Looks at no more of the value than was taken.
    pub(super) fn parts_from_right<'v, E>(
        &self,
        value: &'v [u8],
        take: impl FnMut(&'v [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let delimiters = self.delimiters.or_dot();
        let is_delimiter = |byte: &u8| delimiters.contains(*byte);
        let kept = self.parts.map_or(usize::MAX, |parts| usize::try_from(parts.get()).unwrap_or(usize::MAX));
        if self.reverse {
            value.split(is_delimiter).take(kept).try_for_each(take)
        } else {
            value.rsplit(is_delimiter).take(kept).try_for_each(take)
        }
    }
}

/// The characters at which a value is split; a dot if none are written (§7.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delimiters {
    /// Those written, each the bit of its distance from the first in ASCII.
    mask: u64,
}

impl Delimiters {
    const ALL: [u8; 7] = *b".-+,/_=";
    const DOT: Self = Self { mask: 1 << (b'.' - b'+') };

    /// Adds a delimiter; false if the byte is none.
    pub(crate) fn insert(&mut self, byte: u8) -> bool {
        let is_delimiter = Self::ALL.contains(&byte);
        if is_delimiter {
            self.mask |= 1 << (byte - b'+');
        }
        is_delimiter
    }

    /// Returns those that count.
    pub(crate) fn or_dot(self) -> Self {
        if self.mask == 0 { Self::DOT } else { self }
    }

    /// Whether a byte is among those written.
    pub(crate) fn contains(self, byte: u8) -> bool {
        #[cfg(test)]
        super::values::tests::count_byte();
        self.mask.checked_shr(u32::from(byte.wrapping_sub(b'+'))).is_some_and(|mask| mask & 1 != 0)
    }

    pub(crate) fn is_dot_only(self) -> bool {
        self.or_dot() == Self::DOT
    }

    /// Returns the delimiters that were written.
    pub(crate) fn written(self) -> impl Iterator<Item = u8> {
        Self::ALL.into_iter().filter(move |&byte| self.contains(byte))
    }
}
