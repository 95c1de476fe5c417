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

/// What becomes of `S:`, `M:`, `D:` and `L:` lines behind `C: HELO x`, in sendmail and in Postfix.
fn helo(lines: &str, played: [StepEvents; 2]) -> (String, String) {
    let text = |lines: &str| {
        format!("name = 'a'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\nC: HELO x\n{lines}C: QUIT\n'''\n")
    };
    let events = played.map(|helo| session(vec![step(&[], &[]), helo]));
    let blessing = blessed(&text(lines), &events, &[], false);
    let (start, end) =
        (text("").find("C: QUIT").expect("it is there"), blessing.text.find("C: QUIT").expect("it is there"));
    let refused = blessing.refused.iter().map(|diag| format!("{}\n", diag.title)).collect();
    (blessing.text[start..end].to_owned(), refused)
}

#[test]
fn where_nothing_comes_any_more_the_file_says_so() {
    let asked = StepEvents { dns: vec!["a.example A".to_owned()], ..StepEvents::default() };
    let (lines, _) = helo("D: a.example A\nD: b.example A\nM: reject\n", [StepEvents::default(), asked]);
    assert_eq!(lines, "D[sendmail]: none\nD[postfix]: a.example A\nM: none\n");
}

#[test]
fn log_lines_are_left_and_a_message_says_so() {
    let (lines, refused) = helo("L: Milter: to=<b@example.net>\n", [step(&[], &[]), step(&[], &[])]);
    assert_eq!(lines, "L: Milter: to=<b@example.net>\n");
    assert_eq!(refused, "not blessed: what is expected of the log is changed by hand\n");
}

#[test]
fn going_on_makes_way_for_what_the_milter_does() {
    let does = |lines: &[&str]| step(&[], &[&["continue"], lines, &["continue"]].concat());
    let (lines, _) = helo("M: continue\n", [does(&["reject"]), does(&["reject"])]);
    assert_eq!(lines, "M: reject\n");
    let (lines, refused) = helo("M: continue\n", [does(&["reject"]), does(&["reply 550 '''"])]);
    assert_eq!(lines, "M: continue\n", "{refused}");
}

#[test]
fn lines_that_both_profiles_have_are_written_once() {
    let does = |two| step(&["250-one", two, "250 three"], &[]);
    let (lines, _) = helo("S: 250-one\n", [does("250-two"), does("250-other")]);
    assert_eq!(lines, "S: 250-one\nS[sendmail]: 250-two\nS[postfix]: 250-other\nS: 250 three\n");
}

#[test]
fn what_looks_like_a_matcher_is_written_as_text() {
    let odd = || step(&["250 [..] [n]"], &["insheader 0 X: [ip]"]);
    let (lines, _) = helo("S: 250 x\nM: continue\n", [odd(), odd()]);
    assert_eq!(lines, "S: 250 [[]..] [[]n]\nM: insheader 0 X: [[]ip]\n");
    let (again, _) = helo(&lines, [odd(), odd()]);
    assert_eq!(again, lines);
}

#[test]
fn addresses_that_differ_in_their_parameters_are_written_once() {
    let mut played = [as_written(), as_written()];
    for (session, params) in played.iter_mut().zip(["", " ORCPT=rfc822;b@x"]) {
        session.envelope = vec!["MAIL FROM:<a@x>".to_owned(), format!("RCPT TO:<b@x>{params}")];
    }
    let text = blessed(FILE, &played, &["example.com TXT".to_owned()], false).text;
    assert!(text.contains("envelope = [\"MAIL FROM:<a@x>\", \"RCPT TO:<b@x>[..]\"]"), "{text}");
}

#[test]
fn recipients_are_written_in_one_order_for_both_profiles() {
    let mut played = [as_written(), as_written()];
    let recipients =
        [["RCPT TO:<d@x>", "RCPT TO:<b@x>", "RCPT TO:<c@x>"], ["RCPT TO:<b@x>", "RCPT TO:<c@x>", "RCPT TO:<d@x> P=1"]];
    for (session, recipients) in played.iter_mut().zip(recipients) {
        session.envelope = [&["MAIL FROM:<a@x>"], &recipients[..]].concat().into_iter().map(str::to_owned).collect();
    }
    let blessed = |envelope: &str| {
        let file = FILE.replace("envelope = []", &format!("envelope = [{envelope}]"));
        let blessing = blessed(&file, &played, &["example.com TXT".to_owned()], false);
        assert_eq!(blessing.refused.len(), 0, "{}", shown(&blessing));
        blessing.text.lines().last().expect("it has lines").to_owned()
    };
    assert_eq!(
        blessed(""),
        "envelope = [\"MAIL FROM:<a@x>\", \"RCPT TO:<b@x>\", \"RCPT TO:<c@x>\", \"RCPT TO:<d@x>[..]\"]"
    );
    let written = blessed("'MAIL FROM:<e@x>', 'RCPT TO:<d@x> P=1', 'RCPT TO:<b@x>'");
    assert_eq!(written, "envelope = ['MAIL FROM:<a@x>', 'RCPT TO:<d@x>[..]', 'RCPT TO:<b@x>', 'RCPT TO:<c@x>']");
}

#[test]
fn queue_ids_are_written_so_that_both_profiles_share_a_line() {
    let lines = "S: 250 x\nM: continue\n";
    let text = |lines: &str| {
        format!("name = 'a'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\nC: HELO x\n{lines}C: QUIT\n'''\n")
    };
    let played = ["i71C0001004242", "41EEF9B1093"].map(|id| {
        let helo = step(&[&format!("250 queued as {id}")], &[&format!("addheader X: id={id}, [n], 2nd 41EEF9B1094")]);
        let queue_ids = [(id, "[qid]"), ("41EEF9B1094", "[qid 2]")].map(|(id, name)| (id.to_owned(), name.to_owned()));
        SessionEvents { queue_ids: queue_ids.into(), ..session(vec![step(&[], &[]), helo]) }
    });
    let first = blessed(&text(lines), &played, &[], false);
    assert_eq!(first.text, text("S: 250 queued as [qid]\nM: addheader X: id=[qid], [[]n], 2nd [qid]\n"));
    assert_eq!(blessed(&first.text, &played, &[], false).changes, 0);
    // What blessing has written it writes again.
    let before = text("S: 250 queued as [qid]\nM: addheader Y: id=[qid]\n");
    assert_eq!(blessed(&before, &played, &[], false).text, first.text);
}

#[test]
fn a_line_that_shares_its_place_has_a_message_with_the_cure() {
    let text = "name = 'a'\n[[session]]\nclient = '192.0.2.1'\ndialogue = 'S: 220 hello'\n";
    let events = || session(vec![step(&["220-hello", "220 hello"], &[])]);
    let blessing = blessed(text, &[events(), events()], &[], false);
    assert_eq!(blessing.text, text);
    assert!(blessing.refused[0].help[0].contains("on a line of its own"), "{}", blessing.refused[0]);
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
