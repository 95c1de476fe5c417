//! `[[milter.helper]]`: a program that the milter talks to, started before it.

use super::{SocketKind, Template, command_words, template};
use crate::{
    diag::Diag,
    format,
    scenario::{Fields, Located, Node, Problems, Value},
};

/// A program that has to run beside the milter.
#[derive(Debug)]
pub struct Helper {
    /// The program and its arguments, word by word.
    pub command: Vec<Template>,
    /// Where it accepts connections once it is ready; without it the milter is started at once.
    pub ready: Option<Template>,
}

/// Reads the list of tables.
pub(super) fn helpers(fields: &mut Fields<'_>, socket: SocketKind) -> Vec<Helper> {
    let Some(node) = fields.node("helper") else { return Vec::new() };
    let nodes = match &node.value {
        Value::Array(nodes) => nodes.as_slice(),
        _ => &[],
    };
    if nodes.is_empty() {
        let diag = Diag::error("`helper` is a list of tables").label(&node.span, "");
        fields.problems().add(diag.help("write `[[milter.helper]]` above each"));
    }
    nodes.iter().filter_map(|node| read(node, socket, fields.problems())).collect()
}

fn read(node: &Node, socket: SocketKind, problems: &mut Problems) -> Option<Helper> {
    let mut fields = Fields::open(node, "[[milter.helper]]", &format::HELPER.names(), problems);
    let command = command_words(&mut fields, "command", socket);
    if fields.node("command").is_none() {
        fields.problems().add(Diag::error("a helper has no `command`").label(&node.span, ""));
    }
    if let Some(ready) = fields.text("ready") {
        let kind = check(&ready);
        fields.problems().take(kind);
    }
    Some(Helper { command: command?, ready: template(&mut fields, "ready", socket) })
}

/// The address's kind must stand in the file; the rest may come from placeholders.
fn check(ready: &Located<String>) -> Result<(), Diag> {
    if ["unix:", "local:", "inet:", "inet6:"].iter().any(|kind| ready.value.starts_with(kind)) {
        return Ok(());
    }
    let diag = Diag::error("`ready` is an address").label(&ready.span, "");
    Err(diag.help("write `unix:{dir}/helper.sock` or `inet:783@127.0.0.1`"))
}
