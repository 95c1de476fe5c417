//! Start, stop, and what is said of a start that fails.

use std::process::{Command, Output};

use crate::daemon::Daemon;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_spf-milter")).args(args).env_remove("RUST_LOG").output().expect("the program runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_signal_ends_it_and_takes_the_socket_away() {
    for signal in ["TERM", "INT"] {
        let mut daemon = Daemon::start("", "", &[]).await;
        assert!(daemon.socket().exists());
        let status = daemon.stop(signal).await;
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(!daemon.socket().exists(), "{signal}");
        daemon.line_with("stopped").await;
    }
}

#[test]
fn a_bad_configuration_is_exit_code_2_with_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    std::fs::write(&path, "listen = \"unix:/run/x\"\nreject_txt = \"no\"\n[policy.fail]\nenhanced = \"4.7.1\"\n")
        .unwrap();
    let output = run(&["--config", &path.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(stderr(&output).replace(&*path.to_string_lossy(), "[path]"));
}

#[test]
fn a_missing_configuration_is_exit_code_2() {
    let output = run(&["run", "--config", "/nonexistent/spf-milter.toml"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(stderr(&output));
}

#[test]
fn an_address_that_cannot_be_bound_is_exit_code_3() {
    let output = run(&["--resolver", "127.0.0.1:53", "--listen", "unix:/nonexistent/spf-milter.sock"]);
    assert_eq!(output.status.code(), Some(3));
    insta::assert_snapshot!(stderr(&output));
}

#[test]
fn a_wrong_command_line_is_exit_code_64() {
    for args in [&["--lisen", "unix:/x"][..], &["--listen", "nonsense"], &["--resolver", "ns.example"], &["chekc"]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(64), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn help_has_examples_and_exit_codes() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout));
}
