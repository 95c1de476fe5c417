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
}

/// What the server waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaits {
    /// A command line.
    Line,
    /// A message up to the line that holds a single dot, RFC 5321 section 4.5.2.
    Message,
    /// So many bytes of a BDAT chunk, RFC 3030.
    Chunk(usize),
}

/// The client's bytes that no command has taken yet.
#[derive(Debug, Default)]
pub(crate) struct InputBuffer {
    bytes: Vec<u8>,
}

impl InputBuffer {
    /// Takes bytes from the client.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the next whole line or message off the buffer; `None` if more bytes must come first.
    pub(crate) fn next(&mut self, awaits: Awaits) -> Option<Input> {
        match awaits {
            Awaits::Line => self.next_line().map(Input::Line),
            Awaits::Message => self.next_message().map(Input::Message),
            Awaits::Chunk(length) => {
                (self.bytes.len() >= length).then(|| Input::Chunk(self.bytes.drain(..length).collect()))
            }
        }
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        let end = self.bytes.iter().position(|&byte| byte == b'\n')?;
        let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }

    fn next_message(&mut self) -> Option<Vec<u8>> {
        let (end, after) = final_dot(&self.bytes)?;
        let stuffed: Vec<u8> = self.bytes.drain(..after).take(end).collect();
        Some(unstuff(&stuffed))
    }
}

/// Where the text before the final dot ends, and where the bytes after it begin.
fn final_dot(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut start = 0;
    while let Some(length) = bytes[start..].iter().position(|&byte| byte == b'\n') {
        let line = &bytes[start..start + length];
        let next = start + length + 1;
        if line == b".\r" || line == b"." {
            return Some((start, next));
        }
        start = next;
    }
    None
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
            let mut buffer = InputBuffer::default();
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
        let mut buffer = InputBuffer::default();
        buffer.push(b".\r\n..NO");
        assert_eq!(buffer.next(Awaits::Chunk(9)), None);
        assert_eq!(buffer.next(Awaits::Chunk(5)), Some(Input::Chunk(b".\r\n..".to_vec())));
        assert_eq!(buffer.next(Awaits::Chunk(0)), Some(Input::Chunk(Vec::new())));
    }

    #[test]
    fn an_empty_message_is_a_dot_at_once() {
        let mut buffer = InputBuffer::default();
        buffer.push(b".\r\n");
        assert_eq!(buffer.next(Awaits::Message), Some(Input::Message(Vec::new())));
    }
}
