//! Cuts the client's byte stream into command lines and message texts.

/// What the client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A command line without its line end.
    Line(Vec<u8>),
    /// A message without its final dot, dots un-stuffed; line ends are as they came.
    Message(Vec<u8>),
    /// The bytes of one BDAT chunk.
    Chunk(Vec<u8>),
    /// A command line that is longer than the MTA takes.
    TooLong,
    /// A message that is larger than the MTA takes.
    TooLarge(usize),
    /// A CR or LF by itself in a message, after so many bytes of it.
    Bare(Bare, usize),
}

/// What the server waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaits {
    /// A command line.
    Line,
    /// A response of AUTH, which may have so many bytes.
    Response(usize),
    /// A message up to the line that holds a single dot, RFC 5321 section 4.5.2.
    Message,
    /// So many bytes of a BDAT chunk, RFC 3030.
    Chunk(usize),
}

/// A line end that is none: a CR or LF by itself. What one MTA takes for the end of a message and the next one does not is how mail is
/// smuggled past filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bare {
    Cr,
    Lf,
}

/// How an MTA cuts lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineRules {
    /// The longest command line, with its line end for sendmail.
    pub(crate) line_max: usize,
    /// What is beyond that is dropped; else the line is refused.
    pub(crate) cuts: bool,
    /// Every CR before the LF belongs to the line end, and an LF needs none; else a CR or LF by itself in a message is refused.
    pub(crate) lenient: bool,
}

/// The client's bytes that no command has taken yet.
#[derive(Debug)]
pub(crate) struct InputBuffer {
    bytes: Vec<u8>,
    rules: LineRules,
    /// The largest message, bytes; what is beyond that is not kept.
    message_max: usize,
    /// The size of the message so far, in whole lines that end in CRLF.
    message_size: usize,
    /// Where the line begins that is not complete yet: what is before it was looked at.
    line: usize,
    /// Before this there is no line end in that line.
    searched: usize,
    /// The rest of a command line that was cut is still to come.
    dropping: bool,
}

impl InputBuffer {
    pub(crate) fn new(rules: LineRules, message_max: Option<usize>) -> Self {
        let message_max = message_max.unwrap_or(usize::MAX);
        Self { bytes: Vec::new(), rules, message_max, message_size: 0, line: 0, searched: 0, dropping: false }
    }

    /// Takes bytes from the client.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Forgets what no command has taken.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.rules, Some(self.message_max));
    }

    /// How many bytes wait for the rest of their line or message.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the client has sent nothing ahead.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes the next whole line or message off the buffer; `None` if more bytes must come first.
    pub(crate) fn next(&mut self, awaits: Awaits) -> Option<Input> {
        let input = match awaits {
            Awaits::Line => self.next_line(self.rules.line_max),
            Awaits::Response(max) => self.next_line(max),
            Awaits::Message => self.next_message(),
            Awaits::Chunk(length) => {
                (self.bytes.len() >= length).then(|| Input::Chunk(self.bytes.drain(..length).collect()))
            }
        }?;
        (self.line, self.searched, self.message_size) = (0, 0, 0);
        Some(input)
    }

    fn next_line(&mut self, max: usize) -> Option<Input> {
        let Some(end) = self.find_line_end() else {
            // Without this a client that ends no line would fill the memory.
            if self.bytes.len() > 2 * max {
                self.bytes.truncate(max);
                self.searched = max;
                self.dropping = true;
            }
            return (self.dropping && !self.rules.cuts).then_some(Input::TooLong);
        };
        let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
        let is_dropping = std::mem::take(&mut self.dropping);
        if !self.rules.cuts && (is_dropping || line.len() > max) {
            return Some(Input::TooLong);
        }
        line.truncate(self.text_length(&line));
        line.truncate(max);
        Some(Input::Line(line))
    }

    fn next_message(&mut self) -> Option<Input> {
        while let Some(end) = self.find_line_end() {
            let line = &self.bytes[self.line..=end];
            if let Some(bare) = self.bare(line) {
                return Some(Input::Bare(bare, end + 1));
            }
            let text = &line[..self.text_length(line)];
            if text == b"." {
                let stuffed: Vec<u8> = self.bytes.drain(..=end).take(self.line).collect();
                let size = self.message_size;
                return Some(if size > self.message_max {
                    Input::TooLarge(size)
                } else {
                    Input::Message(unstuff(&stuffed))
                });
            }
            self.message_size += text.len() + 2 - usize::from(text.starts_with(b"."));
            (self.line, self.searched) = (end + 1, end + 1);
        }
        self.drop_what_is_too_large();
        None
    }

    /// Of a message that is too large only its end matters, and whether the line that has begun can be it.
    fn drop_what_is_too_large(&mut self) {
        let begun = self.bytes.len() - self.line;
        // A short line may turn out to be one of carriage returns, which do not count.
        let unfinished = if begun > self.rules.line_max { begun } else { 0 };
        if self.message_size.saturating_add(unfinished) <= self.message_max {
            return;
        }
        self.bytes.drain(..self.line);
        if unfinished > 0 {
            self.message_size += unfinished;
            self.bytes = b"x".to_vec();
        }
        (self.line, self.searched) = (0, self.bytes.len());
    }

    /// Where the line that begins at `line` ends: the place of its LF.
    fn find_line_end(&mut self) -> Option<usize> {
        let found = self.bytes[self.searched..].iter().position(|&byte| byte == b'\n').map(|at| self.searched + at);
        self.searched = self.bytes.len();
        found
    }

    /// The length of a line without its line end.
    fn text_length(&self, line: &[u8]) -> usize {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        match self.rules.lenient {
            true => text.iter().rposition(|&byte| byte != b'\r').map_or(0, |at| at + 1),
            false => text.strip_suffix(b"\r").unwrap_or(text).len(),
        }
    }

    /// The first line end in a line of a message that is none.
    fn bare(&self, line: &[u8]) -> Option<Bare> {
        if self.rules.lenient {
            return None;
        }
        let at = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
        match &line[at..] {
            b"\r\n" => None,
            b"\n" => Some(Bare::Lf),
            _ => Some(Bare::Cr),
        }
    }
}

/// Takes the first dot off every line that begins with one.
fn unstuff(text: &[u8]) -> Vec<u8> {
    text.split_inclusive(|&byte| byte == b'\n')
        .flat_map(|line| line.strip_prefix(b".").unwrap_or(line))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_messages_are_cut_wherever_the_stream_is_split() {
        let stream = b"DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";
        for split in 0..stream.len() {
            let mut buffer = InputBuffer::new(LENIENT, None);
            let mut got = Vec::new();
            for part in [&stream[..split], &stream[split..]] {
                buffer.push(part);
                while let Some(input) = buffer.next(if got.len() == 1 { Awaits::Message } else { Awaits::Line }) {
                    got.push(input);
                }
            }
            let message = Input::Message(b"Subject: x\r\n\r\n.dot\r\n".to_vec());
            assert_eq!(
                got,
                [Input::Line(b"DATA".to_vec()), message, Input::Line(b"QUIT".to_vec())],
                "split at {split}"
            );
            assert!(buffer.bytes.is_empty());
        }
    }

    #[test]
    fn a_chunk_is_taken_whole_and_as_it_is() {
        let mut buffer = InputBuffer::new(LENIENT, None);
        buffer.push(b".\r\n..NO");
        assert_eq!(buffer.next(Awaits::Chunk(9)), None);
        assert_eq!(buffer.next(Awaits::Chunk(5)), Some(Input::Chunk(b".\r\n..".to_vec())));
        assert_eq!(buffer.next(Awaits::Chunk(0)), Some(Input::Chunk(Vec::new())));
    }

    #[test]
    fn an_empty_message_is_a_dot_at_once() {
        let mut buffer = InputBuffer::new(LENIENT, None);
        buffer.push(b".\r\n");
        assert_eq!(buffer.next(Awaits::Message), Some(Input::Message(Vec::new())));
    }

    /// Everything that comes of a stream whose bytes come one by one: DATA and then a message.
    fn one_by_one(rules: LineRules, stream: &[u8]) -> Vec<Input> {
        let mut buffer = InputBuffer::new(rules, None);
        let mut got: Vec<Input> = Vec::new();
        for byte in stream {
            buffer.push(&[*byte]);
            let in_message = got.last() == Some(&Input::Line(b"DATA".to_vec()));
            got.extend(buffer.next(if in_message { Awaits::Message } else { Awaits::Line }));
        }
        got
    }

    #[test]
    fn what_ends_a_message_for_one_mta_does_not_for_the_other() {
        let data = Input::Line(b"DATA".to_vec());
        for (ending, bare) in
            [(&b"\n.\n"[..], Bare::Lf), (b"\n.\r\n", Bare::Lf), (b"\r\n.\n", Bare::Lf), (b"\r\r\n.\r\r\n", Bare::Cr)]
        {
            let stream = [b"DATA\r\nx", ending].concat();
            assert!(matches!(&one_by_one(LENIENT, &stream)[..], [_, Input::Message(_)]), "{ending:?}");
            let strict = one_by_one(STRICT, &stream);
            assert!(matches!(&strict[1], Input::Bare(found, _) if *found == bare), "{ending:?}: {strict:?}");
        }
        let text = b"DATA\r\nx\r.\ry\r\n.\rz\r\n.\r\n";
        assert_eq!(one_by_one(LENIENT, text), [data, Input::Message(b"x\r.\ry\r\n\rz\r\n".to_vec())]);
    }

    #[test]
    fn a_long_line_is_cut_or_refused_and_never_kept() {
        let mut long = vec![b'x'; 100];
        long.extend_from_slice(b"\r\nNOOP\r\n");
        assert_eq!(one_by_one(LENIENT, &long), [Input::Line(vec![b'x'; 8]), Input::Line(b"NOOP".to_vec())]);
        assert_eq!(one_by_one(STRICT, &long)[0], Input::TooLong);
        let mut buffer = InputBuffer::new(LENIENT, None);
        for _ in 0..1000 {
            buffer.push(&[b'x'; 10]);
            assert_eq!(buffer.next(Awaits::Line), None);
        }
        assert!(buffer.bytes.len() <= 16);
    }

    #[test]
    fn a_message_that_is_too_large_is_not_kept() {
        let line = [&[b'x'; 98][..], b"\r\n"].concat();
        for (lines, is_taken) in [(10, true), (11, false), (1000, false)] {
            let mut buffer = InputBuffer::new(LENIENT, Some(1000));
            for _ in 0..lines {
                buffer.push(&line);
                assert_eq!(buffer.next(Awaits::Message), None);
                assert!(buffer.len() <= 1000);
            }
            buffer.push(b".\r\nNOOP\r\n");
            let input = buffer.next(Awaits::Message);
            assert_eq!(matches!(input, Some(Input::Message(_))), is_taken, "{input:?}");
            assert!(is_taken || input == Some(Input::TooLarge(lines * 100)));
            assert_eq!(buffer.next(Awaits::Line), Some(Input::Line(b"NOOP".to_vec())));
        }
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_either() {
        let mut buffer = InputBuffer::new(LENIENT, Some(1000));
        for _ in 0..100 {
            buffer.push(&[b'.'; 100]);
            assert_eq!(buffer.next(Awaits::Message), None);
            assert!(buffer.len() <= 1000);
        }
        buffer.push(b"\r\n.\r\n");
        assert!(matches!(buffer.next(Awaits::Message), Some(Input::TooLarge(_))));
    }

    const LENIENT: LineRules = LineRules { line_max: 8, cuts: true, lenient: true };
    const STRICT: LineRules = LineRules { line_max: 8, cuts: false, lenient: false };
}
