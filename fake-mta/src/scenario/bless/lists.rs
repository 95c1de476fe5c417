//! `envelope`, `delivered`, `log` and the DNS journal.

use std::collections::BTreeMap;

use super::{Judged, Pass, lines::written, splice::Edit};
use crate::{
    diag::{Diag, Span},
    scenario::{
        Located, Mismatch, SessionEvents, Subject,
        expect::in_order,
        matcher::{Bindings, holds_matcher},
    },
};

/// Rewrites the lists of sessions and the journal, where all units of the file agree on what they should be.
pub(super) fn bless(judged: &[Judged<'_>], pass: &mut Pass) {
    let mut wishes: BTreeMap<usize, Wish<'_>> = BTreeMap::new();
    for one in judged {
        for Rewritable { span, items, actual } in lists(one) {
            let touched = |mismatch: &&Mismatch| is_list(mismatch.subject) && is_within(&mismatch.span, span);
            let differs = one.mismatches.iter().any(|mismatch| touched(&mismatch));
            let wish =
                wishes.entry(span.range().start).or_insert(Wish { span, items, actual: Vec::new(), differs: false });
            wish.differs |= differs;
            if !wish.actual.contains(&actual) {
                wish.actual.push(actual);
            }
        }
        for mismatch in one.mismatches.iter().filter(|mismatch| by_hand(mismatch.subject)) {
            refuse(pass, &mismatch.span, "this block is changed by hand");
        }
    }
    wishes.into_values().filter(|wish| wish.differs).for_each(|wish| rewrite(&wish, pass));
}

/// A list of the file, and what the units would have it be.
struct Wish<'a> {
    span: &'a Span,
    items: &'a [Located<String>],
    actual: Vec<Vec<String>>,
    differs: bool,
}

/// A list of a unit that can be rewritten.
struct Rewritable<'a> {
    span: &'a Span,
    items: &'a [Located<String>],
    actual: Vec<String>,
}

fn lists<'a>(one: &Judged<'a>) -> Vec<Rewritable<'a>> {
    let scenario = &one.unit.scenario;
    let mut lists = Vec::new();
    for (session, events) in scenario.sessions.iter().zip(one.sessions) {
        if let Some(envelope) = &session.envelope {
            let actual = as_in_file(&envelope.value, events);
            lists.push(Rewritable { span: &envelope.span, items: &envelope.value, actual });
        }
    }
    if let Some(expect) = &scenario.dns.expect {
        lists.push(Rewritable { span: &expect.span, items: &expect.value, actual: one.journal.to_vec() });
    }
    lists
}

/// An envelope whose recipients stand as they do in the file, the others by their addresses: in one order for both MTAs.
fn as_in_file(items: &[Located<String>], events: &SessionEvents) -> Vec<String> {
    let mut sorted: Vec<String> = events.envelope.iter().map(|line| events.without_queue_ids(line)).collect();
    for message in sorted.chunk_by_mut(|_, next| !next.starts_with("MAIL FROM:")) {
        message[1..].sort();
    }
    // Which parameters go along is no matter here.
    let wanted: Vec<String> = items
        .iter()
        .map(|item| if holds_matcher(item) { item.value.clone() } else { path(item).to_owned() + "[..]" })
        .collect();
    in_order(&wanted.iter().map(String::as_str).collect::<Vec<_>>(), &sorted, &Bindings::default())
}

fn is_list(subject: Subject) -> bool {
    matches!(subject, Subject::Envelope | Subject::Journal)
}

fn by_hand(subject: Subject) -> bool {
    matches!(subject, Subject::Delivered | Subject::SessionLog)
}

fn is_within(inner: &Span, outer: &Span) -> bool {
    outer.range().start <= inner.range().start && inner.range().end <= outer.range().end
}

fn rewrite(wish: &Wish<'_>, pass: &mut Pass) {
    let Some(actual) = agreed(&wish.actual) else {
        return refuse(pass, wish.span, "profiles, cases or variants disagree about this list");
    };
    if wish.items.iter().any(|item| holds_matcher(item)) && !pass.force {
        return refuse(pass, wish.span, "this list holds a matcher");
    }
    let raw = wish.span.text();
    let is_array = raw.starts_with('[');
    if !is_array || raw.contains('#') || wish.items.iter().any(|item| item.span.text() != item.value) {
        return refuse(pass, wish.span, "this list holds comments, escapes or case values");
    }
    if actual.iter().any(|item| item.contains(['\'', '"', '\\']) || item.contains(|c: char| c.is_control())) {
        return refuse(pass, wish.span, "what came cannot be written without escapes");
    }
    pass.edits.push(Edit { range: wish.span.range(), text: printed(raw, &actual) });
}

/// What all lists say. Addresses that differ in their parameters alone (Postfix adds ORCPT) are written with `[..]` for these.
fn agreed(lists: &[Vec<String>]) -> Option<Vec<String>> {
    let (first, others) = lists.split_first()?;
    if others.iter().any(|other| other.len() != first.len()) {
        return None;
    }
    let item = |(at, item): (usize, &String)| {
        let mut came = lists.iter().map(|list| list[at].as_str());
        if came.clone().all(|other| other == item) {
            return Some(written(item));
        }
        came.all(|other| path(other) == path(item)).then(|| written(path(item)) + "[..]")
    };
    first.iter().enumerate().map(item).collect()
}

/// `RCPT TO:<address>` without the parameters behind it.
fn path(item: &str) -> &str {
    item.split_once("> ").map_or(item, |(path, _)| &item[..=path.len()])
}

/// The new list, on one line if the old one was, else with one item on each line.
fn printed(old: &str, items: &[String]) -> String {
    let quote = if old.contains('\'') { '\'' } else { '"' };
    let quoted = items.iter().map(|item| format!("{quote}{item}{quote}"));
    let Some((_, rest)) = old.split_once('\n') else {
        return format!("[{}]", quoted.collect::<Vec<_>>().join(", "));
    };
    let end = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let indent: String = rest.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    let last = old.rsplit('\n').next().unwrap_or_default().trim_end_matches(']');
    let lines: String = quoted.map(|item| format!("{indent}{item},{end}")).collect();
    format!("[{end}{lines}{last}]")
}

fn refuse(pass: &mut Pass, span: &Span, why: &str) {
    let diag = Diag::warning(format!("not blessed: {why}")).label(span, "");
    if !pass.refused.contains(&diag) {
        pass.refused.push(diag);
    }
}
