//! The program itself: its options, its exit codes, and what it leaves behind.

mod waiting;

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const GOOD: &str = "name = 'all is well'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\nC: QUIT\n'''\n\
                    [[variant]]\nname = 'a variant'\nmta.profile = 'postfix-3.7'\n";

fn fake_mta(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-mta"));
    command
        .args(args)
        .current_dir(dir)
        .env("TMPDIR", dir.join("tmp"))
        .env("NO_COLOR", "1")
        .env_remove("COLUMNS")
        .stdin(Stdio::null());
    command
}

fn shown(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let code = output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string());
    format!("{out}--- stderr ---\n{err}--- exit {code} ---\n")
}

fn told(dir: &Path, args: &[&str]) -> String {
    shown(&fake_mta(dir, args).output().expect("the program runs"))
}

fn folder(suite: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(dir.path().join("scenarios")).expect("a folder");
    fs::create_dir_all(dir.path().join("tmp")).expect("a folder");
    fs::write(dir.path().join("scenarios/fake-mta.toml"), suite).expect("a file");
    fs::write(dir.path().join("scenarios/a.toml"), GOOD).expect("a file");
    dir
}

#[test]
fn help_has_examples() {
    let dir = folder("");
    insta::assert_snapshot!("help", told(dir.path(), &["--help"]));
    insta::assert_snapshot!("help_run", told(dir.path(), &["run", "--help"]));
}

#[test]
fn wrong_usage_is_64() {
    let dir = folder("");
    let mut text = String::new();
    for args in [
        &["rnu"][..],
        &["run", "--profile", "psotfix"],
        &["run", "--milter", "tcp:1"],
        &["run", "--bless=maybe"],
        &["run", "--report", "jnuit"],
        &["run", "--jobs", "0"],
        &["run", "--repeat", "0"],
    ] {
        text += &told(dir.path(), args);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn list_and_check_read_without_running() {
    let dir = folder("[milter]\ncommand = 'no-such-program'\n");
    let list = told(dir.path(), &["list"]);
    let some = told(dir.path(), &["list", "scenarios/a.toml", "--filter", "variant"]);
    let check = told(dir.path(), &["check"]);
    fs::write(dir.path().join("scenarios/b.toml"), "name = ''\n").expect("a file");
    let broken = told(dir.path(), &["check", "scenarios"]);
    insta::assert_snapshot!(format!("{list}{some}{check}{broken}"));
}

#[test]
fn text_that_could_not_be_written_is_a_failure() {
    let dir = folder("[milter]\ncommand = 'no-such-program'\n");
    for args in [&["list"][..], &["schema"], &["completions", "bash"], &["--help"], &["run", "--report", "json"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
        let output = fake_mta(dir.path(), args).stdout(full).output().expect("the program runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("error: cannot write to standard output: No space left on device"), "{args:?}: {told}");
        assert_eq!(output.status.code(), Some(3), "{args:?}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let dir = folder("[milter]\ncommand = 'no-such-program'\n");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = fake_mta(dir.path(), &["list"]).stdout(writer).output().expect("the program runs");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn what_keeps_every_run_from_starting_is_told_once() {
    let dir = folder("[milter]\ncommand = 'no-such-program'\n");
    let text = told(dir.path(), &["run"]);
    let lines: Vec<&str> = text.lines().map(|line| line.split(" (0.").next().unwrap_or(line)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// What the shell makes of `<(program)`; its writer comes late.
#[test]
fn a_pipe_that_is_named_is_read_and_one_in_a_folder_is_passed_over() {
    let dir = folder("[milter]\ncommand = 'x'\n");
    let capture = r#"{"name":"n","mta":"postfix","group":"basic","config":{},"client":{},"smtp":[],"filters":[]}"#;
    let two = format!("{capture}\n{capture}\n");
    let piped = |args: &[&str], text: &str| {
        let pipe = dir.path().join("scenarios/pipe.toml");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let all = [args, &["scenarios/pipe.toml"]].concat();
        let child = fake_mta(dir.path(), &all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        fs::write(&pipe, text).expect("the program reads");
        let output = child.expect("the program runs").wait_with_output().expect("it ends");
        let found = told(dir.path(), &["check", "scenarios"]);
        assert!(found.ends_with("--- exit 0 ---\n"), "{found}");
        fs::remove_file(&pipe).expect("it is ours");
        shown(&output)
    };
    for (args, text, wanted) in [
        (&["check"][..], GOOD, "--- exit 0 ---"),
        (&["check"], "name = 1", "scenarios/pipe.toml:1:8"),
        (&["decode"], capture, "n (postfix)"),
        (&["decode"], &two, "n (postfix)\nn (postfix)"),
    ] {
        let told = piped(args, text);
        assert!(told.contains(wanted), "{args:?}: {told}");
    }
}

#[test]
fn warnings_are_explained_and_completed() {
    let dir = folder("");
    insta::assert_snapshot!("explain", told(dir.path(), &["explain", "edit-not-negotiated"]));
    insta::assert_snapshot!("explain_nothing", told(dir.path(), &["explain", "edit-not-negotated"]));
    let all = told(dir.path(), &["explain"]);
    assert!(all.lines().count() > 40 && all.contains("\nreply-missing            no answer came in time\n"), "{all}");
    let completions = told(dir.path(), &["completions", "bash"]);
    assert!(completions.contains("text-single-percent"), "{completions}");
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let suite = "[milter]\ncommand = ['sh', '-c', 'echo $$ > started.new; mv started.new started; \
                 while :; do read x </dev/zero; done']\nready_timeout = '10m'\n";
    let dir = folder(suite);
    let mut command = fake_mta(dir.path(), &["run", "--profile", "postfix"]);
    let program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    let started = dir.path().join("scenarios/started");
    waiting::until("the milter has started", || started.exists());
    let milter: i32 = fs::read_to_string(started).expect("a file").trim().parse().expect("a process id");
    let id = i32::try_from(program.id()).expect("a process id");
    kill(Pid::from_raw(id), Signal::SIGINT).expect("it runs");
    let output = program.wait_with_output().expect("it ends");
    let text = shown(&output);
    assert!(text.ends_with("0 passed, 0 failed, 3 skipped\n--- stderr ---\n--- exit 130 ---\n"), "{text}");
    assert_eq!(fs::read_dir(dir.path().join("tmp")).expect("a folder").count(), 0, "the folder of the run is gone");
    assert!(kill(Pid::from_raw(milter), None).is_err(), "the milter is gone");
}
