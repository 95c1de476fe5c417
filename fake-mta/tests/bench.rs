//! `fake-mta bench`, against the scripted filter.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs it; `{bin}` is the folder of the program.
fn bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fake-mta")).arg("bench").args(args).output().expect("the program starts")
}

const FILTER: &str = "{bin}/fake-mta filter --script /dev/null --listen {listen}";

fn report(args: &[&str]) -> (Option<i32>, Value) {
    let output = bench(&[args, &["--report", "json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), report)
}

#[test]
fn every_message_is_counted_and_every_stage_is_measured() {
    let (code, report) = report(&["--command", FILTER, "-c", "3", "-n", "20", "--reuse", "4"]);
    let milter = &report["milters"][0];
    assert_eq!((code, &milter["messages"], &milter["errors"]), (Some(0), &20.into(), &0.into()), "{report:#}");
    let stages = milter["stages"].as_array().expect("a list");
    let answers = |name: &str| stages.iter().find(|stage| stage["stage"] == name).map(|stage| stage["answers"].clone());
    assert_eq!(
        (answers("mail"), answers("eom"), answers("header")),
        (Some(20.into()), Some(20.into()), Some(100.into()))
    );
}

#[test]
fn two_milters_are_compared_turn_by_turn() {
    let (one, other) = (format!("old={FILTER}"), format!("new={FILTER}"));
    let (_, report) = report(&["--command", &one, "--command", &other, "-n", "6", "--rounds", "3", "--rate", "1000"]);
    assert_eq!((&report["milters"][0]["messages"], &report["milters"][1]["messages"]), (&6.into(), &6.into()));
    assert!(report["ratio"]["median"].as_f64().is_some_and(|ratio| ratio > 0.0), "{report:#}");
}

#[test]
fn a_threshold_that_is_not_kept_is_a_failure() {
    let output = bench(&["--command", FILTER, "-n", "2", "--threshold", "max<1ms", "--threshold", "rate>1000000000"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("rate>1000000000: NOT KEPT"), "{told}");
}

#[test]
fn a_filter_that_closes_is_an_error_and_no_message() {
    let dir = tempfile::tempdir().expect("a folder");
    let script = dir.path().join("script");
    // The first connection is that of the recording.
    std::fs::write(&script, "connection 2\nrcpt: close\n").expect("it can be written");
    let command = format!("{{bin}}/fake-mta filter --script {} --listen {{listen}}", script.display());
    let (_, report) = report(&["--command", &command, "-n", "3"]);
    let milter = &report["milters"][0];
    assert_eq!((&milter["messages"], &milter["errors"]), (&2.into(), &1.into()), "{report:#}");
}

/// A filter that refuses the recipient over the connection after the recording's.
fn refuses_later(dir: &std::path::Path) -> String {
    let script = dir.join("script");
    std::fs::write(&script, "connection 2\nrcpt: reject\n").expect("it can be written");
    format!("{{bin}}/fake-mta filter --script {} --listen {{listen}}", script.display())
}

#[test]
fn messages_are_sent_ahead_and_all_are_answered() {
    let (code, report) = report(&["--command", FILTER, "-c", "2", "-n", "1000", "--reuse", "300", "--ahead", "200"]);
    let milter = &report["milters"][0];
    assert_eq!((code, &milter["messages"], &milter["errors"]), (Some(0), &1000.into(), &0.into()), "{report:#}");
}

#[test]
fn answers_unlike_those_of_the_recording_are_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, report) = report(&["--command", &refuses_later(dir.path()), "-n", "3"]);
    let milter = &report["milters"][0];
    assert_eq!((&milter["messages"], &milter["unlike"]), (&3.into(), &1.into()), "{report:#}");
}

#[test]
fn what_was_sent_ahead_is_lost_with_an_answer_that_is_another() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, report) = report(&["--command", &refuses_later(dir.path()), "-n", "6", "--reuse", "3", "--ahead", "3"]);
    let milter = &report["milters"][0];
    assert_eq!((&milter["messages"], &milter["errors"]), (&3.into(), &3.into()), "{report:#}");
    let error = milter["first_error"].as_str().unwrap_or_default();
    assert!(error.starts_with("the answer to `R` is `r`"), "{error}");
}
