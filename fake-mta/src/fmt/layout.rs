//! The lines of a file: what stands on each, how far in, and what is lined up.

use toml_parser::lexer::TokenKind;

use super::{
    block,
    tokens::{Token, spaced, tokens},
};

/// The file in its one form. What it says stays; comments stay where they are.
pub(super) fn lay_out(text: &str) -> String {
    let tokens = tokens(text);
    let mut statements: Vec<Statement> = split(&tokens).into_iter().map(Statement::read).collect();
    line_up(&mut statements);
    let mut out = String::new();
    let mut is_after_blank = true;
    for statement in &statements {
        match statement {
            Statement::Blank if is_after_blank => {}
            Statement::Blank => {
                out.push('\n');
                is_after_blank = true;
            }
            other => {
                other.write(&mut out);
                is_after_blank = false;
            }
        }
    }
    let mut out = out.trim_end_matches('\n').to_owned();
    if !out.is_empty() {
        out.push('\n');
    }
    with_line_ends(out, &tokens)
}

/// A file that has CRLF keeps it; inside of strings nothing was changed.
fn with_line_ends(out: String, before: &[Token<'_>]) -> String {
    let is_crlf =
        before.iter().find(|token| token.kind == TokenKind::Newline).is_some_and(|token| token.text == "\r\n");
    if !is_crlf {
        return out;
    }
    let line_end =
        |token: Token<'_>| if token.kind == TokenKind::Newline { "\r\n".to_owned() } else { token.text.to_owned() };
    tokens(&out).into_iter().map(line_end).collect()
}

/// Cuts at the line ends outside of all brackets.
fn split<'a, 'b>(tokens: &'b [Token<'a>]) -> Vec<&'b [Token<'a>]> {
    let mut depth = 0_usize;
    let ends = move |token: &Token<'_>| {
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth = depth.saturating_sub(1);
        }
        token.kind == TokenKind::Newline && depth == 0
    };
    tokens.split(ends).collect()
}

/// What stands between two line ends.
#[derive(Debug)]
enum Statement {
    Blank,
    /// A comment, or a table's name; and what is behind it.
    Plain {
        text: String,
        comment: String,
    },
    /// A key and its value.
    Pair {
        key: String,
        column: usize,
        width: usize,
        value: String,
        comment: String,
    },
}

impl Statement {
    fn read(tokens: &[Token<'_>]) -> Self {
        let (tokens, comment) = cut_comment(tokens);
        let Some(first) = tokens.iter().find(|token| token.kind != TokenKind::Whitespace) else {
            return if comment.is_empty() {
                Self::Blank
            } else {
                Self::Plain { text: comment.trim_start().to_owned(), comment: String::new() }
            };
        };
        let equals = tokens.iter().position(|token| token.kind == TokenKind::Equals);
        match equals.filter(|_| first.kind != TokenKind::LeftSquareBracket) {
            None => Self::Plain { text: spaced(tokens), comment },
            Some(equals) => {
                let key = spaced(&tokens[..equals]);
                let last = tokens[..equals].last().filter(|token| token.kind == TokenKind::Whitespace);
                let column = key.chars().count() + last.map_or(0, |token| token.text.len());
                let value = value(&key, &tokens[equals + 1..]);
                Self::Pair { width: key.chars().count(), key, column, value, comment }
            }
        }
    }

    fn write(&self, out: &mut String) {
        let comment = match self {
            Self::Blank => return,
            Self::Plain { text, comment } => {
                if begins_part(text) && !out.is_empty() && !out.ends_with("\n\n") && !ends_in_comment(out) {
                    out.push('\n');
                }
                out.push_str(text);
                comment
            }
            Self::Pair { key, width, value, comment, .. } => {
                let padding = " ".repeat(width.saturating_sub(key.chars().count()));
                out.push_str(&format!("{key}{padding} = {value}"));
                comment
            }
        };
        out.push_str(comment);
        out.push('\n');
    }
}

/// Whether it is the name of a table that is no part of another: such a one begins behind an empty line.
fn begins_part(text: &str) -> bool {
    text.starts_with('[') && !text.contains('.')
}

/// Whether the last line is a comment, which may speak of what follows.
fn ends_in_comment(out: &str) -> bool {
    out.trim_end_matches('\n').rsplit('\n').next().is_some_and(|last| last.starts_with('#'))
}

/// The comment at the end, with the spaces before it: at least one.
fn cut_comment<'a, 'b>(tokens: &'b [Token<'a>]) -> (&'b [Token<'a>], String) {
    let Some((last, rest)) = tokens.split_last().filter(|(last, _)| last.kind == TokenKind::Comment) else {
        return (tokens, String::new());
    };
    let gap = rest.last().filter(|token| token.kind == TokenKind::Whitespace).map_or(" ", |token| token.text);
    (rest, format!("{}{}", gap.replace('\t', " "), last.text.trim_end()))
}

/// Pairs whose equals signs stood in one column keep that, in the column that the longest key wants; others have one space.
fn line_up(statements: &mut [Statement]) {
    let column = |statement: &Statement| match statement {
        Statement::Pair { column, .. } => Some(*column),
        _ => None,
    };
    for run in statements.chunk_by_mut(|one, next| column(one).is_some() && column(one) == column(next)) {
        let widest = run.iter().map(|statement| match statement {
            Statement::Pair { width, .. } => *width,
            _ => 0,
        });
        let widest = widest.max().unwrap_or(0);
        for statement in run {
            if let Statement::Pair { width, .. } = statement {
                *width = widest;
            }
        }
    }
}

/// A value: on one line, or on as many as it had, each as far in as its brackets are deep.
fn value(key: &str, tokens: &[Token<'_>]) -> String {
    let significant = || tokens.iter().filter(|token| token.kind != TokenKind::Whitespace);
    if let (Some(only), None) = (significant().next(), significant().nth(1)) {
        return block::tidy(key, only);
    }
    let mut lines: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let all: Vec<&[Token<'_>]> = tokens.split(|token| token.kind == TokenKind::Newline).collect();
    for (number, line) in all.iter().enumerate() {
        let (code, comment) = cut_comment(line);
        let closing =
            code.iter().filter(|token| token.kind != TokenKind::Whitespace).take_while(|token| token.closes()).count();
        let indent = INDENT.repeat(if number == 0 { 0 } else { depth.saturating_sub(closing) });
        depth = depth_behind(depth, code);
        let mut text = spaced(code);
        let ends_item = !text.is_empty() && !text.ends_with([',', '[', '{']);
        if ends_item && number + 1 < all.len() && next_closes_list(&all[number + 1..]) {
            text.push(',');
        }
        let comment = if text.is_empty() { comment.trim_start() } else { comment.as_str() };
        if !text.is_empty() || !comment.is_empty() {
            lines.push(format!("{indent}{text}{comment}"));
        }
    }
    open_first(&mut lines);
    close_last(&mut lines);
    lines.join("\n")
}

fn depth_behind(depth: usize, code: &[Token<'_>]) -> usize {
    let opening = code.iter().filter(|token| token.opens()).count();
    let closing = code.iter().filter(|token| token.closes()).count();
    (depth + opening).saturating_sub(closing)
}

/// Whether the next line with anything but a comment begins with `]`: the item before it is the last of its list.
fn next_closes_list(lines: &[&[Token<'_>]]) -> bool {
    let mut tokens = lines.iter().flat_map(|line| line.iter());
    let next = tokens.find(|token| !matches!(token.kind, TokenKind::Whitespace | TokenKind::Comment));
    next.is_some_and(|token| token.kind == TokenKind::RightSquareBracket)
}

/// Items behind the bracket of a list of several lines go to a line of their own, as the others have.
fn open_first(lines: &mut Vec<String>) {
    let is_several = lines.len() > 1;
    let Some(rest) = lines.first().and_then(|first| first.strip_prefix('[')).map(str::to_owned) else { return };
    if is_several && !rest.is_empty() && !rest.starts_with(' ') && rest.ends_with(',') {
        lines[0] = "[".to_owned();
        lines.insert(1, format!("{INDENT}{rest}"));
    }
}

/// The bracket that ends a list of several lines has one of its own.
fn close_last(lines: &mut Vec<String>) {
    let is_list = lines.len() > 1 && lines.first().is_some_and(|first| first.starts_with('['));
    let Some(last) = lines.last_mut().filter(|last| is_list && !last.trim_start().starts_with([']', '}', '#'])) else {
        return;
    };
    if let Some(item) = last.strip_suffix(']') {
        let comma = if item.ends_with(',') { "" } else { "," };
        *last = format!("{item}{comma}");
        lines.push("]".to_owned());
    }
}

const INDENT: &str = "    ";
