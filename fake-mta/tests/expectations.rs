//! When a step's lines hold, and what is told when they do not.

use fake_mta::{
    diag::Source,
    lint::{Finding, Lint},
    scenario::{self, Packet, SessionEvents, StepEvents},
};

/// What happens in the one step of these tests.
fn events() -> StepEvents {
    let lines = |text: &[&str]| text.iter().map(|line| (*line).to_owned()).collect();
    StepEvents {
        replies: lines(&["250-mx.example", "250-PIPELINING", "250 HELP"]),
        milter: lines(&["continue", "continue", "addheader X: 1", "addheader Y: 2", "continue"]),
        dns: lines(&["Example.COM TXT", "a.example.com A", "a.example.com A"]),
        log: lines(&["connect from x", "Milter add: header: X: 1", "Milter add: header: Y: 2"]),
        ..StepEvents::default()
    }
}

/// Compares these expected lines with the events, and tells each difference as `expected -> came`.
fn differences(lines: &str, events: StepEvents) -> Vec<String> {
    let text = format!(
        "name = 'a'\n[mta]\nprofile = 'postfix'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\n{lines}\n'''\n"
    );
    let scenarios = scenario::parse(&Source::new("a.toml", text)).unwrap_or_else(|diags| panic!("{}", diags[0]));
    let units = scenario::units(&scenarios);
    let session = SessionEvents { steps: vec![events], ..SessionEvents::default() };
    let mismatches = scenario::compare(&units[0], &[session], &[]);
    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    mismatches.iter().map(|mismatch| format!("{} -> {}", side(&mismatch.expected), side(&mismatch.got))).collect()
}

fn holds(lines: &str) {
    let found = differences(lines, events());
    assert!(found.is_empty(), "{lines}: {found:?}");
}

fn fails(lines: &str, wanted: &[&str]) {
    assert_eq!(differences(lines, events()), wanted, "{lines}");
}

#[test]
fn a_kind_without_lines_is_not_checked() {
    holds("");
    holds("S[sendmail]: 500 only in another profile");
}

#[test]
fn replies_are_all_lines_in_order() {
    holds("S: 250-mx.example\nS: 250-PIPELINING\nS: 250 HELP");
    holds("S: 250-[..]\nS: ...");
    holds("S[postfix-3.7]: 500 not this release\nS[postfix]: ...\nS: 250 HELP");
    fails("S: 250-mx.example\nS: 250 HELP", &["nothing -> 250-PIPELINING"]);
    fails("S: 250-mx.example\nS: 250-SIZE\nS: 250 HELP", &["250-SIZE -> 250-PIPELINING"]);
    fails("S: ...\nS: 250 HELP\nS: 250 more", &["250 more -> nothing"]);
    fails("S: none", &["none -> 250-mx.example", "nothing -> 250-PIPELINING", "nothing -> 250 HELP"]);
}

#[test]
fn what_goes_on_need_not_be_written_but_all_else_has_to() {
    holds("M: addheader X: 1\nM: addheader Y: 2");
    holds("M: continue\nM: addheader X: [n]\nM: addheader Y: 2\nM: continue");
    fails("M: addheader Y: 2", &["nothing -> addheader X: 1"]);
    fails("M: continue", &["nothing -> addheader X: 1", "nothing -> addheader Y: 2"]);
    fails(
        "M: addheader Y: 2\nM: addheader X: 1",
        &["addheader Y: 2 -> addheader X: 1", "addheader X: 1 -> addheader Y: 2"],
    );
    fails("M: addheader X: 1\nM: addheader Y: 2\nM: accept", &["accept -> continue"]);
    assert_eq!(differences("M: none", StepEvents::default()), [""; 0]);
}

#[test]
fn questions_come_in_any_order_but_all_of_them() {
    holds("D: a.example.com. A\nD: example.com TXT\nD: a.example.com A");
    holds("D: [..] A\nD: a.example.com A\nD: example.com TXT");
    fails("D: a.example.com A\nD: example.com TXT", &["nothing -> a.example.com A"]);
    fails("D: a.example.com A\nD: example.com TXT\nD: a.example.com AAAA", &["a.example.com AAAA -> a.example.com A"]);
}

#[test]
fn log_lines_come_in_order_with_others_between() {
    holds("L: connect from x\nL: Milter add: header: Y: 2");
    holds("L: Milter add: header: X: 1");
    fails("L: Milter add: header: Y: 2\nL: connect from x", &["connect from x -> nothing"]);
    fails("L: Milter add: header: X: 3", &["Milter add: header: X: 3 -> Milter add: header: X: 1"]);
}

#[test]
fn all_warnings_of_a_step_are_expected_once_each() {
    let finding = |lint| Finding { lint, filter: 0, stage: "eom", packet: String::new(), detail: String::new() };
    let seen = || {
        let lints = [Lint::HeaderName, Lint::EditNotNegotiated, Lint::HeaderName];
        StepEvents { warnings: lints.map(finding).into(), ..events() }
    };
    assert_eq!(differences("W: edit-not-negotiated\nW: header-name", seen()), [""; 0]);
    assert_eq!(differences("W: none\nW: header-name\nW: [..]", seen()), [""; 0]);
    assert_eq!(differences("W: header-name", seen()), ["nothing -> edit-not-negotiated"]);
    assert_eq!(differences("W: header-name\nW: text-nul", seen()), ["text-nul -> edit-not-negotiated"]);
    assert_eq!(differences("W: none", seen()), ["none -> header-name", "nothing -> edit-not-negotiated"]);
    assert_eq!(differences("W: none\nW: none", events()), [""; 0]);
}

/// Compares a `wire` block for the connection with these packets.
fn wire_differences(block: &str, packets: &[(&str, &str)]) -> Vec<String> {
    let text = format!(
        "name = 'a'\n[mta]\nprofile = 'postfix'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\nC: QUIT\n'''\nwire = '''\n{block}\n'''\n"
    );
    let scenarios = scenario::parse(&Source::new("a.toml", text)).unwrap_or_else(|diags| panic!("{}", diags[0]));
    let packet = |(text, hex): &(&str, &str)| Packet { text: (*text).into(), hex: (*hex).into() };
    let step = StepEvents { wire: packets.iter().map(packet).collect(), ..StepEvents::default() };
    let session = SessionEvents { steps: vec![step], ..SessionEvents::default() };
    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    let mismatches = scenario::compare(&scenario::units(&scenarios)[0], &[session], &[]);
    mismatches.iter().map(|mismatch| format!("{} -> {}", side(&mismatch.expected), side(&mismatch.got))).collect()
}

#[test]
fn packets_are_expected_decoded_or_with_their_bytes() {
    let packets = [("> helo x", "00000003 48 7800"), ("< continue", "00000001 63")];
    for good in [
        "> helo x\n< continue",
        "> helo x | 00000003 48 7800\n< [..]",
        "...\n< continue | 0000000163",
        "[sendmail] > helo y\n[postfix] > helo x\n< continue",
        "# a comment\n\n> helo x\n...",
        "C: QUIT",
    ] {
        assert_eq!(wire_differences(good, &packets), [""; 0], "{good}");
    }
    assert_eq!(wire_differences("> helo x\n< accept", &packets), ["< accept -> < continue"]);
    assert_eq!(wire_differences("> helo x", &packets), ["nothing -> < continue"]);
    assert_eq!(wire_differences("> helo [..=a]\n< [..=a]", &packets), ["< x -> < continue"]);
    let hex = "> helo x | 00000003 48 7900\n< continue";
    assert_eq!(wire_differences(hex, &packets), ["> helo x | 00000003 48 7900 -> > helo x | 00000003 48 7800"]);
}

#[test]
fn what_comes_instead_stands_for_all_of_its_step() {
    let compared = |instead: &str| {
        let text = format!(
            "name = 'a'\nknown_deviation = 'x'\n{instead}\n[mta]\nprofile = 'postfix'\n[[session]]\nclient = '192.0.2.1'\n\
             dialogue = '''\nC: QUIT\nM: reject\n'''\nwire = '''\nC: QUIT\n< reject\n'''\n"
        );
        let scenarios = scenario::parse(&Source::new("a.toml", text)).unwrap_or_else(|diags| panic!("{}", diags[0]));
        let step = StepEvents { milter: vec!["accept".to_owned()], ..StepEvents::default() };
        let session = SessionEvents { steps: vec![StepEvents::default(), step], ..SessionEvents::default() };
        scenario::compare_instead(&scenario::units(&scenarios)[0], &[session], &[]).len()
    };
    assert_eq!(compared("instead.'C: QUIT' = 'M: accept'"), 0, "neither its lines nor its packets are left");
    assert_eq!(compared("instead.connect = 'M: none'"), 2, "the lines and the packets of another step hold");
    assert_eq!(compared(""), 0, "anything may come");
}

#[test]
fn the_recipients_of_a_message_come_in_any_order() {
    let compared = |envelope: &str| {
        let text = format!(
            "name = 'a'\n[mta]\nprofile = 'postfix'\n[[session]]\nclient = '192.0.2.1'\ndialogue = ''\nenvelope = '''\n{envelope}'''\n"
        );
        let scenarios = scenario::parse(&Source::new("a.toml", text)).unwrap_or_else(|diags| panic!("{}", diags[0]));
        let lines = ["MAIL FROM:<s@x>", "RCPT TO:<c@x>", "RCPT TO:<b@x> P=1", "MAIL FROM:<t@x>", "RCPT TO:<d@x>"];
        let envelope = lines.map(str::to_owned).to_vec();
        let session = SessionEvents { steps: vec![StepEvents::default()], envelope, ..SessionEvents::default() };
        let mismatches = scenario::compare(&scenario::units(&scenarios)[0], &[session], &[]);
        let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        let shown = |one: &scenario::Mismatch| format!("{} -> {}", side(&one.expected), side(&one.got));
        mismatches.iter().map(shown).collect::<Vec<_>>()
    };
    let second = "MAIL FROM:<t@x>\nRCPT TO:<d@x>\n";
    for first in ["RCPT TO:<b@x>[..]\nRCPT TO:<c@x>", "RCPT TO:<c@x>\nRCPT TO:<b@x> P=1", "[..]\n/RCPT TO:<c.*/", "..."]
    {
        assert_eq!(compared(&format!("MAIL FROM:<s@x>\n{first}\n{second}")), [""; 0], "{first}");
    }
    let moved = compared("MAIL FROM:<s@x>\nRCPT TO:<b@x> P=1\nRCPT TO:<d@x>\nMAIL FROM:<t@x>\nRCPT TO:<c@x>\n");
    assert_eq!(moved, ["RCPT TO:<d@x> -> RCPT TO:<c@x>", "RCPT TO:<c@x> -> RCPT TO:<d@x>"]);
    let twice = compared(&format!("MAIL FROM:<s@x>\nRCPT TO:<c@x>\nRCPT TO:<c@x>\n{second}"));
    assert_eq!(twice, ["RCPT TO:<c@x> -> RCPT TO:<b@x> P=1"]);
}

#[test]
fn queue_ids_are_told_as_the_transcript_has_them() {
    let told = |lines: &str| {
        let text = format!(
            "name = 'a'\n[mta]\nprofile = 'postfix'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\n{lines}\n'''\n"
        );
        let scenarios = scenario::parse(&Source::new("a.toml", text)).unwrap_or_else(|diags| panic!("{}", diags[0]));
        let replies = vec!["250 41EEF9B1093".to_owned(), "250 41EEF9B1094".to_owned()];
        let queue_ids =
            [("41EEF9B1093", "[qid]"), ("41EEF9B1094", "[qid 2]")].map(|(id, name)| (id.into(), name.into()));
        let steps = vec![StepEvents { replies, ..StepEvents::default() }];
        let session = SessionEvents { steps, queue_ids: queue_ids.into(), ..SessionEvents::default() };
        let mismatches = scenario::compare(&scenario::units(&scenarios)[0], &[session], &[]);
        mismatches.into_iter().map(|mismatch| (mismatch.expected, mismatch.got)).collect::<Vec<_>>()
    };
    let line = |text: &str| Some(text.to_owned());
    assert_eq!(told("S: 250 [qid=a]\nS: 250 [qid=a]"), [(line("250 [qid]"), line("250 [qid 2]"))]);
    assert_eq!(told("S: 250 41EEF9B1093 ok\nS: ..."), [(line("250 41EEF9B1093 ok"), line("250 41EEF9B1093"))]);
}

#[test]
fn the_journal_may_leave_questions_out_where_it_says_so() {
    let compared = |expect: &str, journal: &[&str]| {
        let text = format!(
            "name = 'a'\n[mta]\nprofile = 'postfix'\n[dns]\nexpect = {expect}\n[[session]]\nclient = '192.0.2.1'\ndialogue = ''\n"
        );
        let scenarios = scenario::parse(&Source::new("a.toml", text)).unwrap_or_else(|diags| panic!("{}", diags[0]));
        let journal: Vec<String> = journal.iter().map(|line| (*line).to_owned()).collect();
        let session = SessionEvents { steps: vec![StepEvents::default(); 4], ..SessionEvents::default() };
        scenario::compare(&scenario::units(&scenarios)[0], &[session], &journal).len()
    };
    assert_eq!(compared("['a.example TXT', '...']", &["a.example TXT", "b.example A", "c.example A"]), 0);
    assert_eq!(compared("['...', 'c.example A']", &["a.example TXT", "b.example A"]), 1);
    assert_eq!(compared("['...']", &[]), 0);
}
