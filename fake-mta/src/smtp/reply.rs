//! What the SMTP server says.

/// One reply of the SMTP server: one or more lines without their line ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The lines, each complete with code and `-` or space. Bytes, because a filter's text may hold any.
    pub lines: Vec<Vec<u8>>,
    /// The server closes the connection after this reply.
    pub closes: bool,
}

impl Reply {
    /// A reply of one line.
    pub(crate) fn line(text: impl Into<Vec<u8>>) -> Self {
        Self { lines: vec![text.into()], closes: false }
    }

    /// Several lines of one code: `CODE-first`, …, `CODE last`.
    pub(crate) fn multi<T: AsRef<str>>(code: &str, texts: &[T]) -> Self {
        let last = texts.len().saturating_sub(1);
        let lines = texts
            .iter()
            .enumerate()
            .map(|(index, text)| format!("{code}{}{}", if index == last { ' ' } else { '-' }, text.as_ref()).into())
            .collect();
        Self { lines, closes: false }
    }

    /// A text that a filter gave: its lines end in CRLF or LF.
    pub(crate) fn text(text: &[u8]) -> Self {
        let lines =
            text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect();
        Self { lines, closes: false }
    }

    /// The same reply behind lines that are none: sendmail tells the client of some errors that are not its own.
    pub(crate) fn after(mut self, lines: Vec<String>) -> Self {
        self.lines.splice(0..0, lines.into_iter().map(String::into_bytes));
        self
    }

    /// No lines, and the connection is closed.
    pub(crate) fn silent_close() -> Self {
        Self { lines: Vec::new(), closes: true }
    }

    /// The same reply, after which the server closes the connection.
    pub(crate) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The three digits of the reply, if it has any lines.
    pub fn code(&self) -> Option<&[u8]> {
        self.lines.last().and_then(|line| line.get(..3))
    }
}
