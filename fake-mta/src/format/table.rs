//! A table of a file, and its keys.

use std::fmt::Write as _;

/// A table of a file.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name in the schema: `dns`.
    pub name: &'static str,
    /// Its keys, in the order of the reference.
    pub keys: &'static [Key],
}

/// A key that a table may have.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What its value may be.
    pub shape: Shape,
    /// Whether the table has to have it.
    pub required: bool,
    /// The shape in words, for people.
    pub kind: &'static str,
    /// What holds without it; empty where that goes without saying.
    pub default: &'static str,
    /// What it means, in Markdown with links into the reference.
    pub about: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// This number.
    Exactly(i64),
    /// A number in this range, its ends among it.
    Number(u32, u32),
    /// `true` or `false`.
    Boolean,
    /// A string.
    Text,
    /// A string of one line that is not blank.
    Line,
    /// The address of a socket: `unix:/path`, `inet:port@host`.
    Address,
    /// `500ms`, `10s`, `5m`, `1h`.
    Time,
    /// An RFC 3339 date with time and zone, as a string.
    Date,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// One of these words, or a list of them, each once.
    Words(fn() -> Vec<&'static str>),
    /// A string, or a table of strings by profile.
    ByProfile,
    /// A list of strings.
    Texts,
    /// A list of strings, or a block with one on each line.
    Lines,
    /// A string of several lines.
    Block,
    /// A block, or a list of blocks.
    Blocks,
    /// A string that is split as a shell does, or a list of words.
    Command,
    /// A table with free keys, whose values are strings.
    Strings,
    /// The same, where the values of these macros, with or without braces, may be tables of strings as well.
    StringsOf(&'static [&'static str]),
    /// A table in which everything is free.
    Free,
    /// A table.
    Table(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// A table of the first kind, or a list of tables of the second.
    Either(&'static Table, &'static Table),
    /// A table whose values are strings or tables of this kind.
    Messages(&'static Table),
    /// Variants of the table that it stands in: a table of this kind with the keys of that one beside its own.
    Variants(&'static Table),
    /// A variant's `expect`: blocks by their `C:` line.
    Expected,
    /// What comes instead: blocks by their `C:` line, and lists of a session.
    Instead,
    /// Rows of strings, numbers and truth values.
    Rows,
}

impl Table {
    /// The names of the keys.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.name).collect()
    }

    /// The table as the reference shows it, in Markdown.
    pub fn markdown(&self) -> String {
        let has_defaults = self.keys.iter().any(|key| !key.default.is_empty());
        let mut text = if has_defaults {
            "| key | type | default | |\n| --- | --- | --- | --- |\n".to_owned()
        } else {
            "| key | type | |\n| --- | --- | --- |\n".to_owned()
        };
        for key in self.keys {
            let (name, kind, about) = (key.shown(self.name), key.kind, key.about);
            let default = if key.required { "**required**" } else { key.default };
            let row = match (has_defaults, key.required, about) {
                (true, ..) if default.is_empty() => format!("| {about}"),
                (true, ..) => format!("{default} | {about}"),
                (false, true, "") => "**required**".to_owned(),
                (false, true, _) => format!("**required**; {about}"),
                (false, false, _) => about.to_owned(),
            };
            let _ = writeln!(text, "| {name} | {kind} | {row} |");
        }
        if self.keys.iter().any(|key| matches!(key.shape, Shape::Expected)) {
            text += "| any other | | as in the scenario |\n";
        }
        text
    }
}

impl Key {
    /// A key that may be left out.
    pub(super) const fn new(name: &'static str, shape: Shape, kind: &'static str, about: &'static str) -> Self {
        Self { name, shape, required: false, kind, default: "", about }
    }

    /// The same, and it has to be there.
    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same, and this holds without it.
    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// The key as the reference names it: tables of a whole file with their brackets.
    fn shown(&self, table: &str) -> String {
        let name = self.name;
        match self.shape {
            _ if table != "scenario" => format!("`{name}`"),
            Shape::Either(..) => format!("`[{name}]`, `[[{name}]]`"),
            Shape::Table(_) | Shape::Messages(_) => format!("`[{name}]`"),
            Shape::Tables(_) | Shape::Variants(_) | Shape::Rows => format!("`[[{name}]]`"),
            _ => format!("`{name}`"),
        }
    }
}

/// The words of a table that a reader looks them up in.
pub(super) fn words<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(word, _)| *word).collect()
}
