//! How a run treats openspf suites: which units there are, which of them share a world, and what is said of those left out.

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, UdpSocket},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use fake_mta::{
    TimeoutForm,
    report::{self, Format},
    run::{self, BlessMode, Cancel, Console, Exit, Fatal, FatalKind, Options, Played, Player, Status, Summary, World},
    scenario::{SessionEvents, Unit},
};

const SUITE: &str = "---\ndescription: One\ntests:\n  first:\n    helo: h.example\n    host: 192.0.2.1\n    mailfrom: a@o.example\n    \
                     result: pass\n  second:\n    helo: h.example\n    host: 192.0.2.1\n    mailfrom: a@o.example\n    \
                     result: [fail, permerror]\n    explanation: No.\n  third:\n    helo: h.example\n    host: 192.0.2.1\n    \
                     mailfrom: ''\n    result: none\nzonedata:\n  o.example:\n    - SPF: v=spf1 -all\n\
                     ---\ndescription: Two\ntests:\n  fourth:\n    helo: h.example\n    host: '::1'\n    mailfrom: a@o.example\n    \
                     result: pass\nzonedata: {}\n";

/// Delivers every message with the same header, and notes in which folder each unit was played.
#[derive(Clone, Default)]
struct Canned {
    folders: Arc<Mutex<BTreeMap<String, PathBuf>>>,
    /// The unit whose milter is lost.
    loses: Option<&'static str>,
}

impl Player for Canned {
    async fn play(&self, unit: &Unit, world: &mut World, _: &Cancel) -> Played {
        let name = unit.scenario.name.value.clone();
        let fatal = self.loses.filter(|part| name.contains(part));
        let fatal = fatal.map(|_| Fatal::new(FatalKind::Milter, "the milter was lost"));
        self.folders.lock().expect("no player panics").insert(name, world.dir().to_owned());
        let delivered = vec!["Received-SPF: pass (x) identity=mailfrom\n\n".to_owned()];
        let sessions = vec![SessionEvents { delivered, ..SessionEvents::default() }];
        let journal = vec!["o.example TXT".to_owned()];
        Played { sessions, journal, fatal, ..Played::default() }
    }
}

impl Canned {
    fn folder(&self, part: &str) -> PathBuf {
        let folders = self.folders.lock().expect("no player panics");
        let found = folders.iter().find(|(name, _)| name.ends_with(part));
        found.unwrap_or_else(|| panic!("{part} was not played")).1.clone()
    }
}

fn options(dir: &Path) -> Options {
    Options { jobs: 2, ..Options::new(vec![dir.to_owned()], PathBuf::from("/no/such/bin")) }
}

/// Options for a run against a milter that nothing connects to.
fn running(dir: &Path) -> Options {
    let milters = vec!["unix:/no/such/socket".parse().expect("an address")];
    Options { milters, dns: Some(free_address()), ..options(dir) }
}

fn free_address() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port")
}

async fn played(options: &Options, player: Canned) -> (Summary, String) {
    let (mut console, recorded) = Console::recorded();
    let summary = run::run(options, player, &Cancel::new(), &mut console).await;
    (summary, recorded.text())
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("a file");
    }
    dir
}

#[tokio::test]
async fn what_cannot_be_played_is_counted_and_explained_in_every_report() {
    let dir = folder(&[("t.yml", SUITE)]);
    let (summary, told) = played(&running(dir.path()), Canned::default()).await;
    let counts = [Status::Passed, Status::Failed, Status::Skipped].map(|status| summary.count(status));
    assert_eq!((counts, summary.exit), ([2, 2, 1], Exit::FAILED), "{told}");
    let names: Vec<String> = summary.results.iter().map(|result| result.unit.name()).collect();
    let expected = ["One / first", "One / second", "One / third", "Two / fourth", "One / second / explanation"];
    assert_eq!(names, expected.map(|name| format!("t.yml / {name} [direct]")));
    let reason = "explanations are played only with a milter that fake-mta configures";
    assert!(told.contains(&format!("\n1 skipped: {reason}")), "{told}");
    for (format, line) in [
        (Format::Tap, format!("ok 5 - t.yml / One / second / explanation [direct] # SKIP {reason}")),
        (Format::Junit, format!("<skipped message=\"{reason}")),
        (Format::Json, format!("\"skipped\":\"{reason}")),
    ] {
        let report = report::render(format, &summary);
        assert!(report.contains(&line), "{report}");
    }
}

#[tokio::test]
async fn a_failure_shows_the_place_in_the_suite_and_the_records() {
    let dir = folder(&[("t.yml", SUITE)]);
    let options = Options { openspf_timeout: TimeoutForm::Silence, ..running(dir.path()) };
    let (_, told) = played(&options, Canned::default()).await;
    for part in [
        "t.yml:13:13\n",
        "result: [fail, permerror]\n",
        "^^^^^^^^^^^^^^^^^ came instead: pass, from Received-SPF",
        "= note: expected: fail or permerror",
        "zone:\n  o.example. 0 IN TXT \"v=spf1 -all\"\n",
        "the milter recorded no SPF result",
        " --openspf-timeout silence\n",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

#[tokio::test]
async fn a_running_milter_must_know_the_dns() {
    let dir = folder(&[("t.yml", SUITE)]);
    let options = Options { dns: None, ..running(dir.path()) };
    let (summary, told) = played(&options, Canned::default()).await;
    assert_eq!(summary.exit, Exit::UNREADABLE);
    assert!(told.contains("cannot be played against a running milter without --dns"), "{told}");
}

#[tokio::test]
async fn blessing_leaves_a_suite_as_it_is() {
    let dir = folder(&[("t.yml", SUITE)]);
    let options = Options { bless: Some(BlessMode::Force), ..running(dir.path()) };
    let (summary, told) = played(&options, Canned::default()).await;
    assert_eq!(summary.count(Status::Failed), 2);
    assert!(!told.contains("blessed"), "{told}");
    assert_eq!(fs::read_to_string(dir.path().join("t.yml")).expect("a file"), SUITE);
}

#[tokio::test]
async fn a_suite_with_mistakes_is_told_like_a_scenario_with_mistakes() {
    let dir = folder(&[("t.yml", "tests:\n  a: {helo: h, host: 1.2.3.4, mailfrom: a, result: fial}\nzonedata: {}\n")]);
    let (summary, told) = played(&running(dir.path()), Canned::default()).await;
    assert_eq!(summary.exit, Exit::UNREADABLE);
    assert!(told.contains("error: unknown result `fial`") && told.contains("did you mean `fail`?"), "{told}");
}

/// Not a test of its own: the milter of the tests below, which run this program again with the variable set.
#[test]
fn as_a_milter() {
    let Some(path) = std::env::var_os("FAKE_MTA_TEST_LISTEN") else { return };
    let listener = UnixListener::bind(path).expect("the folder is there");
    listener.incoming().for_each(drop);
}

/// A suite file whose milter is this program.
fn own_suite() -> String {
    let program = std::env::current_exe().expect("a program knows itself");
    format!(
        "[milter]\ncommand = ['{}', '--exact', 'as_a_milter', '--nocapture']\nenv.FAKE_MTA_TEST_LISTEN = '{{listen.path}}'\n\
         config_file = '{{dir}}/m.toml'\n[openspf]\nresults.pass = 1\nexplanations.pass = 2\n",
        program.display()
    )
}

#[tokio::test]
async fn the_tests_of_a_document_share_a_world_in_each_pass() {
    let dir = folder(&[("t.yml", SUITE), ("fake-mta.toml", &own_suite())]);
    let player = Canned::default();
    played(&options(dir.path()), player.clone()).await;
    assert_eq!(player.folder("first"), player.folder("second"));
    assert_eq!(player.folder("first"), player.folder("third"));
    assert_ne!(player.folder("first"), player.folder("fourth"));
    assert_ne!(player.folder("first"), player.folder("second / explanation"));
}

#[tokio::test]
async fn after_a_crash_the_next_test_gets_a_milter_that_is_whole() {
    let dir = folder(&[("t.yml", SUITE), ("fake-mta.toml", &own_suite())]);
    let player = Canned { loses: Some("first"), ..Canned::default() };
    let (summary, told) = played(&options(dir.path()), player.clone()).await;
    assert_eq!(summary.exit, Exit::MILTER, "{told}");
    assert_ne!(player.folder("first"), player.folder("second"));
    assert_eq!(player.folder("second"), player.folder("third"));
}

#[tokio::test]
async fn a_milter_that_does_not_start_is_tried_once_for_a_document() {
    let suite = "[milter]\ncommand = '/no/such/milter'\n";
    let dir = folder(&[("t.yml", SUITE), ("fake-mta.toml", suite)]);
    let (summary, told) = played(&options(dir.path()), Canned::default()).await;
    assert_eq!((summary.exit, summary.count(Status::Failed), summary.count(Status::Skipped)), (Exit::HARNESS, 4, 1));
    assert!(told.contains("1 skipped: explanations are played only where the milter can be told"), "{told}");
    assert!(told.contains("3 more failed like this"), "{told}");
}
