//! `fake-mta bench`, against the scripted filter.

use std::{
    path::Path,
    process::{Command, Output},
};

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
    // The first connection is that of the recording.
    let command = scripted(dir.path(), "connection 2\nrcpt: close\n");
    let (_, report) = report(&["--command", &command, "-n", "3"]);
    let milter = &report["milters"][0];
    assert_eq!((&milter["messages"], &milter["errors"]), (&2.into(), &1.into()), "{report:#}");
}

/// A filter that refuses the recipient over the connection after the recording's.
fn refuses_later(dir: &Path) -> String {
    scripted(dir, "connection 2\nrcpt: reject\n")
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

/// A filter with a script of its own.
fn scripted(dir: &Path, script: &str) -> String {
    let file = dir.join("script");
    std::fs::write(&file, script).expect("it can be written");
    format!("{{bin}}/fake-mta filter --script {} --listen {{listen}}", file.display())
}

/// A filter in a shell that does something, once what goes over its connections has come to `line`.
fn watched(line: &str, then: &str) -> String {
    format!(
        "sh -c 'mkfifo {{dir}}/said; {{bin}}/fake-mta filter -v --script /dev/null --listen {{listen}} 2>{{dir}}/said & \
         exec 3<{{dir}}/said; sed -n \"/^{line}/q\" <&3; {then}'"
    )
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_load_of_which_nothing_came_through_is_a_failure() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "connection 2\nrcpt: close\n");
    let output = bench(&["--command", &command, "-n", "1", "--threshold", "p99<20ms", "--threshold", "errors<5"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = told(&output);
    assert!(told.contains("p99<20ms: NOT KEPT, no answer came") && told.contains("no message came through"), "{told}");
}

#[test]
fn errors_are_a_failure_unless_a_threshold_allows_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "connection 2\nrcpt: close\n");
    let output = bench(&["--command", &command, "-n", "3"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(told(&output).contains("1 errors; --threshold 'errors<N' allows some"), "{output:?}");
    let output = bench(&["--command", &command, "-n", "3", "--threshold", "errors<2", "--threshold", "eom.max<1h"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_milter_that_ends_ends_the_load_and_is_told_of() {
    let command = watched("3 ", "kill $!; echo out of tune; exit 7");
    let output = bench(&["--command", &command, "--duration", "1h"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let told = told(&output);
    assert!(told.contains("the milter ended: exit status 7") && told.contains("out of tune"), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("broken off: the milter ended"), "{output:?}");
}

#[test]
fn what_was_measured_before_an_interrupt_is_told() {
    let command = watched("3 ", "kill -INT $PPID; exec cat <&3 >/dev/null");
    let (code, report) = report(&["--command", &command, "--duration", "1h"]);
    assert_eq!((code, &report["broken_off"]), (Some(130), &"interrupted".into()), "{report:#}");
    let milter = &report["milters"][0];
    assert!(milter["messages"].as_u64().is_some_and(|count| count > 0) && milter["errors"] == 0, "{report:#}");
}

#[test]
fn a_milter_that_accepts_and_is_silent_is_given_up() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "connection 2\nnegotiate: none\n");
    for ahead in ["0", "2"] {
        let (code, report) = report(&["--command", &command, "-n", "1", "--ahead", ahead, "--timeout", "100ms"]);
        let milter = &report["milters"][0];
        assert_eq!((code, &milter["first_error"]), (Some(1), &"no answer within 100ms".into()), "{report:#}");
    }
}

#[test]
fn progress_is_no_answer_to_what_was_sent_ahead() {
    let dir = tempfile::tempdir().expect("a folder");
    let progress = "progress; wait 10ms; ".repeat(1000);
    let command = scripted(dir.path(), &format!("connection 2\neom: {progress}continue\n"));
    let (_, report) = report(&["--command", &command, "-n", "1", "--ahead", "2", "--timeout", "100ms"]);
    assert_eq!(report["milters"][0]["first_error"], "no answer within 100ms", "{report:#}");
}

#[test]
fn an_address_where_nobody_listens_is_told() {
    let output = bench(&["--milter", "unix:/nope.sock"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(told(&output).contains("cannot connect to unix:/nope.sock: No such file"), "{output:?}");
}

#[test]
fn all_sessions_of_a_scenario_are_the_load_in_turn() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("two.toml");
    let session = |rcpts: &str| {
        format!(
            "[[session]]\nclient = \"192.0.2.1\"\ndialogue = \"\"\"\nC: EHLO a.example\nC: MAIL FROM:<a@a.example>\n{rcpts}\
             C: [message]\nC: QUIT\n\"\"\"\n"
        )
    };
    let (one, two) = (session("C: RCPT TO:<b@b.example>\n"), session(&"C: RCPT TO:<b@b.example>\n".repeat(2)));
    std::fs::write(&file, format!("name = \"two sessions\"\n{one}{two}")).expect("it can be written");
    let (code, report) = report(&[&file.display().to_string(), "--command", FILTER, "-n", "4"]);
    let milter = &report["milters"][0];
    assert_eq!((code, &milter["messages"]), (Some(0), &4.into()), "{report:#}");
    let stages = milter["stages"].as_array().expect("a list");
    let rcpt = stages.iter().find(|stage| stage["stage"] == "rcpt").expect("there are recipients");
    assert_eq!(rcpt["answers"], 6, "{report:#}");
}

/// A scenario with a zone, whose one message has so many recipients.
fn scenario(name: &str, zone: &str, recipients: usize) -> String {
    let rcpts = "C: RCPT TO:<b@b.example>\n".repeat(recipients);
    format!(
        "name = \"{name}\"\n[dns]\nzone = \"\"\"\n{zone}\n\"\"\"\n[[session]]\nclient = \"192.0.2.1\"\ndialogue = \"\"\"\n\
         C: EHLO a.example\nC: MAIL FROM:<a@a.example>\n{rcpts}C: [message]\nC: QUIT\n\"\"\"\n"
    )
}

/// A folder with scenarios, and the suite file that names their milter.
fn suite(scenarios: &[String]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("it can be written");
    write("fake-mta.toml", &format!("[milter]\ncommand = '{FILTER}'\n"));
    for (number, scenario) in scenarios.iter().enumerate() {
        write(&format!("{number}.toml"), scenario);
    }
    dir
}

#[test]
fn several_scenarios_are_the_load_in_turn_of_the_milter_beside_them() {
    let dir = suite(&[
        scenario("one", "a.example. TXT \"x\"", 1),
        scenario("two", "a.example. TXT \"x\"\nb.example. A 192.0.2.1", 2),
        scenario("three", "c.example. A 192.0.2.3", 3),
    ]);
    let path = |name: &str| dir.path().join(name).display().to_string();
    let rcpts = |args: &[&str]| {
        let (code, report) = report(&[args, &["-n", "6"]].concat());
        let stages = report["milters"][0]["stages"].as_array().expect("a list");
        let rcpt = stages.iter().find(|stage| stage["stage"] == "rcpt").expect("there are recipients");
        let name = |scenario: &Value| scenario["name"].as_str().unwrap_or_default().to_owned();
        let names: Vec<_> = report["load"]["scenarios"].as_array().expect("a list").iter().map(name).collect();
        (code, names.join(", "), rcpt["answers"].as_u64().unwrap_or_default())
    };
    assert_eq!(rcpts(&[&path("")]), (Some(0), "one [sendmail], two [sendmail], three [sendmail]".into(), 12));
    assert_eq!(rcpts(&[&path("0.toml"), &path("2.toml")]), (Some(0), "one [sendmail], three [sendmail]".into(), 12));
    assert_eq!(rcpts(&[&path(""), "--filter", "two"]), (Some(0), "two [sendmail]".into(), 12));
}

#[test]
fn scenarios_that_part_in_the_world_are_not_measured_together() {
    let dir = suite(&["", "[milter]\nargs = [\"-x\"]\n"].map(|more| {
        let text = scenario("a scenario", "", 1);
        text.replace("[[session]]", &format!("{more}[[session]]"))
    }));
    let folder = dir.path().display().to_string();
    let output = bench(&[&folder]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(told(&output).contains("the scenarios hand different things to the milter"), "{output:?}");
    // Nothing is handed to one that runs already.
    let output = bench(&[&folder, "--milter", "unix:/nope.sock"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn the_milter_is_built_before() {
    let dir = suite(&[scenario("one", "", 1)]);
    let file = dir.path().join("fake-mta.toml");
    let with = |build: &str| {
        let text = format!("[milter]\nbuild = \"{build}\"\ncommand = '{FILTER}'\n");
        std::fs::write(&file, text).expect("it can be written");
        bench(&[&dir.path().display().to_string(), "-n", "1"])
    };
    let output = with("false");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(told(&output).contains("the milter's build failed: exit status 1"), "{output:?}");
    assert_eq!(with("touch built").status.code(), Some(0));
    assert!(dir.path().join("built").exists());
}

#[test]
fn a_load_without_a_milter_is_refused() {
    let dir = suite(&[scenario("one", "", 1)]);
    let output = bench(&[]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    std::fs::remove_file(dir.path().join("fake-mta.toml")).expect("it was there");
    // Where one stands in a project its suite file would do.
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-mta"));
    let output = command.args(["bench", "."]).current_dir(dir.path()).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(told(&output).contains("no milter to measure"), "{output:?}");
}

#[test]
fn a_load_of_refused_mail_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, report) = report(&["--command", &scripted(dir.path(), "mail: reject\n"), "-n", "1"]);
    let told = report["milters"][0]["cut_short"].as_str().unwrap_or_default();
    assert_eq!(
        (code, told),
        (Some(0), "the milter had its verdict before the end of the message in 1 of 1 sessions: at mail")
    );
}

#[test]
fn what_is_due_and_cannot_be_sent_in_time_is_an_error_and_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "mail: wait 300ms; continue\n");
    let (code, report) = report(&["--command", &command, "--rate", "1000", "--duration", "100ms"]);
    let milter = &report["milters"][0];
    let count = |name: &str| milter[name].as_u64().expect("a number");
    assert_eq!((code, &milter["rate_reached"]), (Some(1), &false.into()), "{report:#}");
    assert_eq!((count("messages") + count("errors"), count("errors")), (100, count("not_sent")), "{report:#}");
}

#[test]
fn a_rate_or_a_time_that_makes_no_sense_is_refused() {
    for (option, value) in [("--rate", "1e-300"), ("--rate", "1e300"), ("--rate", "NaN"), ("--duration", "0s")] {
        let output = bench(&["--command", FILTER, option, value]);
        assert_eq!(output.status.code(), Some(64), "{option} {value}: {output:?}");
    }
}

#[test]
fn two_reports_for_one_place_or_one_that_cannot_be_written_are_refused_before_the_load() {
    for reports in [["text", "json=-"], ["text", "json=/dev/null/x"], ["json=/dev/null", "html=/dev/null"]] {
        let output = bench(&["--milter", "unix:/nope.sock", "--report", reports[0], "--report", reports[1]]);
        assert_eq!(output.status.code(), Some(64), "{reports:?}: {output:?}");
    }
}

#[test]
fn the_report_says_how_the_load_was_put_on_and_what_each_round_came_to() {
    let args =
        ["--command", FILTER, "--command", FILTER, "-n", "4", "--rounds", "2", "-c", "2", "--threshold", "errors<1"];
    let (_, report) = report(&args);
    let load = &report["load"];
    assert_eq!(
        (&load["scenarios"][0]["profile"], &load["connections"], &load["reuse"]),
        (&"sendmail".into(), &2.into(), &1.into())
    );
    assert_eq!((&load["rate"], &load["messages"]), (&Value::Null, &4.into()), "{report:#}");
    let milter = &report["milters"][1];
    assert_eq!((&milter["name"], &milter["rounds"][1]["messages"]), (&"fake-mta-2".into(), &2.into()), "{report:#}");
    assert_eq!((&milter["thresholds"][0]["kept"], &milter["thresholds"][0]["value"]), (&true.into(), &0.0.into()));
    assert!(milter["stages"][0]["ms"]["mean"].as_f64().is_some_and(|mean| mean > 0.0), "{report:#}");
}
