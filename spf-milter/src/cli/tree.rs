//! The evaluation as a tree: each term with its questions, their answers, and what came of it.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use spf::{AnswerKind, Directive, Modifier, SpfResult, Term, Trace, TraceCheck, TraceQuery, TraceTerm, Verdict};

/// Draws a trace, with colours that the caller takes out where they are not wanted.
pub(super) fn draw(trace: &Trace) -> String {
    let mut tree = Tree::default();
    tree.check(&trace.check, "");
    for query in &trace.explanation {
        tree.query(query, "exp: ");
    }
    if trace.truncated {
        tree.line("", "(more terms were evaluated than are shown)");
    }
    tree.text
}

/// The style in which a result is shown.
pub(super) fn style(result: SpfResult) -> Style {
    let colour = match result {
        SpfResult::Pass => AnsiColor::Green,
        SpfResult::Fail => AnsiColor::Red,
        SpfResult::Softfail | SpfResult::Neutral | SpfResult::None => AnsiColor::Yellow,
        SpfResult::Temperror | SpfResult::Permerror => AnsiColor::Magenta,
    };
    colour.on_default().bold()
}

#[derive(Default)]
struct Tree {
    text: String,
    /// The counts shown last: they are repeated only when they have changed.
    counts: (u32, u32),
}

impl Tree {
    /// Draws one `check_host()`: the domain, the question for its record, its terms.
    fn check(&mut self, check: &TraceCheck, indent: &str) {
        let result = check.result;
        let styled = style(result);
        // The rest of the cause, domain and term, stands in the tree anyway.
        let cause = &check.cause.kind;
        self.line(indent, &format!("{BOLD}{}{BOLD:#}: {styled}{result}{styled:#}  {cause}", check.domain));
        let bar = if check.terms.is_empty() { "  " } else { "│ " };
        if let Some(query) = &check.query {
            self.query(query, &format!("{indent}{bar}"));
        }
        let last = check.terms.len().saturating_sub(1);
        for (index, term) in check.terms.iter().enumerate() {
            self.term(term, indent, index == last);
        }
    }

    fn term(&mut self, term: &TraceTerm, indent: &str, is_last: bool) {
        let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let target = match &term.target {
            Some(target) if needs_target(term, &target.to_string()) => format!(" = {target}"),
            _ => String::new(),
        };
        // What a nested check adds to the counts is shown there.
        let counts = match term.check {
            Some(_) => (self.counts.0 + 1, self.counts.1),
            None => (term.term_lookups, term.void_terms),
        };
        let counts = self.counts(counts);
        self.line(indent, &format!("{branch}{}{target}  {}{counts}", term.term, verdict(term)));
        let indent = format!("{indent}{below}");
        for query in &term.queries {
            self.query(query, &indent);
        }
        if let Some(check) = &term.check {
            self.check(check, &indent);
        }
    }

    fn query(&mut self, query: &TraceQuery, indent: &str) {
        let answer = &query.answer;
        let shown = match &answer.kind {
            AnswerKind::Records(records) => records.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            AnswerKind::NoData => "no records of this type (void)".to_owned(),
            AnswerKind::NxDomain => "no such name (void)".to_owned(),
            AnswerKind::Failed(failure) => format!("failed: {failure}"),
        };
        let time = milliseconds(answer.elapsed);
        self.line(indent, &format!("{DIM}{} ->{DIM:#} {shown}{DIM}{time}{DIM:#}", query.question));
    }

    /// The counts of lookups and voids, where they have changed.
    fn counts(&mut self, counts: (u32, u32)) -> String {
        if std::mem::replace(&mut self.counts, counts) == counts {
            return String::new();
        }
        format!("  {DIM}[lookups {}, void {}]{DIM:#}", counts.0, counts.1)
    }

    fn line(&mut self, indent: &str, text: &str) {
        let _ = writeln!(self.text, "{indent}{text}");
    }
}

fn verdict(term: &TraceTerm) -> String {
    match (term.verdict, term.term.term()) {
        (Verdict::NoMatch, _) => "no match".to_owned(),
        (Verdict::Error, _) => format!("{ERROR}error{ERROR:#}"),
        (Verdict::Match, Some(Term::Directive(Directive { qualifier, .. }))) => {
            let styled = style(qualifier.result());
            format!("{styled}match: {}{styled:#}", qualifier.result())
        }
        (Verdict::Match, _) => "taken".to_owned(),
    }
}

/// Whether the target says more than the term's own text: it came out of macros, or from nowhere visible.
fn needs_target(term: &TraceTerm, target: &str) -> bool {
    let spec = match term.term.term() {
        Some(Term::Directive(directive)) => directive.mechanism.domain_spec(),
        Some(Term::Modifier(Modifier::Redirect(target) | Modifier::Exp(target))) => Some(target),
        _ => None,
    };
    spec.is_some_and(|spec| !spec.is_literal()) || (spec.is_none() && !target.is_empty())
}

fn milliseconds(elapsed: Duration) -> String {
    if elapsed.is_zero() { String::new() } else { format!("  ({:.1} ms)", elapsed.as_secs_f64() * 1000.0) }
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const ERROR: Style = AnsiColor::Magenta.on_default().bold();
