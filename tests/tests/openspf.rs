//! The openspf suite for RFC 7208 over the wire: all 203 results and all 22 explanations, whichever way the DNS times out, from our
//! own milter as `scenarios/fake-mta.toml` configures it, and from one that runs already.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use fake_mta::{
    TimeoutForm,
    run::{self, Cancel, Console, MilterAddr, Options, ScriptedPlayer, Status, Summary},
};

const RESULTS: usize = 203;
const EXPLANATIONS: usize = 22;

#[tokio::test]
async fn all_results_and_explanations_hold_where_a_time_out_is_servfail() {
    let folder = suite("servfail", "");
    let (summary, told) = played(&options(&folder)).await;
    assert_all(&summary, &told);
}

#[tokio::test]
async fn all_results_and_explanations_hold_where_a_time_out_is_silence() {
    let folder = suite("silence", "dns.timeout_ms = 500\n");
    let options = Options { openspf_timeout: TimeoutForm::Silence, ..options(&folder) };
    let (summary, told) = played(&options).await;
    assert_all(&summary, &told);
    let waited =
        summary.results.iter().filter(|result| result.played.dns_log.iter().any(|line| line.contains("no answer")));
    assert!(waited.count() >= 5, "some questions are not answered");
}

#[tokio::test]
async fn a_milter_that_runs_already_is_scored_on_its_results_alone() {
    // IPv6 where there is one: the resolvers of the other tests take ports of all IPv4 addresses, by chance this one too.
    let socket = UdpSocket::bind("[::1]:0").or_else(|_| UdpSocket::bind("127.0.0.1:0")).expect("a loopback address");
    let dns = socket.local_addr().expect("an address");
    drop(socket);
    let folder = folder("running");
    fs::write(folder.join("m.toml"), "mode = 'record'\n").expect("a file");
    let milter = RunningMilter::start(&folder.join("m.toml"), &dns.to_string());
    let options = Options { milters: vec![milter.address.clone()], dns: Some(dns), ..options(&vendored()) };
    let (summary, told) = played(&options).await;
    let counts = [Status::Passed, Status::Failed, Status::Skipped].map(|status| summary.count(status));
    assert_eq!(counts, [RESULTS, 0, EXPLANATIONS], "{told}");
    assert!(told.contains("\n22 skipped: explanations are played only with"), "{told}");
    assert!(told.ends_with("203 passed, 0 failed, 22 skipped\n"), "{told}");
}

#[tokio::test]
async fn a_wrong_result_is_shown_with_all_that_led_to_it() {
    let folder = suite("wrong", "");
    let path = folder.join("rfc7208-tests.yml");
    let text = "description: One\ntests:\n  odd:\n    helo: mail.o.example\n    host: 192.0.2.1\n    mailfrom: a@o.example\n    \
                result: [pass, neutral]\n    explanation: No.\nzonedata:\n  o.example:\n    - SPF: v=spf1 a:mial.o.example -all\n  \
                mail.o.example:\n    - A: 192.0.2.1\n";
    fs::write(&path, text).expect("a file");
    let (summary, told) = played(&options(&folder)).await;
    assert_eq!(summary.exit.0, 1, "{told}");
    for part in [
        "the SPF result differs",
        "came instead: fail, from Received-SPF",
        "expected: pass or neutral",
        "zone:\n  o.example. 0 IN TXT \"v=spf1 a:mial.o.example -all\"",
        "C: MAIL FROM:<a@o.example>",
        "mial.o.example A -> NXDOMAIN (no record for mial.o.example A; closest in the zone: mail.o.example A)",
        "the explanation differs",
        "came instead: DEFAULT",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

fn assert_all(summary: &Summary, told: &str) {
    let is_explanation = |result: &&run::UnitResult| result.unit.name().contains(" / explanation [");
    assert_eq!(summary.results.iter().filter(is_explanation).count(), EXPLANATIONS);
    let expected = format!("{} passed, 0 failed, 0 skipped\n", RESULTS + EXPLANATIONS);
    assert!(told.ends_with(&expected), "{told}");
    assert_eq!(summary.exit.0, 0);
}

/// A run, and what was written about it.
async fn played(options: &Options) -> (Summary, String) {
    let (mut console, recorded) = Console::recorded();
    let summary = run::run(options, ScriptedPlayer, &Cancel::new(), &mut console).await;
    (summary, recorded.text())
}

fn options(path: &Path) -> Options {
    Options { jobs: 4, ..Options::new(vec![path.to_owned()], PathBuf::from("/no/such/bin")) }
}

fn vendored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/rfc7208/rfc7208-tests.yml")
}

/// A folder with the suite beside the project's own `fake-mta.toml`, whose milter is the one built for these tests.
fn suite(name: &str, config: &str) -> PathBuf {
    let folder = folder(name);
    fs::copy(vendored(), folder.join("rfc7208-tests.yml")).expect("the suite is vendored");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/fake-mta.toml");
    let shipped = fs::read_to_string(shipped).expect("the suite file can be read");
    let lines: Vec<&str> = shipped.lines().filter(|line| !line.starts_with("build ")).collect();
    let text = lines.join("\n").replace("{bin}/spf-milter", PROGRAM);
    fs::write(folder.join("fake-mta.toml"), format!("{text}\n[milter.config]\n{config}")).expect("a file");
    folder
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("openspf-{name}"));
    fs::create_dir_all(&folder).expect("cargo's folder for tests can be written to");
    folder
}

/// A milter that was started beforehand, on a port of its own choice.
struct RunningMilter {
    process: Child,
    address: MilterAddr,
}

impl RunningMilter {
    fn start(config: &Path, dns: &str) -> Self {
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(config).args(["--listen", "inet:0@127.0.0.1", "--resolver", dns]);
        let mut process =
            command.stderr(Stdio::piped()).env("RUST_LOG", "info").spawn().expect("the program was built");
        let mut lines = BufReader::new(process.stderr.take().expect("it was piped")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.split_once("listening on ")?.1.trim().parse().ok());
        // What it writes from now on must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.expect("it says where it listens") }
    }
}

impl Drop for RunningMilter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a console wrote.
const PROGRAM: &str = env!("CARGO_BIN_EXE_spf-milter-under-test");
