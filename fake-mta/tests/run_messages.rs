//! What a run says when it goes well and when it does not: golden texts of whole runs.

use std::{
    fs,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
};

use fake_mta::{
    lint::{Finding, Lint},
    run::{self, BlessMode, Cancel, Console, Exit, Fatal, FatalKind, Options, Played, Player, Recorded, World},
    scenario::{Packet, SessionEvents, StepEvents, Unit},
};

/// A player that needs no milter: the client gets a fixed reply to each line.
struct Canned;

impl Player for Canned {
    async fn play(&self, unit: &Unit, _: &mut World, _: &Cancel) -> Played {
        if unit.scenario.tags.iter().any(|tag| tag.value == "hangs") {
            let mut fatal = Fatal::new(FatalKind::Timeout, "the milter did not answer RCPT within 10s");
            fatal.at = Some((0, 1));
            return Played { fatal: Some(fatal), ..Played::default() };
        }
        let mut transcript = String::new();
        let mut steps = Vec::new();
        for (index, step) in unit.scenario.sessions[0].steps.iter().enumerate() {
            let reply = if index == 0 { "220 hello".to_owned() } else { format!("250 {} ok", unit.profile) };
            let parts =
                unit.scenario.tags.iter().any(|tag| tag.value == "parts") && unit.profile.to_string() == "postfix";
            let reply = if index > 0 && parts { "451 4.3.5 broken".to_owned() } else { reply };
            let unsteady = index == 1 && unit.scenario.tags.iter().any(|tag| tag.value == "unsteady");
            let answer = if unsteady { format!("reply 550 5.7.1 {}", unit.profile) } else { "continue".to_owned() };
            let packet = |text: String| Packet { text, hex: String::new() };
            let start = transcript.lines().count();
            transcript += &format!("C: {}\nS: {reply}\n", step.action.value);
            let range = start..start + 2;
            let warns = index == 1 && unit.scenario.tags.iter().any(|tag| tag.value == "warns");
            steps.push(StepEvents {
                replies: vec![reply],
                wire: vec![packet("> helo x".to_owned()), packet(format!("< {answer}"))],
                milter: vec![answer],
                warnings: if warns { vec![finding(0), finding(1)] } else { Vec::new() },
                transcript: range,
                ..StepEvents::default()
            });
        }
        let sessions = vec![SessionEvents { steps, ..SessionEvents::default() }];
        let dns_log = vec!["example.com TXT -> NXDOMAIN; nearest in the zone: exmaple.com TXT".to_owned()];
        Played { transcript, sessions, journal: vec!["example.com TXT".into()], dns_log, ..Played::default() }
    }
}

/// An edit too early, by one of two milters.
fn finding(filter: usize) -> Finding {
    let (packet, detail) = ("addheader X-A: b".to_owned(), String::new());
    Finding { lint: Lint::EditOutsideEom, filter, stage: "helo", packet, detail }
}

/// A folder with files in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    dir
}

fn options(dir: &Path) -> Options {
    Options { jobs: 2, ..Options::new(vec![dir.to_owned()], PathBuf::from("/no/such/bin")) }
}

/// Options for a run against a milter that nothing connects to.
fn unused_milter(dir: &Path) -> Options {
    Options { milters: vec!["unix:/no/such/socket".parse().expect("an address")], ..options(dir) }
}

/// Both streams and the exit code, with what changes from run to run left out.
async fn told(dir: &Path, options: &Options) -> String {
    told_with(dir, options, &Cancel::new()).await
}

async fn told_with(dir: &Path, options: &Options, cancel: &Cancel) -> String {
    let (out, err) = (Recorded::default(), Recorded::default());
    let mut console = Console::plain(out.clone(), err.clone());
    let summary = run::run(options, Canned, cancel, &mut console).await;
    let text = format!("{}--- stderr ---\n{}--- exit {} ---\n", out.text(), err.text(), summary.exit.0);
    redacted(&text, dir)
}

fn redacted(text: &str, dir: &Path) -> String {
    let text = text.replace(&dir.display().to_string(), "DIR");
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = match (line.rfind(" ("), line.ends_with(" s)")) {
            (Some(at), true) => &line[..at],
            _ => line,
        };
        lines.push(without_socket(line));
    }
    lines.join("\n") + "\n"
}

/// Leaves out the random name of a unit's own folder.
fn without_socket(line: &str) -> String {
    let Some(start) = line.find("fm-") else { return line.to_owned() };
    let from = line[..start].rfind([':', ' ']).map_or(0, |at| at + 1);
    let to = line[start..].find("/m.sock").map_or(line.len(), |at| start + at);
    format!("{}TMP{}", &line[..from], &line[to..])
}

const GOOD: &str = "name = 'all is well'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\nS: 220 hello\nC: HELO x\nM: continue\n'''\n";

const BAD: &str = "name = 'a reply differs'\n[dns]\nexpect = ['exmaple.com TXT']\n[[session]]\nclient = '192.0.2.1'\n\
                   dialogue = '''\nS: 220 hello\nC: HELO x\nS: 250 sendmail ok\nM: reject\nC: QUIT\nS: 221 bye [..]\nL: closed\n'''\n\
                   envelope = ['MAIL FROM:<a@example.com>']\n";

#[tokio::test]
async fn all_pass() {
    let dir = folder(&[("b.toml", GOOD), ("a/x.toml", &GOOD.replace("all is", "also"))]);
    insta::assert_snapshot!(told(dir.path(), &unused_milter(dir.path())).await);
}

const WARNS: &str =
    "name = 'it warns'\ntags = ['warns']\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\nC: HELO x\n'''\n";

#[tokio::test]
async fn warnings_are_told_once_and_pass() {
    let expected = WARNS.replace("HELO x\n", "HELO x\nW: edit-outside-eom\n").replace("it warns", "it knows");
    let dir = folder(&[("a.toml", WARNS), ("b.toml", WARNS), ("c.toml", &expected)]);
    insta::assert_snapshot!(told(dir.path(), &unused_milter(dir.path())).await);
}

#[tokio::test]
async fn warnings_are_failures_if_the_run_is_strict() {
    let expected = WARNS.replace("HELO x\n", "HELO x\nW: edit-outside-eom\n").replace("it warns", "it knows");
    let dir = folder(&[("a.toml", WARNS), ("c.toml", &expected)]);
    let profile = Some("postfix".parse().expect("a profile"));
    insta::assert_snapshot!(told(dir.path(), &Options { strict: true, profile, ..unused_milter(dir.path()) }).await);
}

#[tokio::test]
async fn where_the_two_mtas_part_is_told() {
    let parts = WARNS.replace("warns", "parts");
    let knows = format!("differs = 'they are two programs'\n{parts}");
    let outdated = format!("differs = 'they were two programs'\n{GOOD}");
    let dir = folder(&[("a.toml", &parts), ("b.toml", &knows), ("c.toml", &outdated)]);
    insta::assert_snapshot!(told(dir.path(), &unused_milter(dir.path())).await);
    let strict = Options { strict: true, ..unused_milter(dir.path()) };
    assert!(told(dir.path(), &strict).await.contains("5 passed, 1 failed, 0 skipped"));
}

#[tokio::test]
async fn what_the_milter_does_differently_by_itself_is_told_apart() {
    let unsteady = WARNS.replace("warns", "unsteady");
    let knows = format!("differs = 'it looks at the clock'\n{unsteady}");
    let dir = folder(&[("a.toml", &unsteady), ("b.toml", &knows)]);
    let strict = Options { strict: true, ..unused_milter(dir.path()) };
    insta::assert_snapshot!(told(dir.path(), &strict).await);
}

#[tokio::test]
async fn an_expectation_fails() {
    let dir = folder(&[("good.toml", GOOD), ("bad.toml", BAD)]);
    insta::assert_snapshot!(told(dir.path(), &unused_milter(dir.path())).await);
}

#[tokio::test]
async fn a_wait_runs_out() {
    let dir = folder(&[("a.toml", &format!("tags = ['hangs']\n{GOOD}"))]);
    let options = Options { profile: Some("postfix".parse().expect("a profile")), ..unused_milter(dir.path()) };
    insta::assert_snapshot!(told(dir.path(), &options).await);
}

#[tokio::test]
async fn blessing_is_shown_and_done() {
    let dir = folder(&[("bad.toml", BAD)]);
    let check = Options { bless: Some(BlessMode::Check), ..unused_milter(dir.path()) };
    let shown = told(dir.path(), &check).await;
    assert_eq!(fs::read_to_string(dir.path().join("bad.toml")).expect("a file"), BAD);
    insta::assert_snapshot!(shown.split_once("--- DIR").expect("a diff").1);

    told(dir.path(), &Options { bless: Some(BlessMode::Force), ..unused_milter(dir.path()) }).await;
    let blessed = fs::read_to_string(dir.path().join("bad.toml")).expect("a file");
    fs::write(dir.path().join("bad.toml"), blessed.replace("L: closed\n", ""))
        .expect("what is expected of the log is changed by hand");
    let again = told(dir.path(), &unused_milter(dir.path())).await;
    assert!(again.ends_with("2 passed, 0 failed, 0 skipped\n--- stderr ---\n--- exit 0 ---\n"), "{again}");
}

#[tokio::test]
async fn nothing_to_run() {
    let dir = folder(&[("fake-mta.toml", "")]);
    let empty = told(dir.path(), &options(dir.path())).await;
    let missing = told(dir.path(), &options(&dir.path().join("missing"))).await;
    let dir = folder(&[("a.toml", GOOD)]);
    let filtered = Options { filter: Some("no such".into()), ..unused_milter(dir.path()) };
    let filtered = told(dir.path(), &filtered).await;
    insta::assert_snapshot!(format!("{empty}\n{missing}\n{filtered}"));
}

#[tokio::test]
async fn every_broken_file_is_told_and_nothing_runs() {
    let dir = folder(&[("a.toml", "nmae = 'x'\n"), ("b.toml", GOOD), ("c.toml", "name = \n")]);
    insta::assert_snapshot!(told(dir.path(), &unused_milter(dir.path())).await);
}

#[tokio::test]
async fn broken_suites() {
    let mut told_all = String::new();
    for suite in [
        "",
        "[milter]\ncomand = 'x'\n",
        "[milter]\ncommand = 'a --listen {lisen} {listen.port}'\nbuild = \"make 'x\"\nstop_signal = 'KILL'\nenv.X = '{dsn}'\n",
        "[milter]\ncommand = 'a {listen.port}'\n",
        "[milter]\ncommand = 'a {listen.path}'\nsocket = 'inet'\nready_timeout = 5\n",
    ] {
        let dir = folder(&[("fake-mta.toml", suite), ("a.toml", GOOD)]);
        told_all += &told(dir.path(), &options(dir.path())).await;
    }
    insta::assert_snapshot!(told_all);
}

#[tokio::test]
async fn a_configuration_with_nowhere_to_go() {
    let scenario = format!("{GOOD}[milter]\nconfig = {{ a = 1 }}\nargs = ['{{lisen}}']\n");
    let dir = folder(&[("fake-mta.toml", "[milter]\ncommand = 'x'\n"), ("a.toml", &scenario)]);
    insta::assert_snapshot!(told(dir.path(), &options(dir.path())).await);
}

/// A run whose milter does not come up, in one profile.
async fn bad_milter(suite: &str) -> String {
    let dir = folder(&[("fake-mta.toml", suite), ("a.toml", GOOD)]);
    let options = Options { profile: Some("sendmail".parse().expect("a profile")), ..options(dir.path()) };
    told(dir.path(), &options).await
}

#[tokio::test]
async fn a_milter_that_is_not_there() {
    insta::assert_snapshot!(bad_milter("[milter]\ncommand = '/no/such/milter --listen {listen}'\n").await);
}

#[tokio::test]
async fn a_milter_that_ends_at_once() {
    insta::assert_snapshot!(bad_milter("[milter]\ncommand = \"sh -c 'echo bad config >&2; exit 3'\"\n").await);
}

#[tokio::test]
async fn a_milter_that_crashes_at_once() {
    insta::assert_snapshot!(bad_milter("[milter]\ncommand = ['sh', '-c', 'kill -SEGV $$']\n").await);
}

#[tokio::test]
async fn a_milter_that_never_listens() {
    let suite = "[milter]\ncommand = ['sh', '-c', 'while :; do read x </dev/zero; done']\nready_timeout = '50ms'\n";
    insta::assert_snapshot!(bad_milter(suite).await);
}

#[tokio::test]
async fn a_milter_whose_folder_is_not_there() {
    insta::assert_snapshot!(bad_milter("[milter]\ncommand = 'sh'\ncwd = 'nowhere'\n").await);
}

#[tokio::test]
async fn builds_that_fail() {
    let failed = bad_milter("[milter]\nbuild = \"sh -c 'echo error: no rule >&2; exit 2'\"\ncommand = 'x'\n").await;
    let missing = bad_milter("[milter]\nbuild = '/no/such/make'\ncommand = 'x'\n").await;
    insta::assert_snapshot!(format!("{failed}\n{missing}"));
}

#[tokio::test]
async fn a_dns_port_that_is_taken() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("it is bound");
    let dir = folder(&[("a.toml", GOOD)]);
    let profile = Some("sendmail".parse().expect("a profile"));
    let options = Options { dns: Some(addr), profile, ..unused_milter(dir.path()) };
    let told = told(dir.path(), &options).await;
    insta::assert_snapshot!(told.replace(&addr.port().to_string(), "PORT"));
}

#[tokio::test]
async fn a_run_that_was_stopped_before_it_began() {
    let dir = folder(&[("a.toml", GOOD)]);
    let cancel = Cancel::new();
    cancel.cancel();
    insta::assert_snapshot!(told_with(dir.path(), &unused_milter(dir.path()), &cancel).await);
}

/// Not a test of its own: the milter of the tests below, which run this program again with the variable set.
#[test]
fn as_a_milter() {
    let Some(path) = std::env::var_os("FAKE_MTA_TEST_LISTEN") else { return };
    let listener = UnixListener::bind(path).expect("the folder is there");
    eprintln!("listening");
    for (number, stream) in listener.incoming().enumerate() {
        drop(stream);
        // The first connection only asks whether the milter is ready.
        if number > 0 && std::env::var_os("FAKE_MTA_TEST_CRASH").is_some() {
            std::process::abort();
        }
    }
}

/// A suite whose milter is this program.
fn own_suite(more: &str) -> String {
    let program = std::env::current_exe().expect("a program knows itself");
    let program = program.display();
    format!(
        "[milter]\ncommand = ['{program}', '--exact', 'as_a_milter', '--nocapture']\nenv.FAKE_MTA_TEST_LISTEN = '{{listen.path}}'\n\
         config_file = '{{dir}}/m.toml'\nconfig.a = 1\nconfig.b = {{ dns = '{{dns.port}}', s = '%{{s}}' }}\n{more}"
    )
}

#[tokio::test]
async fn a_milter_is_started_configured_and_stopped() {
    struct Looks;
    impl Player for Looks {
        async fn play(&self, _: &Unit, world: &mut World, _: &Cancel) -> Played {
            let config = fs::read_to_string(world.dir().join("m.toml")).expect("it was written");
            let config = config.replace(&world.dns().addr().port().to_string(), "PORT");
            let folder = world.dir().display().to_string();
            let transcript = format!("{config}---{folder}");
            Played { transcript, ..Played::default() }
        }
    }
    let scenario = format!("{GOOD}[milter.config]\na = 2\nb.c = 'own'\n");
    let dir = folder(&[("fake-mta.toml", &own_suite("")), ("a.toml", &scenario)]);
    let mut console = Console::plain(std::io::sink(), std::io::sink());
    let summary = run::run(&options(dir.path()), Looks, &Cancel::new(), &mut console).await;
    assert_eq!(summary.exit, Exit::PASSED, "{:?}", summary.results[0].played.fatal);
    for result in summary.results {
        let (config, folder) = result.played.transcript.split_once("---").expect("both parts");
        assert_eq!(config, "a = 2\n\n[b]\nc = \"own\"\ndns = \"PORT\"\ns = \"%{s}\"\n");
        assert!(!Path::new(folder).exists(), "the folder is gone");
    }
}

#[tokio::test]
async fn a_milter_that_crashes_during_the_scenario() {
    struct Waits;
    impl Player for Waits {
        async fn play(&self, _: &Unit, world: &mut World, _: &Cancel) -> Played {
            let path = world.milter().path().expect("a Unix socket");
            UnixStream::connect(path).expect("it listens");
            let fatal = world.milter_end().await;
            Played { fatal, ..Played::default() }
        }
    }
    let dir = folder(&[("fake-mta.toml", &own_suite("env.FAKE_MTA_TEST_CRASH = '1'\n")), ("a.toml", GOOD)]);
    let mut console = Console::plain(std::io::sink(), std::io::sink());
    let summary = run::run(&options(dir.path()), Waits, &Cancel::new(), &mut console).await;
    assert_eq!(summary.exit, Exit::MILTER);
    let fatal = summary.results[0].played.fatal.as_ref().expect("it crashed");
    assert_eq!(fatal.text, "the milter ended during the scenario: signal 6 (SIGABRT)");
    assert!(fatal.notes[1].contains("listening"), "{:?}", fatal.notes);
}
