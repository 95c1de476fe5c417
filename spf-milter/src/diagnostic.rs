//! What is wrong in a text, where, and how to mend it: drawn with the line and a caret.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use anstream::adapter::strip_str;

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

    /// In words alone, where there is no text to draw.
    pub(crate) fn in_one_line(&self) -> String {
        self.hint.as_ref().map_or_else(|| self.what.clone(), |hint| format!("{}: {hint}", self.what))
    }
}

/// The problems of one text, in the order of their places; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems {
    path: String,
    source: String,
    list: Vec<Problem>,
    are_warnings: bool,
}

impl Problems {
    /// The problems of `source`, which came from the file `path`.
    pub(crate) fn new(path: &str, source: &str, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.span.start);
        Self { path: path.to_owned(), source: source.to_owned(), list, are_warnings: false }
    }

    /// The same, for what works and may not be meant so.
    pub(crate) fn into_warnings(self) -> Self {
        Self { are_warnings: true, ..self }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.are_warnings { Level::WARNING } else { Level::ERROR };
        let drawn = self.list.iter().take(PROBLEMS_DRAWN_MAX).map(|problem| {
            let (title, help) = (problem.what.as_str(), problem.hint.as_deref());
            let (path, source, span) = (self.path.as_str(), self.source.as_str(), problem.span.clone());
            let place = Some(Place { path, source, span });
            Drawing { level: level.clone(), title, help, place }.render(&Renderer::plain())
        });
        f.write_str(&drawn.collect::<Vec<_>>().join("\n\n"))?;
        match self.list.len().saturating_sub(PROBLEMS_DRAWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more"),
        }
    }
}

impl std::error::Error for Problems {}

/// Problems of one text that are drawn.
const PROBLEMS_DRAWN_MAX: usize = 20;

/// A message about a place, as compilers show it: `PATH:LINE:COLUMN` in the second row, then the line with a caret.
pub(crate) struct Drawing<'a> {
    pub(crate) level: Level<'a>,
    pub(crate) title: &'a str,
    pub(crate) help: Option<&'a str>,
    pub(crate) place: Option<Place<'a>>,
}

/// Where in which text.
pub(crate) struct Place<'a> {
    pub(crate) path: &'a str,
    pub(crate) source: &'a str,
    pub(crate) span: Range<usize>,
}

impl Drawing<'_> {
    pub(crate) fn render(self, renderer: &Renderer) -> String {
        let excerpt = self.place.as_ref().map(|place| Excerpt::new(place.source, &place.span));
        let mut group = Group::with_title(self.level.primary_title(self.title));
        if let (Some(place), Some(excerpt)) = (&self.place, &excerpt) {
            group = excerpt.add_to(group, place.path);
        }
        if let Some(help) = self.help {
            group = group.element(Level::HELP.message(help));
        }
        let rendered = renderer.render(&[group]);
        if excerpt.is_none_or(|excerpt| excerpt.column.is_none()) {
            return rendered;
        }
        // A place and a text that are given apart get a line between them that says nothing.
        let says_something = |line: &&str| strip_str(line).to_string().trim() != ":::";
        rendered.lines().filter(says_something).collect::<Vec<_>>().join("\n")
    }
}

/// The lines of a span, or of a long line what stands around its start: texts may be somebody else's, and of any length.
struct Excerpt {
    text: String,
    span: Range<usize>,
    line: usize,
    /// The column, where the text does not begin with the line.
    column: Option<usize>,
}

impl Excerpt {
    fn new(source: &str, span: &Range<usize>) -> Self {
        let span = within(source, span);
        let line_start = source[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = source[span.end..].find('\n').map_or(source.len(), |newline| span.end + newline);
        let line = source[..line_start].matches('\n').count() + 1;
        if line_end - line_start <= EXCERPT_BYTES_MAX {
            let text = source[line_start..line_end].to_owned();
            return Self { text, span: span.start - line_start..span.end - line_start, line, column: None };
        }
        let start = floor_char(source, span.start.saturating_sub(BYTES_AROUND)).max(line_start);
        let first_line_end = source[span.start..line_end].find('\n').map_or(line_end, |newline| span.start + newline);
        let end = floor_char(source, span.start + 2 * BYTES_AROUND).min(first_line_end);
        let (before, after) = (mark(start > line_start), mark(end < line_end));
        let shift = |offset: usize| offset.min(end) - start + before.len();
        let column = Some(source[line_start..span.start].chars().count() + 1);
        let text = format!("{before}{}{after}", &source[start..end]);
        Self { text, span: shift(span.start)..shift(span.end), line, column }
    }

    fn add_to<'a>(&'a self, group: Group<'a>, path: &'a str) -> Group<'a> {
        let snippet = Snippet::source(&self.text).line_start(self.line);
        let snippet = snippet.annotation(AnnotationKind::Primary.span(self.span.clone()));
        match self.column {
            None => group.element(snippet.path(path)),
            Some(column) => group.element(Origin::path(path).line(self.line).char_column(column)).element(snippet),
        }
    }
}

/// What stands for text that was left out.
fn mark(left_out: bool) -> &'static str {
    if left_out { "..." } else { "" }
}

/// Bytes of lines that are drawn whole.
const EXCERPT_BYTES_MAX: usize = 300;

/// Bytes of a longer line that are drawn before the place, and half of those behind it.
const BYTES_AROUND: usize = 50;

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

    /// Whoever wrote the text decides how long its lines are.
    #[test]
    fn of_a_long_line_only_the_place_is_drawn() {
        let source = format!("first\n{}BAD{}\nlast", "x".repeat(3000), "y".repeat(3000));
        let at = source.find("BAD").unwrap();
        let problems = [at..at + 3, at..at + 2000, 6..9, 6000..6006, 2..source.len()];
        let problems = problems.map(|span| Problem::new(span, "wrong")).to_vec();
        insta::assert_snapshot!(Problems::new("x", &source, problems));
    }

    #[test]
    fn many_problems_are_counted_and_not_drawn() {
        let problems: Vec<_> = (0..3000).map(|at| Problem::new(at..at + 1, "wrong")).collect();
        let drawn = Problems::new("x", &"x\n".repeat(1500), problems).to_string();
        assert!(drawn.ends_with("\n\nand 2980 more"), "{drawn}");
        assert!(drawn.len() < 3000);
    }

    #[test]
    fn only_a_near_word_is_proposed() {
        let known = ["listen", "resolver", "received_spf"];
        assert_eq!(did_you_mean("Listne", &known), Some("listen"));
        assert_eq!(did_you_mean("recieved_spf", &known), Some("received_spf"));
        assert_eq!(did_you_mean("colour", &known), None);
    }
}
