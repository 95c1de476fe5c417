//! The program with milters at its side: watching, a scenario made from a message, milters that run already.

mod waiting;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fake-mta");

/// The milter is this program too, with the script `rules` in the suite's folder.
const SUITE: &str = "[milter]\ncommand = '{bin}/fake-mta filter --script rules --listen {listen}'\n";

fn fake_mta(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).current_dir(dir).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn told(dir: &Path, args: &[&str]) -> (String, Option<i32>) {
    let Output { stdout, stderr, status } = fake_mta(dir, args).output().expect("the program runs");
    (String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr), status.code())
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).expect("a file"));
    dir
}

fn scenario(name: &str, expected: &str) -> String {
    format!(
        "name = '{name}'\n[mta]\nprofile = 'postfix'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\n\
         C: HELO a.example\nC: MAIL FROM:<a@b.example>\n{expected}\nC: QUIT\n'''\n"
    )
}

/// A process that is ended with its test.
struct Running(Child);

impl Running {
    /// Has it end as Ctrl-C does; its exit code.
    fn interrupt(mut self) -> Option<i32> {
        signal(&self.0, Signal::SIGINT);
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn watching_runs_a_changed_scenario_alone_and_everything_when_the_suite_changes() {
    let dir = folder(&[("fake-mta.toml", SUITE), ("rules", "mail: reject\n")]);
    fs::write(dir.path().join("a.toml"), scenario("one", "M: reject")).expect("a file");
    fs::write(dir.path().join("b.toml"), scenario("two", "M: reject")).expect("a file");
    let mut child = fake_mta(dir.path(), &["run", ".", "--watch"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let running = Running(child);
    let mut round = || -> Vec<String> {
        let told = lines.by_ref().map(|line| line.expect("text"));
        told.take_while(|line| !line.starts_with("waiting for a change"))
            .filter(|line| line.ends_with(" skipped"))
            .collect()
    };
    assert_eq!(round(), ["2 passed, 0 failed, 0 skipped"]);
    fs::write(dir.path().join("a.toml"), scenario("one", "M: accept\n# changed")).expect("a file");
    assert_eq!(round(), ["0 passed, 1 failed, 0 skipped"]);
    fs::write(dir.path().join("rules"), "mail: tempfail # and other\n").expect("a file");
    assert_eq!(round(), ["0 passed, 2 failed, 0 skipped"]);
    assert_eq!(running.interrupt(), Some(0));
}

#[test]
fn a_scenario_made_from_a_message_runs_and_blessing_makes_it_pass() {
    let letter = "From: Alice <alice@example.org>\nTo: bob@example.net, alf@example.net, carol@example.com\nSubject: a =?utf-8?q?=E2?= '''\n\nBody\n.\n";
    let dir = folder(&[("a letter.eml", letter), ("rules", "eom: addheader X-Seen: yes\n")]);
    let command = "{bin}/fake-mta filter --script rules --listen {listen}";
    let (text, code) = told(dir.path(), &["init", "made", "--from-eml", "a letter.eml", "--command", command]);
    assert_eq!(code, Some(0), "{text}");
    let run = |args: &[&str]| told(dir.path(), &[&["run", "made"], args].concat());
    let (text, code) = run(&["--bless=check"]);
    assert!(code == Some(1) && text.contains("behind this came: addheader X-Seen: yes"), "{text}");
    let (text, code) = run(&["--bless"]);
    assert!(code == Some(0) && text.contains("2 runs that failed pass now"), "{text}");
    let (text, code) = run(&[]);
    assert!(code == Some(0) && text.contains("2 passed, 0 failed, 0 skipped"), "{text}");
    assert_eq!(fs::read(dir.path().join("made/a letter.eml")).expect("the copy"), letter.as_bytes());
    let (again, code) = told(dir.path(), &["init", "made", "--from-eml", "a letter.eml"]);
    assert!(code == Some(3) && again.contains("cannot write"), "{again}");
}

/// sendmail does not wait for the end of the message, Postfix does. The lines of both differ.
#[test]
fn nothing_is_blessed_that_comes_of_a_milter_that_fails() {
    let text = scenario("it", "S: 251 [..]\nC: RCPT TO:<c@d.example>\nC: [message]\nM: continue\nS: 250 it").replace(
        "profile = 'postfix'",
        "profile = ['sendmail', 'postfix']\ntimeouts = { read = '2s', content = '20s' }",
    );
    let dir = folder(&[("fake-mta.toml", SUITE), ("rules", "eom: wait 4s; reject\n"), ("a.toml", &text)]);
    let (told, code) = told(dir.path(), &["run", ".", "--bless=force"]);
    assert!(code == Some(5) && told.contains("the milter never answered to `C: [message]`"), "{told}");
    let text = fs::read_to_string(dir.path().join("a.toml")).expect("a file");
    insta::assert_snapshot!(text);
}

/// Two filters that run, and a scenario in which the second one refuses.
#[test]
fn a_chain_takes_as_many_running_milters_as_it_has() {
    let chain =
        scenario("chain", "M: continue\nM2: reject").replace("[[session]]", "[[milter]]\n[[milter]]\n[[session]]");
    let dir = folder(&[("rules", "mail: continue\n"), ("refuse", "mail: reject\n"), ("chain.toml", &chain)]);
    fs::write(dir.path().join("alone.toml"), scenario("alone", "M: continue")).expect("a file");
    let start = |script: &str| {
        let socket = dir.path().join(format!("{script}.sock"));
        let listen = format!("unix:{}", socket.display());
        let child = fake_mta(dir.path(), &["filter", "--script", script, "--listen", &listen]).spawn();
        let running = Running(child.expect("it starts"));
        waiting::until("the filter listens", || socket.exists());
        (running, listen)
    };
    let ((first, one), (second, two)) = (start("rules"), start("refuse"));
    let (text, code) = told(dir.path(), &["run", "chain.toml", "alone.toml", "--milter", &one, "--milter", &two]);
    assert!(code == Some(0) && text.contains("2 passed"), "{text}");
    let (text, code) = told(dir.path(), &["run", "chain.toml", "--milter", &one]);
    assert!(code == Some(3) && text.contains("the scenario has 2 milters, and --milter names 1"), "{text}");
    assert_eq!((first.interrupt(), second.interrupt()), (Some(0), Some(0)));
}

/// The world of a run is up until Ctrl-C: its milter answers, and its folder is there.
#[test]
fn a_kept_world_is_up_until_it_is_stopped() {
    let dir = folder(&[("fake-mta.toml", SUITE), ("rules", "mail: reject\n")]);
    fs::write(dir.path().join("a.toml"), scenario("one", "M: continue")).expect("a file");
    let mut child = fake_mta(dir.path(), &["run", ".", "--keep"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let said = BufReader::new(child.stderr.take().expect("a pipe")).lines().next();
    assert_eq!(said.expect("a line").expect("text"), "they are up; Ctrl-C ends them");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let kept: Vec<String> = lines.skip_while(|line| line != "kept of one [postfix]:").take(5).collect();
    let after = |prefix: &str| kept.iter().find_map(|line| line.trim().strip_prefix(prefix)).expect("it is told");
    let sent = told(dir.path(), &["send", "--milter", after("listens on ")]);
    assert!(sent.1 == Some(1) && sent.0.contains("< reject"), "{}", sent.0);
    let folder = Path::new(after("folder: ")).to_owned();
    assert!(folder.is_dir() && kept.iter().any(|line| line.contains("DNS server: 127.0.0.1:")), "{kept:?}");
    assert_eq!(Running(child).interrupt(), Some(1));
    assert!(!folder.exists(), "the folder goes with the world");
}

/// Its milter does not stop when it is asked to, and has a child that has left its group.
#[test]
fn at_the_second_ctrl_c_nothing_is_left_of_a_milter_that_does_not_stop() {
    let milter = "trap 'echo > asked' TERM; echo {dir} > folder; \
        setsid {bin}/fake-mta filter -v --script rules --listen {listen} 2>said & \
        while :; do wait; done";
    let suite = format!("[milter]\nstop_timeout = '10m'\ncommand = ['sh', '-c', '''{milter}''']\n");
    let conform = (&["conform", "--suite", ".", "--timeout", "10m"][..], "mail: wait 10m\n", "> mail");
    let run = (&["run", "."][..], "connect: wait 10m\n", "> connect");
    // Its first connection is that of a recording, which is not waited for at Ctrl-C.
    let bench = (&["bench", "--suite", ".", "--rate", "20", "--duration", "10m"][..], "", "3 > connect");
    for (command, rules, sign) in [conform, run, bench] {
        let dir = folder(&[("fake-mta.toml", &suite), ("rules", rules)]);
        fs::write(dir.path().join("a.toml"), scenario("one", "M: continue")).expect("a file");
        let running = Running(
            fake_mta(dir.path(), command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"),
        );
        let told = |file: &str| fs::read_to_string(dir.path().join(file)).unwrap_or_default();
        until(|| told("said").contains(sign));
        signal(&running.0, Signal::SIGINT);
        until(|| !told("asked").is_empty());
        let world = told("folder");
        assert!(Path::new(world.trim()).is_dir(), "{world}");
        assert_eq!(running.interrupt(), Some(130), "{command:?}");
        assert!(!Path::new(world.trim()).exists(), "{command:?} leaves its folder behind");
        assert_eq!(processes_in(dir.path()), [0; 0], "{command:?} leaves its milter behind");
    }
}

/// The ids of the processes whose current folder it is.
fn processes_in(dir: &Path) -> Vec<u32> {
    let dir = dir.canonicalize().expect("it is there");
    let ids = fs::read_dir("/proc").expect("a list").flatten();
    let ids = ids.filter(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == dir));
    ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn until(holds: impl Fn() -> bool) {
    while !holds() {
        std::thread::yield_now();
    }
}

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).expect("a process id");
    kill(Pid::from_raw(id), signal).expect("it runs");
}
