//! What is wrong in a text, where, and how to mend it: drawn with the line and a caret.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Something wrong at one place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The bytes that are wrong, as offsets into the text.
    pub(crate) span: Range<usize>,
    /// What is wrong: a lowercase fragment.
    pub(crate) what: String,
    /// How to mend it, if that can be said.
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// A problem at `span`.
    pub(crate) fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { span, what: what.into(), hint: None }
    }

    /// The same problem with advice.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The problems of one text, in the order of their places; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems {
    path: String,
    source: String,
    list: Vec<Problem>,
}

impl Problems {
    /// The problems of `source`, which came from the file `path`.
    pub(crate) fn new(path: &str, source: &str, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.span.start);
        Self { path: path.to_owned(), source: source.to_owned(), list }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drawn: Vec<_> = self.list.iter().map(|problem| draw(&self.path, &self.source, problem)).collect();
        f.write_str(&drawn.join("\n\n"))
    }
}

impl std::error::Error for Problems {}

/// One problem with its line, as compilers show it: `PATH:LINE:COLUMN` in the second row.
fn draw(path: &str, source: &str, problem: &Problem) -> String {
    let span = within(source, &problem.span);
    let snippet = Snippet::source(source).path(path).annotation(AnnotationKind::Primary.span(span));
    let mut group = Level::ERROR.primary_title(&problem.what).element(snippet);
    if let Some(hint) = &problem.hint {
        group = group.element(Level::HELP.message(hint));
    }
    Renderer::plain().render(&[group])
}

/// The span cut to the text, so that a parser's offset past the end cannot break the drawing.
fn within(source: &str, span: &Range<usize>) -> Range<usize> {
    let start = floor_char(source, span.start);
    start..floor_char(source, span.end).max(start)
}

fn floor_char(source: &str, offset: usize) -> usize {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The word of `known` that `word` was probably meant to be.
pub(crate) fn did_you_mean<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word, candidate);
    let near = known.iter().filter(|candidate| distance(candidate) <= 1 + candidate.chars().count() / 4);
    near.min_by_key(|candidate| distance(candidate)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_drawn_with_its_line_and_a_caret() {
        let source = "listen = \"unix:/run/x\"\nmod = \"record\"\n";
        let problem = Problem::new(23..26, "unknown key `mod`").hint("did you mean `mode`?");
        insta::assert_snapshot!(Problems::new("spf-milter.toml", source, vec![problem]));
    }

    #[test]
    fn an_offset_outside_of_the_text_or_inside_a_character_does_no_harm() {
        let problems = vec![Problem::new(900..901, "far away"), Problem::new(6..7, "inside")];
        assert!(Problems::new("x", "a = \"ä\"", problems).to_string().contains("far away"));
    }

    #[test]
    fn only_a_near_word_is_proposed() {
        let known = ["listen", "resolver", "received_spf"];
        assert_eq!(did_you_mean("Listne", &known), Some("listen"));
        assert_eq!(did_you_mean("recieved_spf", &known), Some("received_spf"));
        assert_eq!(did_you_mean("colour", &known), None);
    }
}
