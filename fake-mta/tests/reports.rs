//! The reports for machines.

use std::{sync::Arc, time::Duration};

use fake_mta::{
    diag::Source,
    lint::{Finding, Lint},
    report::{self, Format},
    run::{Exit, Fatal, FatalKind, Played, Rounds, Summary, UnitResult, Warning},
    scenario::{self, SessionEvents, StepEvents, Unit},
};

/// One unit that passed, one that passes and fails by turns, one that broke off, one that was not run, and one with a known deviation.
fn summary() -> Summary {
    let text = "name = 'a <b> & # c'\n[mta]\nprofile = ['sendmail', 'sendmail-8.17', 'postfix', 'direct', 'postfix-3.7']\n\
                [[session]]\nclient = '192.0.2.1'\ndialogue = '''\nS: 220 hello\n'''\n";
    let scenarios = scenario::parse(&Source::new("a.toml", text)).unwrap_or_else(|diags| panic!("{}", diags[0]));
    let mut results: Vec<UnitResult> = scenario::units(&scenarios).into_iter().map(result).collect();
    results[1].played.sessions[0].steps[0].replies[0] = "220 \u{1b}[31mother".to_owned();
    results[2].played.fatal = Some(Fatal::new(FatalKind::Milter, "the filter closed the connection"));
    results[4].played.known_deviation = Some("it says <no> & more".to_owned());
    results[1].rounds = Rounds { passed: 1, failed: 1 };
    results[3].played.fatal = Some(Fatal::new(FatalKind::Cancelled, "stopped"));
    let (packet, detail) = ("addheader X-A: <b>".to_owned(), "it needs ADD_HEADERS".to_owned());
    let finding = Finding { lint: Lint::EditNotNegotiated, filter: 0, stage: "eom", packet, detail };
    results[0].warnings.push(Warning { finding, at: (0, 0) });
    for result in &mut results {
        result.mismatches = scenario::compare(&result.unit, &result.played.sessions, &result.played.journal);
    }
    Summary { results, deselected: 1, exit: Exit::MILTER }
}

fn result(unit: Unit) -> UnitResult {
    let steps = vec![StepEvents { replies: vec!["220 hello".to_owned()], ..StepEvents::default() }];
    let sessions = vec![SessionEvents { steps, ..SessionEvents::default() }];
    let played = Played { sessions, ..Played::default() };
    let unit = Unit { scenario: Arc::clone(&unit.scenario), ..unit };
    UnitResult {
        unit,
        elapsed: Duration::from_millis(12),
        played,
        mismatches: Vec::new(),
        warnings: Vec::new(),
        hint: None,
        difference: None,
        milter_differs: Vec::new(),
        is_compared: false,
        strict: false,
        rerun: "fake-mta run a.toml".to_owned(),
        rounds: Rounds::default(),
    }
}

#[test]
fn junit() {
    insta::assert_snapshot!(report::render(Format::Junit, &summary()));
}

#[test]
fn tap() {
    insta::assert_snapshot!(report::render(Format::Tap, &summary()));
}

#[test]
fn json() {
    insta::assert_snapshot!(report::render(Format::Json, &summary()));
}

#[test]
fn github() {
    insta::assert_snapshot!(report::render(Format::Github, &summary()));
}

#[test]
fn html() {
    let page = report::render(Format::Html, &summary());
    // Style and script apart.
    let (head, rest) = page.split_once("<style>").expect("a style");
    let (_, rest) = rest.split_once("</style>").expect("it ends");
    let (body, _) = rest.split_once("<script>").expect("a script");
    insta::assert_snapshot!(format!("{head}{body}").replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn lines_that_come_one_behind_the_other_are_one_message() {
    let mut summary = summary();
    summary.results.truncate(1);
    let result = &mut summary.results[0];
    result.played.sessions[0].steps[0].replies.extend(["250 one", "250 two"].map(str::to_owned));
    result.mismatches = scenario::compare(&result.unit, &result.played.sessions, &result.played.journal);
    assert_eq!(result.mismatches.len(), 2);
    let text = report::render(Format::Tap, &summary);
    assert_eq!(text.matches("error: ").count(), 1, "{text}");
    assert!(text.contains("behind this came: 250 one") && text.contains("and then: 250 two"), "{text}");
}
