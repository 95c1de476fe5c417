//! Drawing of a [`Diag`] by annotate-snippets.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle};

use super::{Diag, Severity, Source, Span, escape};

/// Draws `diag`, ending in one line end.
pub(super) fn render(diag: &Diag, colour: bool) -> String {
    let level = match diag.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(escape_lines(&diag.title)));
    for (index, (source, labels)) in by_source(diag).into_iter().enumerate() {
        group = add_source(group, source, &labels, index == 0);
    }
    for note in &diag.notes {
        group = group.element(Level::NOTE.message(escape_lines(note)));
    }
    for help in &diag.help {
        group = group.element(Level::HELP.message(escape_lines(help)));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let drawn = renderer.decor_style(DecorStyle::Ascii).term_width(TERM_WIDTH).render(&[group]);
    let mut text: String = drawn.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    if text.is_empty() {
        text.push('\n');
    }
    text
}

/// A place and the words on it.
type Label<'a> = (&'a Span, &'a str);

/// The labels of each file, the main label's file first.
fn by_source(diag: &Diag) -> Vec<(&Source, Vec<Label<'_>>)> {
    let mut files: Vec<(&Source, Vec<Label<'_>>)> = Vec::new();
    for (span, text) in &diag.labels {
        let source: &Source = span.source();
        match files.iter_mut().find(|(known, _)| known.path() == source.path()) {
            Some((_, labels)) => labels.push((span, text)),
            None => files.push((source, vec![(span, text)])),
        }
    }
    files
}

/// Adds one file's excerpt, or only its path where there is no text to show.
fn add_source<'a>(group: Group<'a>, source: &'a Source, labels: &[Label<'a>], main: bool) -> Group<'a> {
    let path = escape(&source.path().to_string_lossy()).into_owned();
    if source.text().is_empty() {
        return group.element(Origin::path(path));
    }
    let mut snippet = Snippet::source(source.text()).path(path);
    for (index, (span, text)) in labels.iter().enumerate() {
        let kind = if main && index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(shown_range(source, span));
        let text = escape(text).into_owned();
        snippet = snippet.annotation(if text.is_empty() { annotation } else { annotation.label(text) });
    }
    group.element(snippet)
}

/// A range of several lines is shown by its first line: a caret says more than a bracket over a block.
fn shown_range(source: &Source, span: &Span) -> std::ops::Range<usize> {
    let line = source.line_range(span.line());
    let range = span.range();
    range.start..range.end.min(line.end.max(range.start))
}

/// Escapes each line, and keeps the line ends.
fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

/// Wide enough that no scenario line is cut: the place matters more than the margin.
const TERM_WIDTH: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_byte_of_the_file_does_not_reach_the_terminal() {
        let source = Source::new("a.toml", "name = \u{1b}[31mred\n");
        let span = Span::new(&source, 7..11);
        let drawn =
            Diag::error("bad \u{1b}title").label(&span, "here \u{7}").note("a\u{1b}\nb").help("c\rd").render(false);
        assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'), "{drawn:?}");
    }

    #[test]
    fn a_message_without_a_place_is_one_line() {
        assert_eq!(Diag::error("no scenario found").render(false), "error: no scenario found\n");
    }
}
