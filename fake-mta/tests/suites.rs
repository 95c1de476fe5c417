//! Suite files with everything in them, against scripted filters in processes of their own.

use std::{
    fs,
    process::{Command, Stdio},
};

/// Runs a folder with this suite file and this scenario, and returns what was written, ended by the exit code.
fn run(suite: &str, scenario: &str, args: &[&str]) -> String {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("fake-mta.toml"), suite).expect("a file");
    fs::write(dir.path().join("a.toml"), scenario).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_fake-mta"))
        .args(["run", "."])
        .args(args)
        .current_dir(dir.path())
        .env("NO_COLOR", "1")
        .env_remove("FAKE_MTA_NETNS")
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let text = format!("{out}--- stderr ---\n{err}--- exit {} ---\n", output.status.code().unwrap_or(-1));
    let without_times: Vec<&str> = text.lines().map(|line| line.split(" (0.").next().unwrap_or(line)).collect();
    without_times.join("\n") + "\n"
}

/// A scenario in both profiles, whose recipient gets this answer of the milter's.
fn scenario(expected: &str, more: &str) -> String {
    format!(
        "name = 'one'\n{more}\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\nC: HELO x.example\n\
         C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@example.net>\nM: {expected}\nC: QUIT\n'''\n"
    )
}

const FILES: &str = "[milter]\ncommand = '{bin}/fake-mta filter --script {dir}/my.script --listen {listen}'\n\
                     config.text = 'no, {dns.host}'\n[milter.files]\n'my.script' = '''\nrcpt: reply 550 5.7.1 {config.text}\n'''\n";

#[test]
fn files_are_written_with_the_values_of_the_configuration() {
    let text = run(FILES, &scenario("reply 550 5.7.1 no, 127.0.0.1", ""), &[]);
    assert!(text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
    let text = run(FILES, &scenario("reply 550 5.7.1 never", "milter.config.text = 'never'"), &[]);
    assert!(text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
}

#[test]
fn mistakes_in_the_suite_file_are_shown_in_their_places() {
    let suite = "[milter]\ncommand = 'm {config.colour} {config.list}'\nconfig.list = [1]\nnetns = 'yes'\nprocess = 'day'\n\
                 [milter.files]\n'../x' = ''\n'a' = '{nowhere}'\n";
    insta::assert_snapshot!("mistakes", run(suite, &scenario("continue", ""), &[]));
}

#[test]
fn a_deviation_that_is_known_is_no_failure_but_one_that_is_gone_is() {
    let known = "known_deviation = 'the filter says no'";
    insta::assert_snapshot!("known", run(REFUSES, &scenario("continue", known), &[]));
    insta::assert_snapshot!("known_gone", run(REFUSES, &scenario("reject", known), &[]));
}

/// The filter refuses the recipient.
const REFUSES: &str =
    "[milter]\ncommand = '{bin}/fake-mta filter --script {dir}/s --listen {listen}'\nfiles.s = 'rcpt: reject'\n";

/// A deviation that is known, with what comes instead at RCPT.
fn deviates(instead: &str) -> String {
    let known = format!("known_deviation = 'the filter says no'\n{instead}");
    let envelope = "envelope = ['...', 'RCPT TO:<b@example.net>']\n";
    scenario("continue", &known).replace("\nC: QUIT", "\nC: [message]\nC: QUIT") + envelope
}

#[test]
fn a_deviation_is_known_by_what_comes_instead() {
    let instead = "[instead]\n'C: RCPT TO:<b@example.net>' = '''\nM: reject\nS[sendmail]: 550 5.7.1 [..]\nS[postfix]: 550 5.7.1 [..]\n'''\n\
                   envelope = []\n";
    let text = run(REFUSES, &deviates(instead), &[]);
    assert!(text.contains("known   one [postfix]\n") && text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
    // A list that the deviation changes too, an answer that is another one, and a step that it does not name.
    let text = run(REFUSES, &deviates(&instead.replace("envelope = []", "")), &[]);
    assert!(text.contains("the delivered envelope lacks a line") && text.contains("0 passed, 2 failed"), "{text}");
    let text = run(REFUSES, &deviates(&instead.replace("S[postfix]: 550", "S[postfix]: 450")), &[]);
    assert!(text.contains("FAILED  one [postfix]") && text.contains("1 passed, 1 failed"), "{text}");
    let text = run(REFUSES, &deviates("instead.'C: QUIT' = 'S: 221 [..]'"), &[]);
    assert!(text.contains("0 passed, 2 failed"), "{text}");
}

#[test]
fn a_deviation_that_is_another_one_is_shown_beside_what_is_known() {
    let instead = "[instead]\n'C: RCPT TO:<b@example.net>' = '''\nM: tempfail\n'''\nenvelope = []";
    insta::assert_snapshot!("known_other", run(REFUSES, &deviates(instead), &["--profile", "postfix", "--bless"]));
}

#[test]
fn a_variant_with_a_deviation_of_its_own_has_nothing_of_the_files() {
    let other = "[[variant]]\nname = 'v'\nknown_deviation = 'whatever it says'\n\
                 [[variant]]\nname = 'w'\nnote = 'as the file says'\n";
    let file = deviates("instead.'C: RCPT TO:<b@example.net>' = 'M: tempfail'") + other;
    let text = run(REFUSES, &file, &["--profile", "sendmail"]);
    assert!(text.contains("FAILED  one [sendmail]") && text.contains("FAILED  one / w [sendmail]"), "{text}");
    assert!(text.contains("known   one / v [sendmail]"), "{text}");
}

/// The script counts connections: the second one shows that the process has served the first.
const ONE_PROCESS: &str = "[milter]\nprocess = 'suite'\ncommand = '{bin}/fake-mta filter --script {dir}/s --listen {listen}'\n\
                           [milter.files]\ns = '''\nconnection 1\nrcpt: reject\nconnection 2\nrcpt: tempfail\n'''\n";

#[test]
fn one_process_serves_all_scenarios_that_hand_it_nothing() {
    let both = scenario("reject", "").replace("M: reject", "M[sendmail]: reject\nM[postfix]: tempfail");
    let text = run(ONE_PROCESS, &both, &[]);
    assert!(text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
    let alone = scenario("reject", "milter.env.X = 'y'");
    let text = run(ONE_PROCESS, &alone, &[]);
    assert!(text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
}

#[test]
fn a_milter_that_reads_resolv_conf_finds_the_fake_dns_server() {
    if !makes_namespaces() {
        return;
    }
    let text = run(APART, &scenario("reject", ""), &["--jobs", "2"]);
    assert!(text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
    let text = run(&APART.replace("netns = true\n", ""), &scenario("reject", ""), &["--netns"]);
    assert!(text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
}

#[test]
fn a_milter_that_asks_nothing_and_is_told_no_server_perhaps_reads_resolv_conf() {
    let zone = "[dns]\nzone = 'a.example. A 192.0.2.1'";
    insta::assert_snapshot!("asked_nothing", run(REFUSES, &scenario("tempfail", zone), &["--profile", "postfix"]));
    let asks = |suite: &str, scenario: &str| run(suite, scenario, &[]).contains("nothing tells it where that is");
    let question = scenario("continue\nD: a.example A", "");
    assert!(asks(REFUSES, &question) && asks(REFUSES, &scenario("continue", "dns.expect = ['a.example A']")));
    // It is told, it has nothing to ask, it may not need the zone, or all is well.
    for told in ["env.X = '{dns.host}'", "config.x = '{dns}'\nconfig_file = '{dir}/x'"] {
        assert!(!asks(&format!("{REFUSES}{told}\n"), &question), "{told}");
    }
    assert!(!asks(REFUSES, &scenario("continue\nD: a.example A", "milter.env.X = '{dns}'")));
    for fine in [scenario("continue\nD: none", ""), scenario("continue", zone), scenario("reject", zone)] {
        assert!(!asks(REFUSES, &fine), "{fine}");
    }
}

#[test]
fn a_verdict_that_the_scenario_says_nothing_of_is_told_with_what_follows() {
    let suite = REFUSES.replace("rcpt: reject", "mail: reject");
    let text = scenario("accept", "").replace("C: QUIT", "S: 250 [..]\nC: [message]\nM: accept\nC: QUIT");
    insta::assert_snapshot!("follows", run(&suite, &text, &["--profile", "postfix"]));
    // One that it expects is no surprise, and what differs in no answer has no consequences.
    let expected = text.replace("C: RCPT", "S: 550 [..]\nC: RCPT");
    assert!(!run(&suite, &expected, &[]).contains("before that the milter said"));
    let logged = text.replace("M: accept\nS: 250 [..]", "L: never");
    let text = run(&REFUSES.replace("reject", "continue"), &logged, &[]);
    assert!(text.contains("the milter's answer differs") && !text.contains("may follow"), "{text}");
}

/// A shell that goes on only if `/etc/resolv.conf` names the server that the placeholder names.
const APART: &str = "[milter]\nnetns = true\ncommand = ['sh', '-c', 'test {dns.port} = 53 && grep -qx \"nameserver {dns.host}\" \
                     /etc/resolv.conf && exec {bin}/fake-mta filter --script {dir}/s --listen {listen}']\nfiles.s = 'rcpt: reject'\n";

/// A scenario with a message, with this line below it.
fn with_message(line: &str) -> String {
    format!(
        "name = 'one'\n[mta]\ntimeouts = {{ read = '2s', content = '2s' }}\n[messages]\nbig = 'Hello.'\n\
         [[session]]\nclient = '192.0.2.1'\ndialogue = '''\nM: continue\nC: HELO x.example\nC: MAIL FROM:<a@example.org>\n\
         C: RCPT TO:<b@example.net>\nC: [message big]\n{line}\nC: QUIT\n'''\n"
    )
}

#[test]
fn a_milter_that_fails_is_told_as_that_whatever_answer_is_expected() {
    let script = |rule: &str| REFUSES.replace("rcpt: reject", rule);
    for (rule, lines, told, exit) in [
        ("eom: none", "M: continue", "the milter never answered to `C: [message big]`: no answer within 2s", 5),
        (
            "body: none",
            "M: none\nS: 451 [..]",
            "the milter never answered to `C: [message big]`: no answer within 2s",
            5,
        ),
        ("eom: none", "M: addheader X: y", "the milter never answered to `C: [message big]`: no answer within 2s", 5),
        ("eom: close", "M: continue", "the milter was lost at `C: [message big]`", 4),
        ("eom: raw 00000001ff", "M: reject", "the milter broke the protocol at `C: [message big]`", 4),
    ] {
        let text = run(&script(rule), &with_message(lines), &[]);
        let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(errors.len() == 2 && errors.iter().all(|error| error[7..].starts_with(told)), "{rule}: {text}");
        assert!(text.ends_with(&format!("--- exit {exit} ---\n")), "{rule}: {text}");
    }
    let spoken = with_message("M: addheader X: y\nM: close\nS: 451 [..]\nW: connection-lost");
    let text = run(&script("eom: addheader X: y; close"), &spoken, &[]);
    assert!(text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
}

#[test]
fn a_milter_that_is_not_there_is_told_as_that_at_the_connection() {
    let text = run(REFUSES, &with_message("M: continue"), &["--milter", "unix:nobody.sock"]);
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    let is_told = |error: &&str| error.starts_with("error: the milter was lost at connect: cannot connect: ");
    assert!(errors.len() == 2 && errors.iter().all(is_told) && text.ends_with("--- exit 4 ---\n"), "{text}");
}

fn makes_namespaces() -> bool {
    let able = Command::new("unshare").args(["--user", "--map-root-user", "--net", "--mount", "ip", "link"]).output();
    let able = able.is_ok_and(|output| output.status.success());
    if !able {
        eprintln!("skipped: this machine makes no namespaces for this user, or has no unshare and ip");
    }
    able
}

/// A folder with the suite that wants namespaces, and what `fake-mta` says in it.
fn told_apart(program: &mut Command) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("fake-mta.toml"), APART).expect("a file");
    let output = program.current_dir(dir.path()).env("NO_COLOR", "1").env_remove("FAKE_MTA_NETNS").stdin(Stdio::null());
    let output = output.output().expect("the program runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), format!("{out}{err}"))
}

#[test]
fn load_and_battery_go_where_the_suite_wants_its_milter() {
    if !makes_namespaces() {
        return;
    }
    for (args, part) in [
        (&["bench", "--suite", ".", "-n", "2"][..], "2 messages, "),
        (&["conform", "--suite", ".", "--filter", "order/tls"], "1 cases"),
    ] {
        let (code, text) = told_apart(Command::new(env!("CARGO_BIN_EXE_fake-mta")).args(args));
        assert!(code == Some(0) && text.contains(part), "{code:?}: {text}");
    }
}

#[test]
fn what_cannot_be_reached_from_there_is_told() {
    let args = ["bench", "--suite", "mine=.", "--milter", "inet:9@127.0.0.1"];
    let (code, text) = told_apart(Command::new(env!("CARGO_BIN_EXE_fake-mta")).args(args));
    assert_eq!(code, Some(64), "{text}");
    assert!(text.contains("from which inet:9@127.0.0.1 cannot be reached"), "{text}");
}

#[test]
fn a_deviation_may_be_known_of_one_mta_alone() {
    let text = run(REFUSES, &scenario("continue", "known_deviation.postfix = 'the filter says no'"), &[]);
    assert!(
        text.contains("known deviation: the filter says no") && text.contains("1 passed, 1 failed, 0 skipped"),
        "{text}"
    );
}

/// The helper writes where it listens into the milter's script; the milter is only started once it does.
#[test]
fn helpers_are_started_first_and_waited_for() {
    let suite = "[milter]\ncommand = ['sh', '-c', 'test -S {dir}/h && exec {bin}/fake-mta filter --script {dir}/s --listen {listen}']\n\
                 files.s = 'rcpt: reject'\n[[milter.helper]]\n\
                 command = '{bin}/fake-mta filter --script {dir}/s --listen unix:{dir}/h'\nready = 'unix:{dir}/h'\n";
    let text = run(suite, &scenario("reject", ""), &[]);
    assert!(text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
    let failing = suite.replace("filter --script {dir}/s --listen unix", "filter --script {dir}/none --listen unix");
    let text = run(&failing, &scenario("reject", ""), &[]);
    assert!(text.contains("the helper ended before it accepted a connection: exit status 2"), "{text}");
    assert!(text.contains("cannot read ") && text.ends_with("--- exit 3 ---\n"), "{text}");
}

#[test]
fn a_milter_that_goes_into_the_background_is_told_how_to_stay() {
    let suite =
        "[milter]\ncommand = ['sh', '-c', 'setsid {bin}/fake-mta filter --script none --listen {listen} & exit 0']\n";
    let text = run(suite, &scenario("reject", ""), &[]);
    assert!(text.contains("has it gone into the background?"), "{text}");
}

#[test]
fn the_folder_belongs_to_the_user_that_the_milter_becomes() {
    let suite = |user: &str| {
        format!(
            "[milter]\ncommand = ['sh', '-c', 'exec {{bin}}/fake-mta filter --script $(stat -c {{dir}}/%U {{dir}}) --listen {{listen}}']\n\
             files.{user} = 'rcpt: reject'\nuser = '{user}'\n"
        )
    };
    let text = run(&suite("no-such-user"), &scenario("reject", ""), &[]);
    assert!(text.contains("to the user `no-such-user`: there is no such user"), "{text}");
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).expect("a list of users").expect("we are in it");
    let text = run(&suite(&user.name), &scenario("reject", ""), &[]);
    assert!(text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
}
