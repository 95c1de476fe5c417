//! What stands inside of blocks.

use toml_parser::lexer::TokenKind;

use super::tokens::Token;
use crate::scenario::{Node, Value};

/// The value of a key that is one token; the lines of a block that is read line by line lose the spaces that do not count.
pub(super) fn tidy(key: &str, token: &Token<'_>) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    if token.kind != TokenKind::MlLiteralString {
        return token.text.to_owned();
    }
    let is_expected = key.split('.').any(|part| matches!(part, "expect" | "instead"));
    match last {
        "dialogue" | "wire" => each_line(token.text, |line| dialogue_line(line.trim())),
        _ if is_expected => each_line(token.text, |line| dialogue_line(line.trim())),
        "zone" | "fault" | "envelope" | "log" => each_line(token.text, |line| line.trim_end().to_owned()),
        _ => token.text.to_owned(),
    }
}

/// The lines between the quotes, each with the end that it has.
fn each_line(text: &str, tidy: impl Fn(&str) -> String) -> String {
    let Some(inner) = text.strip_prefix("'''").and_then(|text| text.strip_suffix("'''")) else {
        return text.to_owned();
    };
    let tidy = |line: &str| line.strip_suffix('\r').map_or_else(|| tidy(line), |line| tidy(line) + "\r");
    let lines: Vec<String> = inner.split('\n').map(tidy).collect();
    format!("'''{}'''", lines.join("\n"))
}

/// `C:QUIT` as `C: QUIT`; lines of a wire block have no letter.
fn dialogue_line(line: &str) -> String {
    match line.split_once(':') {
        Some((head @ ("C" | "S" | "M" | "D" | "L" | "W"), rest)) if !rest.is_empty() && !rest.starts_with(' ') => {
            format!("{head}: {}", rest.trim_start())
        }
        _ => line.to_owned(),
    }
}

/// Whether two files say the same: places apart, and spaces at both ends of lines.
pub(super) fn same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Text(one), Value::Text(other)) => {
            one.value == other.value || one.value.lines().map(bare).eq(other.value.lines().map(bare))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Table(one), Value::Table(other)) => {
            let same_entry = |(one, other): (&crate::scenario::Entry, &crate::scenario::Entry)| {
                one.key == other.key && same(&one.node, &other.node)
            };
            one.len() == other.len() && one.iter().zip(other).all(same_entry)
        }
        (Value::Integer(one), Value::Integer(other)) => one == other,
        (Value::Boolean(one), Value::Boolean(other)) => one == other,
        (Value::Other(one), Value::Other(other)) => one.to_string() == other.to_string(),
        _ => false,
    }
}

fn bare(line: &str) -> String {
    dialogue_line(line.trim())
}
