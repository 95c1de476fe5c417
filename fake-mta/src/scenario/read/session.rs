//! `[[session]]` tables and their dialogues.

use std::collections::BTreeMap;

use super::{
    Fields, client,
    fields::{as_block, wrong_type},
};
use crate::{
    diag::{Diag, Span},
    format,
    scenario::{
        Action, Line, LineKind, Located, Message, Session, Step,
        dialogue::{self, DialogueLine},
        matcher,
        node::{Entry, Node, TextLine, Value},
        problems::Problems,
        vocabulary::Unknown,
        wire,
    },
};

/// Reads every session of a scenario, and puts a variant's `expect` into their dialogues.
pub(super) fn read_all(fields: &mut Fields<'_>, messages: &BTreeMap<String, Message>) -> Vec<Session> {
    let mut sessions = match fields.node("session") {
        Some(node) if !matches!(&node.value, Value::Array(items) if items.is_empty()) => {
            read_list(node, messages, fields.problems())
        }
        _ => {
            let span = fields.span().part(0..0);
            let help = "add `[[session]]` with `client` and `dialogue`";
            fields.problems().add(Diag::error("a scenario has no session").label(&span, "").help(help));
            Vec::new()
        }
    };
    if let Some(expect) = fields.node("expect") {
        if !matches!(expect.value, Value::Table(_)) {
            fields.problems().add(wrong_type(expect, "a variant's `expect`", "a table"));
        }
        for entry in expect.entries() {
            replace_lines(&mut sessions, "expect", entry, fields.problems(), |step, lines| step.lines = lines);
        }
    }
    sessions
}

fn read_list(node: &Node, messages: &BTreeMap<String, Message>, problems: &mut Problems) -> Vec<Session> {
    let Value::Array(items) = &node.value else {
        problems.add(wrong_type(node, "`session`", "a list of tables").help("write it as `[[session]]`"));
        return Vec::new();
    };
    items.iter().filter_map(|item| read(item, messages, problems)).collect()
}

fn read(node: &Node, messages: &BTreeMap<String, Message>, problems: &mut Problems) -> Option<Session> {
    let mut fields = Fields::open(node, "[[session]]", &format::SESSION.names(), problems);
    for key in ["client", "dialogue"] {
        if fields.node(key).is_none() {
            fields.problems().add(Diag::error(format!("a session has no `{key}`")).label(&node.span, ""));
        }
    }
    let client = fields.parsed("client", client::parse);
    let helo = fields.text("helo");
    let mut steps = match fields.block("dialogue") {
        Some(lines) => read_dialogue(&lines, messages, &node.span, fields.problems()),
        None => Vec::new(),
    };
    if let (Some(helo), false) = (helo, steps.is_empty()) {
        let action = Located::new(Action::Smtp(format!("HELO {}", helo.value)), helo.span);
        steps.insert(1, Step { action, lines: Vec::new(), wire: None });
    }
    if let (Some(block), false) = (fields.block("wire"), steps.is_empty()) {
        wire::attach(&mut steps, &block, fields.problems());
    }
    let span = node.span.clone();
    let envelope = envelope(&mut fields);
    let delivered = delivered(&mut fields);
    let log = fields.lines("log").unwrap_or_default();
    Some(Session { span, client: client?, steps, envelope, delivered, log })
}

/// `envelope`, each entry of it checked.
pub(super) fn envelope(fields: &mut Fields<'_>) -> Option<Located<Vec<Located<String>>>> {
    let envelope = fields.lines("envelope");
    envelope.iter().flatten().for_each(|line| check_envelope(line, fields.problems()));
    located(fields.node("envelope"), envelope)
}

/// An entry that can come, or a matcher.
fn check_envelope(line: &Located<String>, problems: &mut Problems) {
    if !["MAIL FROM:", "RCPT TO:"].iter().any(|start| matcher::can_begin(line, start)) {
        let help = "write it as `MAIL FROM:<alice@example.com>` or `RCPT TO:<bob@example.net>`";
        problems.add(Diag::error("not a line of an envelope").label(&line.span, "").help(help));
    }
}

/// Only milters that are there can be expected to say something.
pub(super) fn check_milters(sessions: &[Session], milters: usize, problems: &mut Problems) {
    for line in sessions.iter().flat_map(|session| &session.steps).flat_map(|step| &step.lines) {
        let LineKind::MilterOf(number) = line.kind else { continue };
        if usize::from(number) > milters {
            let diag = Diag::error(format!("the scenario has no milter {number}")).label(&line.span, "");
            problems.add(diag.help("write a `[[milter]]` for each milter of a chain"));
        }
    }
}

fn located<T>(node: Option<&Node>, value: Option<T>) -> Option<Located<T>> {
    Some(Located::new(value?, node?.span.clone()))
}

/// `delivered = '''…'''` for one message, a list of blocks for several, `[]` for none.
pub(super) fn delivered(fields: &mut Fields<'_>) -> Option<Located<Vec<Vec<Located<String>>>>> {
    let node = fields.node("delivered")?;
    let blocks: Vec<&Node> = match &node.value {
        Value::Array(items) => items.iter().collect(),
        _ => vec![node],
    };
    let read = |block: &&Node| fields.problems().take(as_block(block, "delivered"));
    let messages = blocks.iter().filter_map(read).map(message_lines).collect();
    Some(Located::new(messages, node.span.clone()))
}

/// The lines of a message; the end of its last line opens no further one.
fn message_lines(mut lines: Vec<TextLine>) -> Vec<Located<String>> {
    if lines.last().is_some_and(|line| line.text.is_empty()) {
        lines.pop();
    }
    lines.into_iter().map(|line| Located::new(line.text, line.span)).collect()
}

/// Cuts a dialogue into steps: the connect step, then one for each `C:` line.
fn read_dialogue(
    lines: &[TextLine],
    messages: &BTreeMap<String, Message>,
    session: &Span,
    problems: &mut Problems,
) -> Vec<Step> {
    let connect = lines.first().map_or(session, |line| &line.span).part(0..0);
    let mut steps = vec![Step { action: Located::new(Action::Connect, connect), lines: Vec::new(), wire: None }];
    for line in lines {
        match problems.take(dialogue::parse_line(&line.text, &line.span)).flatten() {
            Some(DialogueLine::Client { text, text_span, span }) => {
                let action = dialogue::parse_action(&text, &text_span);
                let Some(action) = problems.take(action) else { continue };
                check_message(&action, messages, &text_span, problems);
                steps.push(Step { action: Located::new(action, span), lines: Vec::new(), wire: None });
            }
            Some(DialogueLine::Expected(line)) => {
                steps.last_mut().expect("the connect step is always there").lines.push(line);
            }
            None => {}
        }
    }
    steps
}

/// `[message NAME]` names a message of the file.
fn check_message(action: &Action, messages: &BTreeMap<String, Message>, span: &Span, problems: &mut Problems) {
    let Action::Message(Some(name)) = action else { return };
    if messages.contains_key(name) {
        return;
    }
    let unknown = Unknown::new("message", name, messages.keys().map(String::as_str));
    let help =
        if messages.is_empty() { "add it: `[messages]`, then `NAME = '''…'''`".to_owned() } else { unknown.help };
    problems.add(Diag::error(format!("no message `{name}` in [messages]")).label(span, "").help(help));
}

/// Puts the lines of an entry of `table` into the steps that it names.
pub(super) fn replace_lines(
    sessions: &mut [Session],
    table: &str,
    entry: &Entry,
    problems: &mut Problems,
    put: impl Fn(&mut Step, Vec<Line>),
) {
    let Some(lines) = expected_lines(&entry.node, table, problems) else { return };
    let wanted = match step_key(entry, table) {
        Ok(wanted) => wanted,
        Err(diag) => return problems.add(diag),
    };
    let mut found = false;
    for step in sessions.iter_mut().flat_map(|session| &mut session.steps) {
        if step.action.value == wanted {
            put(step, lines.clone());
            found = true;
        }
    }
    if !found {
        let steps: Vec<String> =
            sessions.iter().flat_map(|session| &session.steps).map(|step| format!("C: {}", step.action)).collect();
        let unknown = Unknown::new("step", &entry.key, steps.iter().map(String::as_str));
        problems.add(
            Diag::error(format!("no step `{}` in the dialogue", entry.key))
                .label(&entry.key_span, "")
                .help(unknown.help),
        );
    }
}

/// The step that a key of `expect` or `instead` names: `connect`, or a `C:` line.
fn step_key(entry: &Entry, table: &str) -> Result<Action, Diag> {
    if entry.key == "connect" {
        return Ok(Action::Connect);
    }
    match entry.key.strip_prefix("C:") {
        Some(text) => dialogue::parse_action(text.trim(), &entry.key_span),
        None => Err(Diag::error("a step is named by its `C:` line in the dialogue, or `connect`")
            .label(&entry.key_span, "")
            .help(format!("write it as `{table}.\"C: RCPT TO:<user@example.com>\" = '''…'''`"))),
    }
}

/// The expected lines of a block or of a list.
fn expected_lines(node: &Node, table: &str, problems: &mut Problems) -> Option<Vec<Line>> {
    let blocks: Vec<&Node> = match &node.value {
        Value::Array(items) => items.iter().collect(),
        _ => vec![node],
    };
    let mut expected = Vec::new();
    for block in blocks {
        for line in problems.take(as_block(block, table))? {
            match problems.take(dialogue::parse_line(&line.text, &line.span))? {
                Some(DialogueLine::Expected(line)) => expected.push(line),
                Some(DialogueLine::Client { span, .. }) => problems.add(
                    Diag::error(format!("`{table}` holds only what is expected"))
                        .label(&span, "")
                        .help("write the whole `dialogue` in `[[variant.session]]` to change what the client says"),
                ),
                None => {}
            }
        }
    }
    Some(expected)
}
