//! New dialogue lines.

use super::{
    lines::{ExtraWish, SHARED, groups, is_writable, margins, whole_line},
    splice::Edit,
};
use crate::{
    diag::{Source, Span},
    scenario::{Line, LineKind, ProfileName},
};

/// The new lines, if there are any, or why they cannot be written.
pub(super) fn insert_lines(source: &Source, kind: LineKind, wish: &ExtraWish) -> Result<Option<Edit>, &'static str> {
    if wish.texts.values().flatten().all(Vec::is_empty) {
        return Ok(None);
    }
    let groups = groups(&wish.texts).ok_or("cases or variants disagree about what comes behind this line")?;
    if groups.iter().flat_map(|(texts, _)| texts).any(|text| !is_writable(text)) {
        return Err("what came behind this line cannot stand in a literal block");
    }
    let (at, old) = insertion(source, &wish.anchor).ok_or(SHARED)?;
    let (indent, end) = margins(old);
    // The last line of a file may have no end; what follows it has to bring one.
    let (before, end) = if end.is_empty() { ("\n", "") } else { ("", end) };
    let mut text = String::new();
    for (only, got) in merged(&groups, &wish.only) {
        let span = wish.anchor.clone();
        let new = Line { kind, only, text: got, text_span: span.clone(), span };
        text += &format!("{before}{indent}{new}{end}");
    }
    Ok(Some(Edit { range: at..at, text }))
}

/// The new lines, each with the profiles it is for. Lines that both profiles have are written once.
fn merged(groups: &[(Vec<String>, Vec<ProfileName>)], only: &[ProfileName]) -> Vec<(Vec<ProfileName>, String)> {
    if let [(one, ones), (other, others)] = groups {
        let changes = similar::TextDiff::from_slices(&texts(one), &texts(other));
        let line = |change: similar::Change<&str>| {
            let only = match change.tag() {
                similar::ChangeTag::Equal => only.to_vec(),
                similar::ChangeTag::Delete => ones.clone(),
                similar::ChangeTag::Insert => others.clone(),
            };
            (only, change.value().to_owned())
        };
        return changes.iter_all_changes().map(line).collect();
    }
    let line = |(texts, profiles): &(Vec<String>, Vec<ProfileName>)| {
        let only = if groups.len() == 1 { only.to_vec() } else { profiles.clone() };
        texts.iter().map(|text| (only.clone(), text.clone())).collect::<Vec<_>>()
    };
    groups.iter().flat_map(line).collect()
}

fn texts(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

/// Where new lines go, and the line whose margins they take: behind the anchor, or before it if it is the empty place at the
/// start of a block, which stands for the connect step.
fn insertion<'a>(source: &'a Source, anchor: &Span) -> Option<(usize, &'a str)> {
    let line = source.line_range(anchor.line());
    if anchor.range().is_empty() {
        let next = source.line_range(anchor.line() + 1).start;
        return (anchor.range().start == line.start).then(|| (line.start, &source.text()[line.start..next]));
    }
    let whole = whole_line(source, anchor)?;
    Some((whole.end, &source.text()[whole]))
}
