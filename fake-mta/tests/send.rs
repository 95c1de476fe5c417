//! `fake-mta send`, against scripted filters.

mod waiting;

use std::{
    fs,
    io::Write as _,
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// A scripted filter in a folder of its own; it ends with the test.
struct Filter {
    dir: tempfile::TempDir,
    child: Child,
}

impl Filter {
    fn start(script: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("script"), script).expect("a file");
        let child = fake_mta(dir.path(), &["filter", "--script", "script", "--listen", "unix:m.sock"]);
        let child = { child }.spawn().expect("the filter starts");
        let socket = dir.path().join("m.sock");
        waiting::until("the filter listens", || UnixStream::connect(&socket).is_ok());
        Self { dir, child }
    }

    fn send(&self, args: &[&str]) -> String {
        shown(&self.command(args).output().expect("the program runs"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let all = [&["send", "-m", "unix:m.sock", "--date", "2026-11-22T12:00:00Z"], args].concat();
        fake_mta(self.dir.path(), &all)
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fake_mta(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-mta"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1").env_remove("COLUMNS").stdin(Stdio::null());
    command
}

fn shown(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let code = output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string());
    format!("{out}--- stderr ---\n{err}--- exit {code} ---\n")
}

const EDITS: &str = "rcpt <spam@example.net>: reply 550 5.7.1 not this one\n\
                     eom:\n  insheader 0 X-First: yes\n  chgheader 1 Subject: [changed]\n  chgfrom <bounce@example.org>\n";

#[test]
fn help_says_how_to_begin() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let output = fake_mta(dir.path(), &["send", "--help"]).output().expect("the program runs");
    insta::assert_snapshot!("help", shown(&output));
}

#[test]
fn a_message_is_shown_with_its_session() {
    insta::assert_snapshot!("one", Filter::start(EDITS).send(&[]));
}

#[test]
fn two_mtas_stand_side_by_side() {
    insta::assert_snapshot!("both", Filter::start(EDITS).send(&["-p", "both", "--width", "120"]));
}

#[test]
fn a_difference_shows_what_the_milter_changed_and_nothing_else() {
    let filter = Filter::start(EDITS);
    insta::assert_snapshot!("diff", filter.send(&["-p", "sendmail", "--diff", "-t", "spam@example.net,b@example.net"]));
}

#[test]
fn a_message_that_no_recipient_is_left_of_is_refused() {
    let filter = Filter::start(EDITS);
    let text = filter.send(&["-q", "--to", "spam@example.net", "--from", "<>", "--helo", "old.example.org"]);
    assert_eq!(text, "--- stderr ---\npostfix-3.7: refused: 550 5.7.1 not this one\n--- exit 1 ---\n");
}

#[test]
fn a_refusal_is_told_with_all_of_its_lines_where_only_a_difference_is_wanted_too() {
    let filter = Filter::start("eom: reply 554-5.7.1 score 11\\r\\n554 5.7.1 refused");
    let text = filter.send(&["-q", "--diff"]);
    assert_eq!(text, "--- stderr ---\npostfix-3.7: refused: 554-5.7.1 score 11 / 554 5.7.1 refused\n--- exit 1 ---\n");
}

#[test]
fn what_the_mta_puts_up_with_is_no_failure() {
    let text = Filter::start("quit: continue").send(&["-q"]);
    assert!(text.ends_with("--- exit 0 ---\n"), "{text}");
}

#[test]
fn each_end_has_its_exit_code() {
    let mut text = String::new();
    for script in
        ["eom: discard", "eom: quarantine too good; continue", "mail: raw 00000001ff", "rcpt: close", "connect: reject"]
    {
        let told = Filter::start(script).send(&[]);
        let ends = told.lines().filter(|line| line.starts_with("postfix-3.7:") || line.starts_with("--- exit"));
        text.push_str(&format!("{script}\n{}\n\n", ends.collect::<Vec<_>>().join("\n")));
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let output = fake_mta(dir.path(), &["send", "-m", "unix:none.sock"]).output().expect("the program runs");
    text.push_str(&format!("nobody there\n{}\n", shown(&output).lines().rev().take(3).collect::<Vec<_>>().join("\n")));
    insta::assert_snapshot!("ends", text);
}

#[test]
fn standard_input_goes_through_as_it_is() {
    let filter = Filter::start("");
    let mut child = filter
        .command(&["-q", "-p", "sendmail", "--header", "To: someone@example.org", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let letter = b"To: a,\n b\nX-Tab:\ty\n\n.dot\ncaf\xe9\n";
    child.stdin.take().expect("a pipe").write_all(letter).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let expected = b"To: someone@example.org\nX-Tab:\ty\n\n.dot\ncaf\xe9\n";
    assert!(output.stdout.ends_with(expected), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The milter is started for the one message, by a command or as a suite says, and its end is told.
#[test]
fn a_milter_can_be_started_for_one_message() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("a file");
    write("script", "eom: addheader X-A: b");
    write("fake-mta.toml", "[milter]\ncommand = \"{bin}/fake-mta filter --script script --listen {listen}\"\n");
    write("a.zone", "example.org. TXT \"v=spf1 -all\"\n");
    let send = |args: &[&str]| shown(&fake_mta(dir.path(), &[&["send"], args].concat()).output().expect("it runs"));
    let started = send(&["--suite", ".", "--zone", "a.zone", "-q", "--diff"]);
    assert!(
        started.contains("\n+X-A: b\n") && !started.contains("C: ") && started.ends_with("exit 0 ---\n"),
        "{started}"
    );
    let program = env!("CARGO_BIN_EXE_fake-mta");
    let command = format!("{program} filter --script {}/script --listen {{listen}}", dir.path().display());
    let started = send(&["--command", &command]);
    assert!(started.contains("\nX-A: b\n") && started.ends_with("exit 0 ---\n"), "{started}");
    let failed = send(&["--command", "sh -c 'echo no luck >&2; exit 7' {listen}"]);
    assert!(
        failed.contains("exit status 7") && failed.contains("no luck") && failed.ends_with("exit 3 ---\n"),
        "{failed}"
    );
    let wrong = send(&["--suite", ".", "--zone", "none.zone"]);
    assert!(wrong.contains("none.zone") && wrong.ends_with("exit 2 ---\n"), "{wrong}");
}
