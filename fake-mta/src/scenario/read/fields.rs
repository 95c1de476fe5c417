//! Typed access to the keys of a table.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    diag::{Diag, Span},
    scenario::{
        Located, duration,
        node::{Node, TextLine, Value},
        problems::Problems,
        vocabulary::{self, Unknown},
    },
};

/// A table whose keys are being read; problems are noted on the way.
pub(crate) struct Fields<'a> {
    node: &'a Node,
    problems: &'a mut Problems,
}

impl<'a> Fields<'a> {
    /// Opens a table of which only `known` keys are allowed.
    pub(crate) fn open(node: &'a Node, what: &str, known: &[&str], problems: &'a mut Problems) -> Self {
        let fields = Self::open_free(node, what, problems);
        for entry in node.entries() {
            if !known.contains(&entry.key.as_str()) {
                let help = vocabulary::did_you_mean(&entry.key, known);
                let title = format!("unknown key `{}` in {what}", entry.key);
                fields.problems.add(Diag::error(title).label(&entry.key_span, "").help(help));
            }
        }
        fields
    }

    /// Opens a table of which all keys are allowed.
    pub(crate) fn open_free(node: &'a Node, what: &str, problems: &'a mut Problems) -> Self {
        if !matches!(node.value, Value::Table(_)) {
            problems.add(wrong_type(node, what, "a table"));
        }
        Self { node, problems }
    }

    /// The place of the table.
    pub(crate) fn span(&self) -> &'a Span {
        &self.node.span
    }

    /// The problems noted so far, for what is checked beside the keys.
    pub(crate) fn problems(&mut self) -> &mut Problems {
        self.problems
    }

    /// A key's value, of whatever type.
    pub(crate) fn node(&self, key: &str) -> Option<&'a Node> {
        self.node.get(key)
    }

    /// A string.
    pub(crate) fn text(&mut self, key: &str) -> Option<Located<String>> {
        let node = self.node(key)?;
        self.problems.take(as_text(node, key))
    }

    /// A string that is read further.
    pub(crate) fn parsed<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&Located<String>) -> Result<T, Diag>,
    ) -> Option<Located<T>> {
        let text = self.text(key)?;
        let value = self.problems.take(parse(&text))?;
        Some(Located::new(value, text.span))
    }

    /// A string that is one word of a table.
    pub(crate) fn word<T: Clone>(&mut self, key: &'static str, table: &[(&str, T)]) -> Option<Located<T>> {
        self.parsed(key, |text| {
            vocabulary::lookup(key, text, table).map_err(|unknown| unknown_word(&unknown, &text.span))
        })
    }

    /// A time.
    pub(crate) fn duration(&mut self, key: &str) -> Option<Duration> {
        let read = |text: &Located<String>| {
            duration::parse(text).map_err(|problem| Diag::error(problem).label(&text.span, ""))
        };
        self.parsed(key, read).map(|time| time.value)
    }

    /// A truth value.
    pub(crate) fn boolean(&mut self, key: &str) -> Option<bool> {
        let node = self.node(key)?;
        match node.value {
            Value::Boolean(yes) => Some(yes),
            _ => {
                self.problems.add(wrong_type(node, &format!("`{key}`"), "true or false"));
                None
            }
        }
    }

    /// A whole number of the type that is asked for.
    pub(crate) fn integer<T: TryFrom<i64>>(&mut self, key: &str) -> Option<Located<T>> {
        let node = self.node(key)?;
        let number = match node.value {
            Value::Integer(number) => T::try_from(number).ok(),
            _ => None,
        };
        if number.is_none() {
            let title = format!("`{key}` is a whole number from 0 on");
            self.problems.add(Diag::error(title).label(&node.span, ""));
        }
        number.map(|number| Located::new(number, node.span.clone()))
    }

    /// A list of strings.
    pub(crate) fn texts(&mut self, key: &str) -> Option<Vec<Located<String>>> {
        let node = self.node(key)?;
        let Value::Array(items) = &node.value else {
            self.problems.add(wrong_type(node, &format!("`{key}`"), "a list of strings"));
            return None;
        };
        Some(items.iter().filter_map(|item| self.problems.take(as_text(item, key))).collect())
    }

    /// A table whose keys are free and whose values are strings; `what` names it in messages.
    pub(crate) fn strings(&mut self, key: &str, what: &str) -> BTreeMap<String, Located<String>> {
        let Some(node) = self.node(key) else { return BTreeMap::new() };
        if !matches!(node.value, Value::Table(_)) {
            self.problems.add(wrong_type(node, what, "a table"));
        }
        let mut strings = BTreeMap::new();
        for entry in node.entries() {
            let value = self.problems.take(as_text(&entry.node, &entry.key));
            strings.extend(value.map(|value| (entry.key.clone(), value)));
        }
        strings
    }

    /// Lines: a list of strings, or a block with one on each line, in which blank lines and `#` comments do not count.
    pub(crate) fn lines(&mut self, key: &str) -> Option<Vec<Located<String>>> {
        let node = self.node(key)?;
        if !matches!(node.value, Value::Text(_)) {
            return self.texts(key);
        }
        let block = self.block(key)?;
        let line = |line: TextLine| {
            let text = line.text.trim();
            let at = line.text.len() - line.text.trim_start().len();
            let span = line.span.part(at..at + text.len());
            (!text.is_empty() && !text.starts_with('#')).then(|| Located::new(text.to_owned(), span))
        };
        Some(block.into_iter().filter_map(line).collect())
    }

    /// The lines of a block, which has to be free of escapes: places inside it would be wrong else.
    pub(crate) fn block(&mut self, key: &str) -> Option<Vec<TextLine>> {
        let node = self.node(key)?;
        self.problems.take(as_block(node, key))
    }
}

/// The lines of a string that is free of escapes.
pub(crate) fn as_block(node: &Node, key: &str) -> Result<Vec<TextLine>, Diag> {
    match &node.value {
        Value::Text(text) if text.verbatim => Ok(node.lines()),
        Value::Text(_) => Err(Diag::error(format!("`{key}` holds escapes"))
            .label(&node.span, "")
            .help("write it as a literal block, between ''' and ''': nothing is escaped in it")),
        _ => Err(wrong_type(node, &format!("`{key}`"), "a block of lines")),
    }
}

/// A string.
pub(crate) fn as_text(node: &Node, key: &str) -> Result<Located<String>, Diag> {
    match &node.value {
        Value::Text(text) => Ok(Located::new(text.value.clone(), node.content_span())),
        _ => Err(wrong_type(node, &format!("`{key}`"), "a string")),
    }
}

/// Says that a value has another type than its place wants.
pub(crate) fn wrong_type(node: &Node, what: &str, wanted: &str) -> Diag {
    Diag::error(format!("{what} is {wanted}, not {}", node.type_name())).label(&node.span, "")
}

/// Says that a word is not known here.
pub(crate) fn unknown_word(unknown: &Unknown, span: &Span) -> Diag {
    Diag::error(unknown.to_string()).label(span, "").help(unknown.help.clone())
}
