//! Blessing rewrites the lines that differ and no other byte of the file.

use std::sync::Arc;

use fake_mta::{
    diag::Source,
    scenario::{self, Blessing, Judged, SessionEvents, StepEvents, Unit},
};
use proptest::prelude::*;

/// A file with comments, odd spaces and both quotes.
const FILE: &str = "# a comment at the top\nname =   'a'   # and one here\n[dns]\nexpect = [ \"example.com TXT\" ]\n\n[[session]]\n\
                    client = \"192.0.2.1\"\ndialogue = '''\n# before the banner\n  S: 220 hello\nC: HELO x\n   S:   250 ok  \n\
                    M: continue\n\nC: QUIT\nS[postfix]: 221 bye\nS[sendmail]: 221 [..]\n'''\nenvelope = []\n";

fn units(source: &Arc<Source>) -> Vec<Unit> {
    let scenarios = scenario::parse(source).unwrap_or_else(|diags| panic!("{}", diags[0]));
    scenario::units(&scenarios)
}

fn step(replies: &[&str], milter: &[&str]) -> StepEvents {
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    StepEvents { replies: owned(replies), milter: owned(milter), ..StepEvents::default() }
}

/// Blesses `text` with what happened in each of its units.
fn blessed(text: &str, played: &[SessionEvents], journal: &[String], force: bool) -> Blessing {
    let source = Source::new("a.toml", text);
    let units = units(&source);
    let mismatches: Vec<_> = units
        .iter()
        .zip(played)
        .map(|(unit, events)| scenario::compare(unit, std::slice::from_ref(events), journal))
        .collect();
    let mut judged = Vec::new();
    for ((unit, events), mismatches) in units.iter().zip(played).zip(&mismatches) {
        judged.push(Judged { unit, sessions: std::slice::from_ref(events), journal, mismatches });
    }
    scenario::bless(&source, &judged, force)
}

fn session(steps: Vec<StepEvents>) -> SessionEvents {
    SessionEvents { steps, ..SessionEvents::default() }
}

fn shown(blessing: &Blessing) -> String {
    let refused: String = blessing.refused.iter().map(|diag| diag.render(false)).collect();
    format!("{}{refused}", scenario::diff("a.toml".as_ref(), FILE, &blessing.text, "blessed"))
}

fn as_written() -> SessionEvents {
    session(vec![step(&["220 hello"], &[]), step(&["250 ok"], &["continue"]), step(&["221 bye"], &[])])
}

#[test]
fn what_holds_is_not_touched() {
    let played = [as_written(), as_written()];
    let blessing = blessed(FILE, &played, &["example.com TXT".to_owned()], true);
    assert_eq!((blessing.text.as_str(), blessing.changes), (FILE, 0));
}

#[test]
fn a_line_that_differs_in_both_profiles_is_replaced() {
    let mut played = [as_written(), as_written()];
    for session in &mut played {
        session.steps[1] = step(&["501 no", "501 really"], &["reject"]);
        session.envelope = vec!["MAIL FROM:<a@example.com>".to_owned()];
    }
    let journal = ["example.com TXT".to_owned(), "b.example.com A".to_owned()];
    insta::assert_snapshot!(shown(&blessed(FILE, &played, &journal, false)));
}

#[test]
fn a_line_on_which_profiles_disagree_is_split() {
    let mut played = [as_written(), as_written()];
    played[0].steps[0] = step(&["220 sendmail", "220 more"], &[]);
    played[1].steps[1] = step(&["250 ok"], &[]);
    insta::assert_snapshot!(shown(&blessed(FILE, &played, &["example.com TXT".to_owned()], false)));
}

#[test]
fn a_line_with_a_matcher_is_left_unless_forced() {
    let mut played = [as_written(), as_written()];
    played[0].steps[2] = step(&["421 gone"], &[]);
    let journal = ["example.com TXT".to_owned()];
    insta::assert_snapshot!("matcher_left", shown(&blessed(FILE, &played, &journal, false)));
    insta::assert_snapshot!("matcher_forced", shown(&blessed(FILE, &played, &journal, true)));
}

#[test]
fn text_that_cannot_stand_in_a_block_is_refused() {
    let mut played = [as_written(), as_written()];
    for session in &mut played {
        session.steps[0] = step(&["220 '''\u{1b}[31m"], &[]);
    }
    let blessing = blessed(FILE, &played, &["example.com TXT".to_owned()], true);
    assert_eq!(blessing.text, FILE);
    insta::assert_snapshot!(shown(&blessing));
}

#[test]
fn a_step_that_was_not_reached_keeps_its_lines() {
    let short = session(vec![step(&["220 other"], &[])]);
    let blessing = blessed(FILE, &[short.clone(), short], &[], false);
    assert_eq!(blessing.text, FILE.replace("220 hello", "220 other"));
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[0-9a-z]{1,4}( [a-z<>@.\"]{1,6})?", 0..4)
}

/// A dialogue of a few steps, and what happens in each of them.
fn dialogue() -> impl Strategy<Value = (String, Vec<StepEvents>)> {
    let one = (lines(), lines(), "[ \t]{0,3}", "(# [a-z]{0,5}\n)?");
    prop::collection::vec(one, 1..4).prop_map(|steps| {
        let mut text = String::new();
        let mut events = Vec::new();
        for (index, (expected, actual, indent, comment)) in steps.into_iter().enumerate() {
            if index > 0 {
                text += &format!("{indent}C: NOOP {index}\n");
            }
            text += &comment;
            text.extend(expected.iter().map(|line| format!("{indent}S: {line}\n")));
            events.push(StepEvents { replies: actual, ..StepEvents::default() });
        }
        (text, events)
    })
}

proptest! {
    #[test]
    fn what_was_blessed_holds_and_other_lines_are_the_same((dialogue, events) in dialogue()) {
        let text = format!("name = 'a' # x\n[mta]\nprofile = 'postfix'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\n{dialogue}'''\n");
        let played = [session(events)];
        let first = blessed(&text, &played, &[], false);
        if first.refused.is_empty() {
            let second = blessed(&first.text, &played, &[], false);
            prop_assert_eq!(second.changes, 0, "{}", first.text);
        }
        let others = |text: &str| -> Vec<String> {
            text.split_inclusive('\n').filter(|line| !line.trim_start().starts_with("S:")).map(str::to_owned).collect()
        };
        prop_assert_eq!(others(&text), others(&first.text));
    }

    #[test]
    fn no_text_panics(text in "\\PC*", noise in "[-\\[\\]'\"=#{}\\n a-zA-Z:/.]{0,80}") {
        let _ = scenario::parse(&Source::new("a.toml", text.as_str()));
        let file = format!("name = 'a'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\n{noise}\n'''\n[[case]]\na = 'b'\n{noise}");
        let _ = scenario::parse(&Source::new("a.toml", file));
    }
}
