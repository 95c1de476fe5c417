//! Accepting what came: only the lines that differ are rewritten in the author's file, byte for byte in place.
//!
//! A line that holds a matcher is left alone unless forced, a line that a case fills always. Where profiles disagree about a line, it
//! becomes one line for each (`S[sendmail]:`, `S[postfix]:`).

mod insert;
mod lines;
mod lists;
mod splice;

use super::{Mismatch, SessionEvents, Subject, Unit};
use crate::diag::{Diag, Source};

/// A unit that was played, and how it compares.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// What was played.
    pub unit: &'a Unit,
    /// What happened.
    pub sessions: &'a [SessionEvents],
    /// All DNS questions.
    pub journal: &'a [String],
    /// What [`compare`](super::compare) found.
    pub mismatches: &'a [Mismatch],
}

/// What blessing a file comes to.
#[derive(Clone, Debug)]
pub struct Blessing {
    /// The file's new text.
    pub text: String,
    /// How many places were rewritten.
    pub changes: usize,
    /// What was left as it is although it differs, and why.
    pub refused: Vec<Diag>,
}

/// Rewrites what differs in `source`; `judged` are the units of this file that were played.
///
/// Units that were not played, and steps that a broken-off run did not reach, keep what they expect.
pub fn bless(source: &Source, judged: &[Judged<'_>], force: bool) -> Blessing {
    let mut pass = Pass { force, edits: Vec::new(), refused: Vec::new() };
    let judged: Vec<Judged<'_>> = judged.iter().map(|one| without_deviation(*one, &mut pass)).collect();
    lines::bless(source, &judged, &mut pass);
    lists::bless(&judged, &mut pass);
    let changes = pass.edits.len();
    Blessing { text: splice::splice(source.text(), pass.edits), changes, refused: pass.refused }
}

/// What should come and what comes instead are both said by hand where a deviation is known.
fn without_deviation<'a>(one: Judged<'a>, pass: &mut Pass) -> Judged<'a> {
    let Some(other) = one.mismatches.iter().find(|mismatch| mismatch.subject == Subject::OtherDeviation) else {
        return one;
    };
    let diag = Diag::warning("not blessed: `instead` is changed by hand").label(&other.span, "");
    if !pass.refused.contains(&diag) {
        pass.refused.push(diag);
    }
    Judged { mismatches: &[], ..one }
}

/// The unified diff between a file's old and new text; empty if they are equal.
pub fn diff(path: &std::path::Path, old: &str, new: &str, what: &str) -> String {
    if old == new {
        return String::new();
    }
    let path = crate::diag::escape(&path.to_string_lossy()).into_owned();
    let diff = similar::TextDiff::from_lines(old, new);
    let text = diff.unified_diff().context_radius(2).header(&path, &format!("{path} ({what})")).to_string();
    text.split_inclusive('\n').map(escape_line).collect()
}

fn escape_line(line: &str) -> String {
    let body = line.trim_end_matches(['\n', '\r']);
    format!("{}{}", crate::diag::escape(body), if line.ends_with('\n') { "\n" } else { "" })
}

/// What one call gathers.
struct Pass {
    force: bool,
    edits: Vec<splice::Edit>,
    refused: Vec<Diag>,
}
