//! Variants and cases: one file becomes the scenarios it stands for.

use super::{
    node::{Entry, Node, Value},
    problems::Problems,
    vocabulary,
};
use crate::diag::{Diag, Span};

/// A scenario's tree, without variants and cases, and what they add to its name.
#[derive(Debug)]
pub(super) struct Expanded {
    /// The tree as if the author had written it out.
    pub(super) node: Node,
    /// The variant's name, if it is one.
    pub(super) variant: Option<String>,
    /// The case's name, if it is one.
    pub(super) case: Option<String>,
}

impl Expanded {
    /// ` / variant / case`, or nothing.
    pub(super) fn suffix(&self) -> String {
        self.variant.iter().chain(&self.case).map(|name| format!(" / {name}")).collect()
    }
}

/// Writes out every variant and every case: the file itself and each variant, each once for every case row.
pub(super) fn expand(mut root: Node, problems: &mut Problems) -> Vec<Expanded> {
    let variants = root.remove("variant").map_or_else(Vec::new, |node| tables(node, "variant", problems));
    let mut trees = vec![Expanded { node: root.clone(), variant: None, case: None }];
    for variant in variants {
        let Some(name) = variant_name(&variant, problems) else { continue };
        if let Some(entry) = variant.entries().iter().find(|entry| entry.key == "variant") {
            problems.add(Diag::error("a variant has no variants of its own").label(&entry.key_span, ""));
        }
        if trees.iter().any(|tree| tree.variant.as_ref() == Some(&name)) {
            problems.add(Diag::error(format!("a second variant `{name}`")).label(&variant.span, ""));
        }
        trees.push(Expanded { node: overlaid(&root, variant), variant: Some(name), case: None });
    }
    trees.into_iter().flat_map(|tree| cases(tree, problems)).collect()
}

/// The tables of an array of tables.
fn tables(node: Node, what: &'static str, problems: &mut Problems) -> Vec<Node> {
    match node.value {
        Value::Array(items) if items.iter().all(|item| matches!(item.value, Value::Table(_))) => items,
        _ => {
            let help = format!("write it as `[[{what}]]`");
            problems.add(Diag::error(format!("`{what}` is a list of tables")).label(&node.span, "").help(help));
            Vec::new()
        }
    }
}

fn variant_name(variant: &Node, problems: &mut Problems) -> Option<String> {
    let name = match variant.get("name").map(|node| &node.value) {
        Some(Value::Text(text)) if !text.value.trim().is_empty() => return Some(text.value.clone()),
        Some(_) => "the name of a variant is a string",
        None => "a variant has no name",
    };
    problems.add(
        Diag::error(name).label(&variant.span, "").help("add `name = \"…\"`: it stands behind the scenario's name"),
    );
    None
}

/// The base with a variant's keys laid over it; the variant's name is not part of that.
fn overlaid(base: &Node, mut variant: Node) -> Node {
    variant.remove("name");
    let mut tree = base.clone();
    // What comes instead is that of the base's deviation.
    if variant.get("known_deviation").is_some() {
        tree.remove("instead");
    }
    let sessions = variant.remove("session");
    overlay(&mut tree, variant);
    if let Some(sessions) = sessions {
        overlay_sessions(&mut tree, sessions);
    }
    tree
}

/// Tables are merged key by key; everything else is replaced.
fn overlay(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        (Value::Table(base), Value::Table(over)) => {
            for entry in over {
                match base.iter_mut().find(|known| known.key == entry.key) {
                    Some(known) => {
                        known.key_span = entry.key_span;
                        overlay(&mut known.node, entry.node);
                    }
                    None => base.push(entry),
                }
            }
        }
        (_, value) => *base = Node { value, span: over.span },
    }
}

/// The variant's first `[[variant.session]]` is laid over the file's first session, and so on; what is left over is added.
fn overlay_sessions(base: &mut Node, over: Node) {
    let Value::Array(over_items) = over.value else {
        // Not a list of sessions: it takes their place, and the reader says what is wrong with it.
        base.remove("session");
        return push(base, "session", over);
    };
    let mut sessions = match base.remove("session").map(|node| node.value) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    for (index, session) in over_items.into_iter().enumerate() {
        match sessions.get_mut(index) {
            Some(known) => overlay(known, session),
            None => sessions.push(session),
        }
    }
    push(base, "session", Node { value: Value::Array(sessions), span: over.span });
}

fn push(table: &mut Node, key: &str, node: Node) {
    if let Value::Table(entries) = &mut table.value {
        entries.push(Entry { key: key.to_owned(), key_span: node.span.clone(), node });
    }
}

/// One tree for every `[[case]]` row, or the tree itself if there is none.
fn cases(mut tree: Expanded, problems: &mut Problems) -> Vec<Expanded> {
    let Some(rows) = tree.node.remove("case") else { return vec![tree] };
    let rows = tables(rows, "case", problems);
    check_columns(&tree.node, &rows, problems);
    let fill_row = |(index, row): (usize, &Node)| {
        let columns = columns(row);
        let name = columns.iter().find(|column| column.name == "name").map(|column| column.value.clone());
        let mut node = tree.node.clone();
        fill(&mut node, &columns);
        let name = name.unwrap_or_else(|| format!("case {}", index + 1));
        Expanded { node, variant: tree.variant.clone(), case: Some(name) }
    };
    rows.iter().enumerate().map(fill_row).collect()
}

/// A value of a case row.
struct Column<'a> {
    name: &'a str,
    key_span: &'a Span,
    value: String,
}

fn columns(row: &Node) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    for Entry { key, key_span, node } in row.entries() {
        columns.extend(scalar(node).map(|value| Column { name: key, key_span, value }));
    }
    columns
}

fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        // A value with a line end is refused already; it must not break the template's lines on top of that.
        Value::Text(text) => Some(text.value.replace(['\n', '\r'], " ")),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// Every row has the same columns, every column is used, and no value breaks a line in two.
fn check_columns(template: &Node, rows: &[Node], problems: &mut Problems) {
    let Some(first) = rows.first() else { return };
    for row in rows {
        for entry in row.entries() {
            check_value(entry, problems);
        }
        for entry in first.entries() {
            if entry.key != "name" && row.get(&entry.key).is_none() {
                let title = format!("this case has no `{}`, the first one does", entry.key);
                problems.add(Diag::error(title).label(&row.span, "").label(&entry.key_span, "here"));
            }
        }
    }
    let mut names: Vec<Column<'_>> = rows.iter().flat_map(columns).collect();
    names.sort_by_key(|column| (column.name, column.key_span.range().start));
    names.dedup_by_key(|column| column.name);
    for column in names {
        if column.name != "name" && !uses(template, column.name) {
            problems.add(unused(template, &column));
        }
    }
}

fn check_value(entry: &Entry, problems: &mut Problems) {
    match &entry.node.value {
        Value::Text(text) if text.value.contains(['\n', '\r']) => problems.add(
            Diag::error("a value of a case is one line")
                .label(&entry.node.span, "")
                .help("use a variant for whole blocks"),
        ),
        Value::Text(_) | Value::Integer(_) | Value::Boolean(_) => {}
        _ => problems.add(
            Diag::error(format!("a value of a case is a string or a number, not {}", entry.node.type_name()))
                .label(&entry.node.span, ""),
        ),
    }
}

fn unused(template: &Node, column: &Column<'_>) -> Diag {
    let diag = Diag::error(format!("no text of the scenario holds `{{{}}}`", column.name)).label(column.key_span, "");
    let mut words = Vec::new();
    collect_placeholders(template, &mut words);
    match vocabulary::nearest(column.name, words.iter().map(String::as_str)) {
        Some(near) => diag.help(format!("the scenario holds `{{{near}}}`: is one of the two misspelt?")),
        None => diag.help("a case fills `{column}` placeholders in the scenario's strings"),
    }
}

/// Whether a string of the tree holds the placeholder.
fn uses(node: &Node, name: &str) -> bool {
    match &node.value {
        Value::Text(text) => pieces(&text.value).any(|piece| piece == Piece::Placeholder(name)),
        Value::Array(items) => items.iter().any(|item| uses(item, name)),
        Value::Table(entries) => entries.iter().any(|entry| uses(&entry.node, name)),
        _ => false,
    }
}

fn collect_placeholders(node: &Node, words: &mut Vec<String>) {
    match &node.value {
        Value::Text(text) => words.extend(pieces(&text.value).filter_map(|piece| match piece {
            Piece::Placeholder(name) => Some(name.to_owned()),
            Piece::Text(_) => None,
        })),
        Value::Array(items) => items.iter().for_each(|item| collect_placeholders(item, words)),
        Value::Table(entries) => entries.iter().for_each(|entry| collect_placeholders(&entry.node, words)),
        _ => {}
    }
}

/// Fills the placeholders of every string. What is no column stays: `{daemon_name}` is a macro of the MTA.
fn fill(node: &mut Node, columns: &[Column<'_>]) {
    match &mut node.value {
        Value::Text(text) => {
            let filled: String = pieces(&text.value)
                .map(|piece| match piece {
                    Piece::Text(text) => text.to_owned(),
                    Piece::Placeholder(name) => columns
                        .iter()
                        .find(|column| column.name == name)
                        .map_or_else(|| format!("{{{name}}}"), |column| column.value.clone()),
                })
                .collect();
            text.filled |= filled != text.value;
            text.value = filled;
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, columns)),
        Value::Table(entries) => entries.iter_mut().for_each(|entry| fill(&mut entry.node, columns)),
        _ => {}
    }
}

/// A part of a string.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// Splits a string at `{name}`; `%{name}` is a macro of SPF and `${name}` a shell's or the MTA's, so both are text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut pending: Option<Piece<'_>> = None;
    std::iter::from_fn(move || {
        if let Some(piece) = pending.take() {
            return Some(piece);
        }
        if rest.is_empty() {
            return None;
        }
        let Some((start, end)) = next_placeholder(rest) else {
            return Some(Piece::Text(std::mem::take(&mut rest)));
        };
        let (before, name) = (&rest[..start], &rest[start + 1..end]);
        rest = &rest[end + 1..];
        if before.is_empty() {
            return Some(Piece::Placeholder(name));
        }
        pending = Some(Piece::Placeholder(name));
        Some(Piece::Text(before))
    })
}

/// The places of the braces of the first placeholder.
fn next_placeholder(text: &str) -> Option<(usize, usize)> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.match_indices('{').find_map(|(start, _)| {
        let end = start + text[start..].find('}')?;
        (is_name(&text[start + 1..end]) && !text[..start].ends_with(['%', '$'])).then_some((start, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;

    fn expanded(text: &str) -> (Vec<Expanded>, Vec<Diag>) {
        let mut problems = Problems::default();
        let root = Node::parse(&Source::new("a.toml", text)).expect("the text is TOML");
        let trees = expand(root, &mut problems);
        (trees, problems.into_vec())
    }

    fn text<'a>(node: &'a Node, path: &[&str]) -> &'a str {
        let node = path.iter().fold(node, |node, key| node.get(key).expect("the key is there"));
        match &node.value {
            Value::Text(text) => &text.value,
            _ => panic!("a string"),
        }
    }

    #[test]
    fn a_variant_replaces_only_what_it_writes() {
        let (trees, problems) = expanded("[a]\nx = 'base'\ny = 'kept'\n[[variant]]\nname = 'v'\na.x = 'new'\n");
        assert_eq!(problems, []);
        assert_eq!(trees.iter().map(Expanded::suffix).collect::<Vec<_>>(), ["", " / v"]);
        assert_eq!(text(&trees[1].node, &["a", "x"]), "new");
        assert_eq!(text(&trees[1].node, &["a", "y"]), "kept");
        assert_eq!(text(&trees[0].node, &["a", "x"]), "base");
    }

    #[test]
    fn a_case_fills_its_columns_and_leaves_other_braces() {
        let (trees, problems) =
            expanded("a = '{ip} %{ip} {daemon_name} ${ip}'\n[[case]]\nip = '1'\n[[case]]\nip = 2\n");
        assert_eq!(problems, []);
        assert_eq!(text(&trees[0].node, &["a"]), "1 %{ip} {daemon_name} ${ip}");
        assert_eq!(text(&trees[1].node, &["a"]), "2 %{ip} {daemon_name} ${ip}");
        assert_eq!(trees[1].suffix(), " / case 2");
    }

    #[test]
    fn variants_and_cases_multiply() {
        let (trees, _) =
            expanded("a = '{x}'\n[[variant]]\nname = 'v'\n[[case]]\nname = 'one'\nx = 1\n[[case]]\nx = 2\n");
        let names: Vec<_> = trees.iter().map(Expanded::suffix).collect();
        assert_eq!(names, [" / one", " / case 2", " / v / one", " / v / case 2"]);
    }

    #[test]
    fn a_column_that_nothing_uses_is_an_error() {
        let (_, problems) = expanded("a = '{helo}'\n[[case]]\nhleo = 'x'\n");
        assert!(problems[0].to_string().contains("the scenario holds `{helo}`"), "{}", problems[0]);
    }
}
