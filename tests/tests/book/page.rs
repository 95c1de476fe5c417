//! A page of the book: what it needs, its files, and its commands with what they print.

use std::ops::Range;

/// What is run of a page, in its order.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Commands that must succeed on this machine, or the page cannot be run.
    pub(crate) needs: Vec<String>,
    /// Folders of the repository that the reader has.
    pub(crate) uses: Vec<String>,
    /// Files and commands.
    pub(crate) blocks: Vec<Block>,
}

/// A fenced block that does something.
#[derive(Debug)]
pub(crate) enum Block {
    /// A file of the reader's.
    File {
        /// Relative to the reader's folder.
        path: String,
        /// Its text.
        text: String,
    },
    /// What the reader types and sees.
    Console(Vec<Command>),
    /// A file that something in the background writes, and that is there before the reader can type.
    Wait(String),
}

/// A command and what it prints.
#[derive(Debug)]
pub(crate) struct Command {
    /// As a shell reads it; lines that end in a backslash go on.
    pub(crate) text: String,
    /// The line it stands in, counted from 1.
    pub(crate) line: usize,
    /// The lines below it.
    pub(crate) expected: Vec<String>,
    /// Where those stand in the page, counted from 0.
    pub(crate) output_lines: Range<usize>,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// A block that nobody runs and that does not say why, or one without an end.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lines: Vec<&str> = text.lines().collect();
        let mut page = Self::default();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            if let Some(comment) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
                page.comment(comment);
            }
            let Some(info) = line.strip_prefix("```") else { continue };
            let length = lines[at..].iter().position(|line| *line == "```");
            let length = length.ok_or_else(|| format!("line {at}: the block has no end"))?;
            page.block(info, &lines[at..at + length], at);
            at += length + 1;
        }
        Ok(page)
    }

    fn comment(&mut self, comment: &str) {
        if let Some(need) = comment.strip_prefix("needs: ") {
            self.needs.push(need.to_owned());
        }
        if let Some(folder) = comment.strip_prefix("uses: ") {
            self.uses.push(folder.to_owned());
        }
        if let Some(file) = comment.strip_prefix("waits for: ") {
            self.blocks.push(Block::Wait(file.to_owned()));
        }
    }

    fn block(&mut self, info: &str, lines: &[&str], first: usize) {
        if info == "console" {
            self.blocks.push(Block::Console(commands(lines, first)));
        } else if let Some(path) = file_of(info) {
            let text = lines.iter().flat_map(|line| [line, "\n"]).collect();
            self.blocks.push(Block::File { path: path.to_owned(), text });
        }
    }
}

/// The file that a block is, by its first line. A path has an ending: single words are for the tests of other pages.
pub(crate) fn file_of(info: &str) -> Option<&str> {
    let (_, path) = info.split_once(' ')?;
    let is_path = !path.contains([' ', ':']) && path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    is_path.then_some(path)
}

/// Splits a block behind each `$ `; `first` is the index of its first line in the page.
fn commands(lines: &[&str], first: usize) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = first + at + 1;
        let Some(start) = lines[at].strip_prefix("$ ") else {
            at += 1;
            continue;
        };
        let mut text = start.to_owned();
        at += 1;
        while text.ends_with('\\') && at < lines.len() {
            text = text + "\n" + lines[at];
            at += 1;
        }
        let length = lines[at..].iter().position(|line| line.starts_with("$ ")).unwrap_or(lines.len() - at);
        let expected = lines[at..at + length].iter().map(|&line| line.to_owned()).collect();
        commands.push(Command { text, line, expected, output_lines: first + at..first + at + length });
        at += length;
    }
    commands
}
