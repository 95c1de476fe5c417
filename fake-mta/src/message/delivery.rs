//! What the next hop gets of a message: an SMTP client breaks the lines that are too long for it.

/// How an MTA's SMTP client breaks long lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineBreaking {
    /// As sendmail does: a `!` where the line was broken, and a space before what follows.
    Marked {
        /// The longest line that goes out whole: the mailer's `L=`.
        line_max: usize,
        /// How many bytes of a line are looked at together; only within them is the length counted.
        chunk_max: usize,
    },
    /// As Postfix does: a space before what follows.
    Spaced {
        /// The longest line: `smtp_line_length_limit`.
        line_max: usize,
    },
}

impl LineBreaking {
    /// The text with no line longer than the next hop should get. Line ends are LF.
    pub(crate) fn apply(self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            match self {
                Self::Marked { line_max, chunk_max } => marked(line, line_max, chunk_max, &mut out),
                Self::Spaced { line_max } => spaced(line, line_max, &mut out),
            }
        }
        out
    }
}

fn marked(line: &[u8], line_max: usize, chunk_max: usize, out: &mut Vec<u8>) {
    for chunk in line.chunks(chunk_max) {
        let mut rest = chunk;
        // The space before a continuation counts.
        let mut used = 0;
        while content_length(rest) + used > line_max {
            let (piece, after) = rest.split_at(line_max - used - 1);
            out.extend_from_slice(piece);
            out.extend_from_slice(b"!\n ");
            rest = after;
            used = 1;
        }
        out.extend_from_slice(rest);
    }
}

fn spaced(line: &[u8], line_max: usize, out: &mut Vec<u8>) {
    let mut rest = line;
    let mut room = line_max;
    while content_length(rest) > room {
        let (piece, after) = rest.split_at(room);
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\n ");
        rest = after;
        room = line_max - 1;
    }
    out.extend_from_slice(rest);
}

fn content_length(line: &[u8]) -> usize {
    line.strip_suffix(b"\n").unwrap_or(line).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(breaking: LineBreaking, length: usize) -> Vec<usize> {
        let text = [&vec![b'x'; length][..], b"\n"].concat();
        let broken = breaking.apply(&text);
        broken.strip_suffix(b"\n").unwrap().split(|&byte| byte == b'\n').map(<[u8]>::len).collect()
    }

    const SENDMAIL: LineBreaking = LineBreaking::Marked { line_max: 2040, chunk_max: 2047 };
    const POSTFIX: LineBreaking = LineBreaking::Spaced { line_max: 998 };

    #[test]
    fn sendmail_marks_the_break_and_counts_anew_in_every_chunk() {
        assert_eq!(lengths(SENDMAIL, 2040), [2040]);
        assert_eq!(lengths(SENDMAIL, 2041), [2040, 3]);
        assert_eq!(lengths(SENDMAIL, 65_533)[..3], [2040, 2049, 2049]);
        assert_eq!(lengths(SENDMAIL, 65_533).last(), Some(&38));
    }

    #[test]
    fn postfix_puts_a_space_before_what_follows() {
        assert_eq!(lengths(POSTFIX, 998), [998]);
        assert_eq!(lengths(POSTFIX, 999), [998, 2]);
        assert_eq!(lengths(POSTFIX, 998 + 997), [998, 998]);
    }
}
