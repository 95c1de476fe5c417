//! The `[messages]` table: what `C: [message NAME]` sends.

use std::{collections::BTreeMap, path::Path};

use super::{Fields, as_text, wrong_type};
use crate::{
    diag::{self, Diag},
    format,
    scenario::{
        Message,
        node::{Node, Value},
        problems::Problems,
    },
};

/// Reads `NAME = "text"`, or `NAME = { file = "x.eml" }` beside the scenario in `dir`.
pub(super) fn read(node: Option<&Node>, dir: &Path, problems: &mut Problems) -> BTreeMap<String, Message> {
    let Some(node) = node else { return BTreeMap::new() };
    if !matches!(node.value, Value::Table(_)) {
        problems.add(wrong_type(node, "[messages]", "a table"));
    }
    let message = |entry: &crate::scenario::node::Entry| {
        let bytes = match entry.node.value {
            Value::Table(_) => from_table(&entry.node, dir, problems)?,
            _ => problems.take(as_text(&entry.node, &entry.key))?.value.into_bytes(),
        };
        Some((entry.key.clone(), Message { bytes: with_crlf(bytes), span: entry.node.span.clone() }))
    };
    node.entries().iter().filter_map(message).collect()
}

fn from_table(node: &Node, dir: &Path, problems: &mut Problems) -> Option<Vec<u8>> {
    let mut fields = Fields::open(node, "a message", &format::MESSAGE.names(), problems);
    match (fields.node("text"), fields.node("file")) {
        (Some(_), None) => fields.text("text").map(|text| text.value.into_bytes()),
        (None, Some(_)) => {
            let file = fields.text("file")?;
            let path = dir.join(&file.value);
            let read = diag::read_bytes(&path, diag::MAX_MESSAGE_BYTES).map_err(|diag| diag.label(&file.span, ""));
            fields.problems().take(read)
        }
        _ => {
            fields.problems().add(Diag::error("a message has either `text` or `file`").label(&node.span, ""));
            None
        }
    }
}

/// Lines that end in LF alone get the CRLF of the wire; a text that has CRLF is left as it is, so that bare ones can be sent.
fn with_crlf(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.windows(2).any(|pair| pair == b"\r\n") {
        return bytes;
    }
    let mut wire = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for byte in bytes {
        if byte == b'\n' {
            wire.push(b'\r');
        }
        wire.push(byte);
    }
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_get_the_line_ends_of_the_wire_unless_they_have_them() {
        assert_eq!(with_crlf(b"a\nb\n".to_vec()), b"a\r\nb\r\n");
        assert_eq!(with_crlf(b"a\r\nb\n".to_vec()), b"a\r\nb\n");
        assert_eq!(with_crlf(b"".to_vec()), b"");
    }
}
