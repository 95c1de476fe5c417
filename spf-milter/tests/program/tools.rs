//! The command-line tools, as a postmaster or a CI job runs them.

use std::process::{Command, Output};

use tempfile::TempDir;

const ZONE: &str = r#"
april.netcraft.com.au.  TXT "v=spf1 include:netcraft.com.au exists:%{ir}.%{l1r+-}._spf.%{d} ?mx"
april.netcraft.com.au.  MX 10 mx.netcraft.com.au.
netcraft.com.au.        TXT "v=spf1 ip4:203.16.230.0/23 ip4:150.101.234.78 -all"
mx.netcraft.com.au.     A 203.16.230.9
r.example.              TXT "v=spf1 redirect=explained.example"
explained.example.      TXT "v=spf1 a -all exp=why.explained.example"
why.explained.example.  TXT "%{i} is not one of %{d}'s mail servers, 100%%"
soft.example.           TXT "v=spf1 ~all"
broken.example.         TXT "v=spf1 ip4:nonsense -all"
"#;

fn run(arguments: &[&str]) -> Output {
    let directory = TempDir::with_prefix("sm").expect("the temporary directory can be written");
    let zone = directory.path().join("z.zone");
    std::fs::write(&zone, ZONE).expect("the temporary directory can be written");
    let zone = ["--zone", &zone.to_string_lossy()].map(str::to_owned);
    let program = env!("CARGO_BIN_EXE_spf-milter");
    Command::new(program).args(arguments).args(zone).output().expect("the program runs")
}

fn check(arguments: &[&str]) -> String {
    let output = run(&[&["check", "--receiver", "mx.example.org"], arguments].concat());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    format!("$ {}\n{text}exit {:?}", arguments.join(" "), output.status.code())
}

#[test]
fn check_says_result_cause_and_header() {
    let runs = [
        check(&["--ip", "203.16.230.1", "--mail-from", "Bob@netcraft.com.au", "--helo", "mx.netcraft.com.au"]),
        check(&["--ip", "192.0.2.1", "--mail-from", "x@r.example"]),
        check(&["--ip", "2001:db8::1", "--mail-from", "x@soft.example"]),
        check(&["--ip", "192.0.2.1", "--mail-from", "x@april.netcraft.com.au"]),
        check(&["--ip", "192.0.2.1", "--mail-from", "<>", "--helo", "nowhere.example"]),
        check(&["--ip", "192.0.2.1", "--helo", "broken.example"]),
    ];
    insta::assert_snapshot!(runs.join("\n\n"));
}

#[test]
fn explain_draws_the_evaluation_as_a_tree() {
    let runs = [
        check(&["--ip", "192.0.2.1", "--mail-from", "bob+list@april.netcraft.com.au", "--explain"]),
        check(&["--ip", "192.0.2.1", "--mail-from", "x@r.example", "--explain"]),
        check(&["--ip", "192.0.2.1", "--mail-from", "x@broken.example", "--explain"]),
    ];
    insta::assert_snapshot!(runs.join("\n\n"));
}

#[test]
fn json_holds_the_same() {
    insta::assert_snapshot!(check(&["--ip", "192.0.2.1", "--mail-from", "x@r.example", "--explain", "--json"]));
}

#[test]
fn lint_shows_the_place_and_says_so_in_its_exit_code() {
    let mut runs = Vec::new();
    for arguments in
        [&["netcraft.com.au"][..], &["broken.example"], &["soft.example", "--strict"], &["v=spf1 a ?all", "--strict"]]
    {
        let output = run(&[&["lint"], arguments].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        runs.push(format!("$ {}\n{text}exit {:?}", arguments.join(" "), output.status.code()));
    }
    insta::assert_snapshot!(runs.join("\n\n"));
}

#[test]
fn lint_in_json() {
    let output = run(&["lint", "broken.example", "--json"]);
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout));
}

/// The record may be somebody else's: thousands of mistakes are counted, and of the record only the places are shown.
#[test]
fn a_long_record_makes_no_long_report() {
    let networks: Vec<_> = (0..2000).map(|n| format!("ip4:1.2.3.4.{n} a:x{}.example", n % 7)).collect();
    let record = format!("v=spf1 {} -all", networks.join(" "));
    let output = run(&["lint", &record]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("error: 1950 more are not shown"), "{text}");
    assert!(text.len() < 50_000, "{} bytes", text.len());
    let json = run(&["lint", &record, "--json"]).stdout;
    assert!(json.len() < record.len() + 30_000, "{} bytes", json.len());

    let networks: Vec<_> = (0..4000).map(|n| format!("ip4:10.{}.{}.0/24 mx", n / 200, n % 200)).collect();
    let output = run(&["lint", &format!("v=spf1 {} ip4:10.0.0.0/8 -all", networks.join(" "))]);
    assert!(output.stdout.len() < 50_000, "{} bytes", output.stdout.len());
}

/// Bytes that are no UTF-8 before a mistake do not move its place.
#[test]
fn a_zone_file_in_latin_1_is_shown_with_the_right_line() {
    let directory = TempDir::with_prefix("sm").unwrap();
    let path = directory.path().join("z.zone");
    let text = [b"; ".as_slice(), &[0xe9; 40], b"\na.example. A 192.0.2.1\nb.example. AA 192.0.2.1\n"].concat();
    std::fs::write(&path, text).unwrap();
    let path = path.to_string_lossy();
    let program = env!("CARGO_BIN_EXE_spf-milter");
    let output = Command::new(program).args(["lint", "a.example", "--zone", &path]).output().unwrap();
    assert_eq!(output.status.code(), Some(10));
    assert!(String::from_utf8_lossy(&output.stderr).contains("z.zone:3:12"), "{output:?}");
}

#[test]
fn a_broken_zone_file_is_shown_and_is_exit_code_10() {
    let directory = TempDir::with_prefix("sm").unwrap();
    let path = directory.path().join("z.zone");
    std::fs::write(&path, "a.example. A 192.0.2.1\nb.example. AA 192.0.2.1\n").unwrap();
    let path = path.to_string_lossy();
    let program = env!("CARGO_BIN_EXE_spf-milter");
    let output = Command::new(program).args(["lint", "a.example", "--zone", &path]).output().unwrap();
    assert_eq!(output.status.code(), Some(10));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr).replace(&*path, "[path]"));
}

#[test]
fn a_configuration_can_be_checked_and_shown_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_spf-milter")).args(args).output().expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*path.to_string_lossy(), "[path]");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let shown = path.to_string_lossy().into_owned();
    std::fs::write(&path, "mode = \"dry-run\"\n").unwrap();
    assert_eq!(run(&["config-check", &shown]), (Some(0), "[path]: good\n".to_owned(), String::new()));
    let (code, printed, _) = run(&["config-check", &shown, "--print"]);
    assert!(code == Some(0) && printed.contains("mode = \"dry-run\"\n") && printed.contains("budget_ms = 8000\n"));
    std::fs::write(&path, printed).unwrap();
    assert_eq!(run(&["config-check", &shown]).0, Some(0));
    std::fs::write(&path, "mode = \"dryrun\"\n").unwrap();
    let (code, printed, said) = run(&["config-check", &shown, "--print"]);
    assert!(code == Some(2) && printed.is_empty() && said.contains("did you mean \"dry-run\"?"), "{said}");
    assert_eq!(run(&["config-check", "/nonexistent/c.toml"]).0, Some(2));
}

/// The daemon takes it and warns; whoever wants to be sure before a reload can have it refused.
#[test]
fn warnings_have_their_place_and_count_as_errors_on_request() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    std::fs::write(&path, "[dns]\ntimeout_ms = 500\nbudget_ms = 20_000\n").unwrap();
    let program = env!("CARGO_BIN_EXE_spf-milter");
    let mut runs = Vec::new();
    for options in [&[][..], &["--print"], &["--strict"]] {
        let output = Command::new(program).arg("config-check").arg(&path).args(options).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*path.to_string_lossy(), "[path]");
        let stdout = text(&output.stdout);
        let first_line = stdout.lines().next().unwrap_or_default();
        runs.push(format!("{options:?}: {:?}\n{first_line}\n{}", output.status.code(), text(&output.stderr)));
    }
    insta::assert_snapshot!(runs.join("\n"));
}

#[test]
fn who_to_become_is_checked_with_the_command_line() {
    for (arguments, said) in [
        (["--user", "no-such-user"], "this machine has no user `no-such-user`"),
        (["--group", "no-such-group"], "this machine has no group `no-such-group`"),
        (["--pid-file", "here.pid"], "the path must be absolute"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_spf-milter")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(said), "{text}");
    }
}
