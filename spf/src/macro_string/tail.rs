/// The right end of a text that grows to the left, and no more of it than is of use.
///
/// A text of thousands of macros is expanded from the right into one of these, so that the work ends when the room does.
pub(super) struct Tail<const BYTES: usize> {
    bytes: [u8; BYTES],
    start: usize,
}

/// The text is longer than there is room for; what fits is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<const BYTES: usize> Tail<BYTES> {
    pub(super) fn new() -> Self {
        Self { bytes: [0; BYTES], start: BYTES }
    }

    /// Returns the text.
    pub(super) fn text(&self) -> &[u8] {
        self.bytes.split_at(self.start).1
    }

    /// Makes room for some bytes on the left, to be written by the caller; none if they do not fit.
    pub(super) fn room(&mut self, length: usize) -> Option<&mut [u8]> {
        let start = self.start.checked_sub(length)?;
        let room = self.bytes.get_mut(start..self.start)?;
        self.start = start;
        Some(room)
    }

    /// Writes to the left of the text.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Full> {
        if let Some(room) = self.room(piece.len()) {
            room.copy_from_slice(piece);
            return Ok(());
        }
        let end_of_piece = piece.split_at(piece.len().saturating_sub(self.start)).1;
        self.bytes.split_at_mut(self.start).0.copy_from_slice(end_of_piece);
        self.start = 0;
        Err(Full)
    }

    /// Writes to the left of the text, URL-escaped.
    pub(super) fn push_url_escaped(&mut self, piece: &[u8]) -> Result<(), Full> {
        piece.iter().rev().try_for_each(|&byte| match url_escape(byte) {
            None => self.push(&[byte]),
            Some(escaped) => self.push(&escaped),
        })
    }
}

/// Returns the escape of a byte in a URL: all have one but the unreserved characters of RFC 3986 section 2.3 (§7.3).
pub(super) fn url_escape(byte: u8) -> Option<[u8; 3]> {
    let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if is_unreserved { None } else { Some([b'%', hex_digit(byte >> 4), hex_digit(byte & 0xf)]) }
}

/// Returns the digit of a nibble, in upper case.
pub(super) fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_off_on_the_left() {
        let mut tail = Tail::<8>::new();
        assert_eq!(tail.push(b"right"), Ok(()));
        assert_eq!(tail.push(b"abc"), Ok(()));
        assert_eq!(tail.text(), b"abcright");
        assert_eq!(tail.push(b""), Ok(()), "nothing fits always");
        assert_eq!(tail.push(b"x"), Err(Full));
        assert_eq!(tail.text(), b"abcright");

        let mut tail = Tail::<8>::new();
        assert_eq!(tail.push_url_escaped(b"a b@c"), Err(Full));
        assert_eq!(tail.text(), b"%20b%40c", "of the a nothing is left");
        let mut tail = Tail::<4>::new();
        assert_eq!(tail.push(b"abcdef"), Err(Full));
        assert_eq!(tail.text(), b"cdef");
    }
}
