//! `fake-mta conform`, as a program: what it makes of milters that do something odd all the time, or end, or are not there.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn conform(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fake-mta")).arg("conform").args(args).output().expect("the program starts")
}

/// The exit code, what was told, and the JSON report.
fn reported(args: &[&str]) -> (Option<i32>, String, Value) {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("report.json");
    let output = conform(&[args, &["--report", &format!("json={}", file.display())]].concat());
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let report = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    (output.status.code(), told.clone(), report.unwrap_or_else(|| panic!("no report: {told}")))
}

/// The verdicts of the first milter, by case.
fn verdicts(report: &Value) -> Vec<(&str, &str)> {
    let cases = report["cases"].as_array().expect("a list").iter();
    cases.filter_map(|case| Some((case["id"].as_str()?, case["results"][0]["verdict"].as_str()?))).collect()
}

fn scripted(dir: &Path, script: &str) -> String {
    let file = dir.join("script");
    std::fs::write(&file, script).expect("it can be written");
    format!("{{bin}}/fake-mta filter --script {} --listen {{listen}}", file.display())
}

#[test]
fn an_answer_to_quit_is_the_fault_of_no_case_but_those_about_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "quit: accept\n");
    let (_, _, report) = reported(&["--command", &command, "--filter", "message/two", "--filter", "message/quit"]);
    let verdicts = verdicts(&report);
    assert!(
        verdicts.contains(&("message/two", "pass")) && verdicts.contains(&("message/quit", "fail")),
        "{verdicts:?}"
    );
}

#[test]
fn an_answer_that_nobody_asked_for_is_found_in_a_milter_that_answers_quit_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "quit: accept\nabort: continue\n");
    let (code, _, report) = reported(&["--command", &command, "--filter", "message/abort-after-mail"]);
    assert_eq!((code, verdicts(&report)), (Some(1), vec![("message/abort-after-mail", "fail")]));
}

#[test]
fn progress_without_end_is_a_hang() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), &format!("eom: {}continue\n", "progress; wait 10ms; ".repeat(1000)));
    let (_, told, report) = reported(&["--command", &command, "--filter", "message/two", "--timeout", "100ms"]);
    assert_eq!(verdicts(&report), [("message/two", "hang")], "{told}");
}

#[test]
fn text_on_the_socket_is_shown() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "mail: raw 32 32 30 20 68 69 0d 0a\n");
    let (_, told, report) = reported(&["--command", &command, "--filter", "message/two", "--timeout", "10m"]);
    assert_eq!(verdicts(&report), [("message/two", "fail")], "{told}");
    assert!(
        told.contains(
            "no answer is 842149920 bytes long, in \"220 hi\\r\\n\": it is text; does the milter print to its socket?"
        ),
        "{told}"
    );
}

/// Its rest is not waited for: the limit is no part of a passing test.
#[test]
fn a_length_that_no_answer_has_is_told_at_once_with_what_came() {
    for (bytes, wanted) in [
        ("00 00 00 00 63", "packet of length 0: expected at least the code byte, in \"\\x00\\x00\\x00\\x00c\""),
        (
            "01 00 00 00 63",
            "no answer is 16777216 bytes long, in \"\\x01\\x00\\x00\\x00c\": does the milter write the last byte of",
        ),
        ("ff ff ff ff 63", "packet of length 4294967295 is over the limit"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let command = scripted(dir.path(), &format!("mail: raw {bytes}\n"));
        let (_, told, report) = reported(&["--command", &command, "--filter", "message/two", "--timeout", "10m"]);
        assert_eq!(verdicts(&report), [("message/two", "fail")], "{told}");
        assert!(told.contains("what came after mail") && told.contains(wanted), "{told}");
    }
}

/// It is there as it was before the case.
#[test]
fn a_milter_that_closes_every_session_fails_and_has_not_crashed() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "connect: close\n");
    let (code, told, report) = reported(&["--command", &command, "--filter", "message/two"]);
    assert_eq!((code, verdicts(&report)), (Some(1), vec![("message/two", "fail")]), "{told}");
}

#[test]
fn a_reason_that_was_told_is_not_told_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "eom: close\n");
    let (_, told, _) = reported(&["--command", &command, "--filter", "message/two", "--filter", "message/unlike"]);
    assert!(told.contains("        as in message/two\n"), "{told}");
    assert_eq!(told.matches("tried:").count(), 1, "{told}");
}

#[test]
fn where_nobody_listens_no_case_is_tried() {
    let (code, told, report) = reported(&["--milter", "unix:/nope.sock", "--filter", "message/two"]);
    assert_eq!((code, verdicts(&report)), (Some(3), vec![("message/two", "not tried")]));
    assert!(told.contains("nobody listens at unix:/nope.sock") && told.contains("1 not tried"), "{told}");
}

#[test]
fn a_milter_that_stops_and_cannot_be_started_again_is_told_so() {
    let command = "sh -c 'mkdir {dir}/once || exit 9; exec {bin}/fake-mta filter --script /dev/null --listen {listen}'";
    let (code, told, report) =
        reported(&["--command", command, "--filter", "process/stopped", "--filter", "message/two"]);
    assert_eq!((code, verdicts(&report)), (Some(0), vec![("message/two", "pass"), ("process/stopped", "fail")]));
    assert!(told.contains("it could not be started again at the same address: the milter ended before"), "{told}");
}

#[test]
fn a_socket_file_that_a_milter_leaves_behind_is_told_where_it_is_killed_and_not_where_it_stops() {
    // The trap is there before the filter is. In its own session that does not hear the signal, upon which it would remove its socket.
    let command = "sh -c '[ ! -e {listen.path} ] || exit 9; trap \"kill -9 \\$!; exit 0\" TERM; \
                   setsid {bin}/fake-mta filter --script /dev/null --listen {listen} & wait'";
    let (code, told, report) = reported(&["--command", command, "--filter", "process/", "-vv"]);
    assert_eq!(
        (code, verdicts(&report)),
        (Some(1), vec![("process/killed", "fail"), ("process/stopped", "pass")]),
        "{told}"
    );
    assert!(told.contains("it has left its socket file"), "{told}");
}

#[test]
fn a_zone_that_cannot_be_read_is_told_with_its_place_and_no_zone_is_for_a_milter_that_runs_already() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("my.zone");
    std::fs::write(&file, "example.org. A 192.0.2\n").expect("it can be written");
    let zone = file.display().to_string();
    let run = |args: &[&str]| {
        let output = conform(&[args, &["--filter", "message/two", "--zone", &zone]].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = run(&["--command", FILTER]);
    assert!(code == Some(2) && told.contains("my.zone:1:"), "{code:?} {told}");
    let (code, told) = run(&["--milter", "unix:/nope.sock"]);
    assert!(code == Some(64) && told.contains("--zone") && told.contains("--milter"), "{code:?} {told}");
}

#[test]
fn an_interrupted_battery_says_what_was_not_tried() {
    let command = "sh -c 'mkfifo {dir}/said; {bin}/fake-mta filter -v --script /dev/null --listen {listen} 2>{dir}/said & \
                   exec 3<{dir}/said; sed -n \"/^3 /q\" <&3; kill -INT $PPID; exec cat <&3 >/dev/null'";
    let (code, told, report) = reported(&["--command", command, "--filter", "message/", "--command", command]);
    assert_eq!((code, &report["interrupted"]), (Some(130), &true.into()), "{told}");
    let cases = report["cases"].as_array().expect("a list").len();
    assert_eq!(report["milters"][1]["not_tried"], cases, "{told}");
    assert!(told.contains(&format!("sh-2: {cases} not tried")), "{told}");
}

#[test]
fn what_a_milter_wrote_stands_with_its_fault() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "eom: close\n").replace("fake-mta filter", "fake-mta filter --verbose");
    let (_, told, report) = reported(&["--command", &command, "--filter", "message/two", "-v"]);
    let output = report["cases"][0]["results"][0]["output"].as_array().expect("a list");
    assert!(output.iter().any(|line| line.as_str().is_some_and(|line| line.contains("connect client"))), "{output:?}");
    assert!(told.contains("its last lines:"), "{told}");
}

#[test]
fn a_pass_shows_its_reason_at_the_second_v() {
    let (code, told, _) = reported(&["--command", FILTER, "--filter", "message/two", "-vv"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("libmilter ") && told.contains("seen: ") && told.contains("< continue"), "{told}");
}

#[test]
fn a_fault_that_many_cases_find_is_told_once_with_all_of_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = scripted(dir.path(), "eom: close\n");
    let file = |name: &str| dir.path().join(name);
    let reports = ["html", "md"].map(|format| format!("{format}={}", file(format).display()));
    let cases = ["--filter", "message/two", "--filter", "message/unlike", "--level", "must"];
    let names = ["--command", &command, "--report", &reports[0], "--report", &reports[1]];
    let (_, told, report) = reported(&[&names[..], &cases].concat());
    let why = "the connection was closed where eom has to be answered";
    assert!(told.contains(&format!("  fail: {why}\n    in 2 cases: message/two, message/unlike\n")), "{told}");
    let text = |name: &str| std::fs::read_to_string(file(name)).expect("the report");
    let row = format!("- **fake-mta**, `message/two` (must), `message/unlike` (must): fail: {why}\n");
    assert!(text("md").contains(&row), "{}", text("md"));
    let links =
        "<a href=\"#message/two\">message/two</a> (must), <a href=\"#message/unlike\">message/unlike</a> (must)";
    assert!(text("html").contains(&format!("<li>fail: {why}<br>{links}</li>")), "{}", text("html"));
    assert_eq!(report["milters"][0]["counts_by_level"]["must"]["fail"], 2);
}

#[test]
fn a_report_says_what_was_tried_by_what_and_when() {
    let dir = tempfile::tempdir().expect("a folder");
    let page = dir.path().join("page.html");
    let target = format!("html={}", page.display());
    let (_, _, report) = reported(&["--command", FILTER, "--filter", "message/quit", "--report", &target]);
    let page = std::fs::read_to_string(page).expect("the page");
    let (version, date) = (env!("CARGO_PKG_VERSION"), report["date"].as_str().expect("a date"));
    assert_eq!((&report["fake_mta"], &report["milters"][0]["place"]), (&version.into(), &FILTER_SHOWN.into()));
    assert!(page.contains(&format!("<p>fake-mta {version}, {date}</p>")), "{page}");
    assert!(page.contains(&format!("<code>{FILTER_SHOWN}</code>")), "{page}");
    assert!(date.ends_with(" UTC"), "{date}");
}

#[test]
fn what_cannot_be_tried_on_a_milter_that_runs_elsewhere_is_told_with_the_reason() {
    let dir = tempfile::tempdir().expect("a folder");
    let socket = dir.path().join("s");
    let addr = format!("unix:{}", socket.display());
    let program = env!("CARGO_BIN_EXE_fake-mta");
    let filter = Command::new(program).args(["filter", "--script", "/dev/null", "--listen", &addr]).spawn();
    let mut filter = filter.expect("it starts");
    while !socket.exists() {
        std::thread::yield_now();
    }
    let (code, told, report) = reported(&["--milter", &addr, "--filter", "process/"]);
    filter.kill().expect("it runs");
    filter.wait().expect("it ends");
    assert_eq!((code, verdicts(&report)), (Some(0), vec![("process/killed", "skip"), ("process/stopped", "skip")]));
    let why = "only a milter that was started with --command or --suite can be ended";
    assert_eq!(report["cases"][0]["results"][0]["why"], why);
    assert!(told.contains(&format!("        {why}\n")) && told.contains("as in process/killed\n"), "{told}");
}

#[test]
fn the_list_has_all_that_is_known_of_a_case_if_asked() {
    let listed = |args: &[&str]| {
        let output = conform(&[&["--list", "--filter", "message/abort-after-mail"], args].concat());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let more = "\n       libmilter calls xxfi_abort, answers nothing, and waits for HELO or MAIL\n       seen: sendmail at RSET;";
    assert!(listed(&["-v"]).contains(more) && !listed(&[]).contains("libmilter"), "{}", listed(&["-v"]));
}

const FILTER_SHOWN: &str = "'{bin}/fake-mta' filter --script /dev/null --listen '{listen}'";

const FILTER: &str = "{bin}/fake-mta filter --script /dev/null --listen {listen}";
