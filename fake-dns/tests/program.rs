//! The program `fake-dns` as its own process.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use common::{TXT, ask, head, question};

fn fake_dns() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-dns"));
    // The width of the help would follow it.
    command.env_remove("COLUMNS");
    command
}

/// Exit code, standard output and standard error; the folder's name is taken out.
fn run(folder: &std::path::Path, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = fake_dns().current_dir(folder).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!("exit {}\n{}{}", status.code().unwrap(), text(&stdout), text(&stderr))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn check_shows_errors_and_warnings() {
    let folder = folder(&[
        ("good.zone", "example.com TXT \"v=spf1 -all\"\n"),
        ("odd.zone", "a.test CNAME b.test\na.test TXT here\n"),
        ("bad.zone", "a.test TXTT x\n\tA\t192.0.2\x1b[2J\n"),
    ]);
    insta::assert_snapshot!(run(folder.path(), &["check", "good.zone", "odd.zone"]));
    insta::assert_snapshot!(run(folder.path(), &["check", "bad.zone", "missing.zone"]));
    assert!(run(folder.path(), &["check", "--strict", "odd.zone"]).starts_with("exit 2\n"));
}

#[test]
fn usage_is_64_and_help_is_0() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["serve", "--help"]));
    insta::assert_snapshot!(run(folder.path(), &["serve", "--zone", "z", "--fault", "example.com TXT dorp"]));
    assert!(run(folder.path(), &[]).starts_with("exit 64\n"));
    assert!(run(folder.path(), &["--version"]).starts_with("exit 0\nfake-dns "));
}

#[test]
fn serve_refuses_bad_files_and_taken_addresses() {
    let folder = folder(&[("bad.zone", "a.test A x\n"), ("good.zone", "a.test A 192.0.2.1\n")]);
    insta::assert_snapshot!(run(folder.path(), &["serve", "--zone", "good.zone", "--zone", "bad.zone"]));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let refusal = run(folder.path(), &["serve", "--zone", "good.zone", "--listen", &addr]);
    assert!(refusal.starts_with(&format!("exit 3\nfake-dns: cannot listen on {addr}")), "{refusal}");
}

/// A device that never ends is refused by the limit of zone text, and so is a flood of warnings cut.
#[test]
fn check_has_limits() {
    let folder = folder(&[("twice.zone", &"a.test A 192.0.2.1\n".repeat(1_000))]);
    let endless = run(folder.path(), &["check", "/dev/zero"]);
    assert!(endless.starts_with("exit 2\n") && endless.contains("longer than 67108864 bytes"), "{endless}");
    let flood = run(folder.path(), &["check", "twice.zone"]);
    assert_eq!(flood.matches("is there already").count(), zone::MAX_WARNINGS);
    assert!(flood.contains("twice.zone: there are more warnings than these\n"), "{flood}");
}

/// Kills the process if a test fails before it ends by itself.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn serve_tells_its_address_logs_and_ends_on_a_signal() {
    let folder = folder(&[("a.zone", "a.test TXT x\n"), ("b.zone", "b.test TXT y\n")]);
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let args = ["serve", "--zone", "a.zone", "--zone", "b.zone", "--log", "--fault", "b.test TXT servfail"];
        let child = fake_dns().current_dir(folder.path()).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut running = Running(child);
        let mut output = BufReader::new(running.0.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let addr: SocketAddr = line.trim().parse().unwrap();

        assert_eq!(head(&ask(addr, &question(1, "a.test", TXT)).await).rcode, 0);
        assert_eq!(head(&ask(addr, &question(2, "b.test", TXT)).await).rcode, 2);
        kill(Pid::from_raw(running.0.id().try_into().unwrap()), signal).unwrap();
        assert!(running.0.wait().unwrap().success(), "{signal}");
        let mut log = String::new();
        output.read_to_string(&mut log).unwrap();
        assert_eq!(
            log,
            "0 udp a.test TXT -> NOERROR TXT \"x\"\n1 udp b.test TXT -> SERVFAIL [fault: rcode SERVFAIL]\n"
        );
    }
}
