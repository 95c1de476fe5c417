//! [`Record`]: one event of the log.

use std::fmt::{Debug, Write as _};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::headers::{Charset, printable, shortened};

/// One event of the log. Its texts hold printable characters only, whoever wrote them.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) time: SystemTime,
    pub(super) level: Level,
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, Value)>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Text.
    Text(String),
    /// A number, `true` or `false`: JSON has no quotes around it.
    Bare(String),
}

impl Record {
    /// A record without fields.
    pub(super) fn new(level: Level, message: &str) -> Self {
        Self { time: SystemTime::now(), level, message: harmless(message), fields: Vec::new() }
    }

    /// The record of an event.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut record = Self::new(*event.metadata().level(), "");
        event.record(&mut record);
        record
    }

    /// Adds a number.
    pub(super) fn with_number(mut self, name: &'static str, number: u64) -> Self {
        self.fields.push((name, Value::Bare(number.to_string())));
        self
    }

    fn take(&mut self, field: &Field, text: &str) {
        let text = harmless(text);
        match field.name() {
            "message" => self.message = text,
            name => self.fields.push((name, Value::Text(text))),
        }
    }

    /// The message with its fields, as people read it: `checked result=pass helo="a b"`.
    pub(super) fn text(&self) -> String {
        let mut out = self.message.clone();
        for (name, value) in &self.fields {
            let _ = match value {
                Value::Bare(text) => write!(out, " {name}={text}"),
                Value::Text(text) => write!(out, " {name}={}", quoted_if_needed(text)),
            };
        }
        out
    }
}

impl Value {
    pub(super) fn as_str(&self) -> &str {
        let (Self::Text(text) | Self::Bare(text)) = self;
        text
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.take(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.push((field.name(), Value::Bare(value.to_string())));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.push((field.name(), Value::Bare(value.to_string())));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.push((field.name(), Value::Bare(value.to_string())));
    }
}

/// Text of whatever origin, printable and not too long.
fn harmless(text: &str) -> String {
    shortened(&printable(text, Charset::Utf8), TEXT_BYTES_MAX)
}

/// Quoted where a blank, a quote or an equals sign would blur where it ends.
fn quoted_if_needed(text: &str) -> String {
    let plain = !text.is_empty() && !text.contains([' ', '"', '\\', '=']);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// The longest text of a record. Addresses and names of mail are shorter; an error of the configuration with its hint
/// is not much longer.
const TEXT_BYTES_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_to_its_place() {
        let table = [
            ("a@b.example", "a@b.example"),
            ("", "\"\""),
            ("x result=pass", "\"x result=pass\""),
            ("a\"b\\", r#""a\"b\\""#),
            ("a\r\n\u{1b}[31m\u{202e}", "a???[31m?"),
        ];
        for (text, shown) in table {
            assert_eq!(quoted_if_needed(&harmless(text)), shown);
        }
        assert_eq!(harmless(&"x".repeat(5_000)).len(), TEXT_BYTES_MAX);
    }
}
