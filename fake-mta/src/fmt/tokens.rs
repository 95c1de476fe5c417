//! TOML as tokens, and the spaces between them.

use toml_parser::{Source, lexer::TokenKind};

/// A token and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) kind: TokenKind,
    /// As it stands in the file.
    pub(super) text: &'a str,
}

/// All tokens of a file but its end.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let tokens = Source::new(text).lex().into_vec();
    let token = |token: &toml_parser::lexer::Token| Token {
        kind: token.kind(),
        text: text.get(token.span().start()..token.span().end()).unwrap_or_default(),
    };
    tokens.iter().filter(|token| token.kind() != TokenKind::Eof).map(token).collect()
}

impl Token<'_> {
    /// Whether it opens a list or an inline table.
    pub(super) fn opens(self) -> bool {
        matches!(self.kind, TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket)
    }

    /// Whether it closes one.
    pub(super) fn closes(self) -> bool {
        matches!(self.kind, TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket)
    }
}

/// The tokens of one line, without its comment, with the usual spaces between them.
pub(super) fn spaced(tokens: &[Token<'_>]) -> String {
    let mut line = String::new();
    let mut before: Option<Token<'_>> = None;
    for token in tokens.iter().filter(|token| token.kind != TokenKind::Whitespace) {
        if before.is_some_and(|before| wants_space(before, *token)) {
            line.push(' ');
        }
        line.push_str(token.text);
        before = Some(*token);
    }
    line
}

fn wants_space(before: Token<'_>, token: Token<'_>) -> bool {
    use TokenKind::{
        Atom, Comma, Dot, Equals, LeftCurlyBracket, LeftSquareBracket, RightCurlyBracket, RightSquareBracket,
    };
    match (before.kind, token.kind) {
        (LeftCurlyBracket, RightCurlyBracket)
        | (LeftSquareBracket | Dot, _)
        | (_, Comma | RightSquareBracket | Dot) => false,
        // Two atoms are a date and its time.
        (LeftCurlyBracket | Comma | Equals, _) | (_, RightCurlyBracket | Equals) | (Atom, Atom) => true,
        _ => false,
    }
}
