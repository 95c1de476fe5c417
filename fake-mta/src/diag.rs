//! Messages about a place in a file: what is wrong, where, and how to mend it.
//!
//! [`Diag`] is our own type; annotate-snippets draws it and does not show in any signature.

mod escape;
mod file;
mod render;
mod source;

use std::fmt;

pub use escape::escape;
pub(crate) use file::{
    MAX_CAPTURE_BYTES, MAX_MESSAGE_BYTES, MAX_TEXT_BYTES, cannot, read_bytes, read_named, read_named_text, read_stream,
    read_text, replace, shown, waits,
};
pub use source::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run cannot be green.
    Error,
    /// The run goes on.
    Warning,
}

/// One message, with the places it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diag {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, as a lowercase fragment.
    pub title: String,
    /// The places, each with a word on it (may be empty). The first one is the main one.
    pub labels: Vec<(Span, String)>,
    /// What else is worth knowing, one paragraph each.
    pub notes: Vec<String>,
    /// How to mend it, one paragraph each.
    pub help: Vec<String>,
}

impl Diag {
    /// An error without a place yet.
    pub fn error(title: impl Into<String>) -> Self {
        Self { severity: Severity::Error, title: title.into(), labels: Vec::new(), notes: Vec::new(), help: Vec::new() }
    }

    /// A warning without a place yet.
    pub fn warning(title: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(title) }
    }

    /// Adds a place and a word on it.
    #[must_use]
    pub fn label(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.labels.push((span.clone(), text.into()));
        self
    }

    /// Adds a paragraph of context.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a paragraph on how to mend it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Draws it, ending in one line end; `colour` adds terminal styles, which are left out otherwise.
    ///
    /// Control characters of any text in it come out escaped, so a hostile file or peer cannot reach the terminal.
    pub fn render(&self, colour: bool) -> String {
        render::render(self, colour)
    }
}

impl fmt::Display for Diag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Diag {}
