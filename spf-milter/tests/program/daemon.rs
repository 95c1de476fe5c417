//! The real program as a process, with its own configuration, socket and fake DNS.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use fake_dns::FakeDns;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// A running spf-milter; it is killed when dropped.
pub(crate) struct Daemon {
    pub(crate) dns: FakeDns,
    child: Child,
    stderr: Option<Lines<BufReader<ChildStderr>>>,
    directory: TempDir,
}

/// How a daemon is started.
#[derive(Default)]
pub(crate) struct Launch {
    /// The configuration file.
    pub(crate) config: String,
    pub(crate) zone: String,
    pub(crate) faults: Vec<&'static str>,
    /// Where stderr goes, if that is not to be read by [`Daemon::line_with`].
    pub(crate) stderr: Option<Stdio>,
    pub(crate) stdin: Option<Stdio>,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Further words of the command line.
    pub(crate) arguments: Vec<&'static str>,
}

impl Daemon {
    /// Starts the program and waits until it says that it listens.
    pub(crate) async fn start(config: &str, zone: &str, faults: &[&'static str]) -> Self {
        let launch = Launch { config: config.to_owned(), zone: zone.to_owned(), ..Launch::default() };
        Self::launch(Launch { faults: faults.to_vec(), ..launch }).await
    }

    /// Starts the program and waits until it listens.
    pub(crate) async fn launch(launch: Launch) -> Self {
        let faults = launch.faults.iter().map(|rule| rule.parse().expect("the rule is right"));
        let dns = FakeDns::builder().zone_text("test.zone", launch.zone).expect("the zone is right").faults(faults);
        let dns = dns.start().await.expect("a loopback port is free");
        let directory = TempDir::with_prefix("sm").expect("the temporary directory can be written");
        let config_path = directory.path().join("c.toml");
        let config = launch.config.replace("[dir]", &directory.path().to_string_lossy());
        std::fs::write(&config_path, config).expect("the temporary directory can be written");
        let is_read = launch.stderr.is_none();
        let mut child = Command::new(env!("CARGO_BIN_EXE_spf-milter"))
            .args(["--config", &config_path.to_string_lossy()])
            .args(["--listen", &format!("unix:{}", directory.path().join("s").display())])
            .args(["--resolver", &dns.addr().to_string()])
            .args(launch.arguments)
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .envs(launch.environment)
            .stdin(launch.stdin.unwrap_or_else(Stdio::null))
            .stderr(launch.stderr.unwrap_or_else(Stdio::piped))
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let stderr = child.stderr.take().map(|stderr| BufReader::new(stderr).lines());
        let mut daemon = Self { dns, child, stderr, directory };
        if is_read {
            daemon.line_with("listening on ").await;
        } else {
            daemon.until_it_listens().await;
        }
        daemon
    }

    /// Starts the program with its log in the file `log` of its folder.
    pub(crate) async fn launch_silent(config: &str, zone: &str) -> Self {
        let file = tempfile::NamedTempFile::new().expect("the temporary directory can be written");
        let stderr = Some(file.reopen().expect("it is there").into());
        let launch = Launch { config: config.to_owned(), zone: zone.to_owned(), stderr, ..Launch::default() };
        let daemon = Self::launch(launch).await;
        file.persist(daemon.path("log")).expect("both are in the temporary directory");
        daemon
    }

    /// A path in the daemon's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes another configuration file.
    pub(crate) fn configure(&self, config: &str) {
        std::fs::write(self.path("c.toml"), config).expect("the temporary directory can be written");
    }

    /// Stops to read the log: its pipe has nobody behind it from here on.
    pub(crate) fn stop_reading(&mut self) {
        self.stderr = None;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the program runs")
    }

    async fn until_it_listens(&mut self) {
        let listening = async {
            while UnixStream::connect(self.socket()).await.is_err() {
                assert!(self.child.try_wait().expect("it is our child").is_none(), "the program has ended");
                tokio::task::yield_now().await;
            }
        };
        timeout(LIMIT, listening).await.expect("the program listens in time");
    }

    /// The path of the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    /// Connects as an MTA does.
    pub(crate) async fn connect(&self) -> Mta {
        Mta { stream: UnixStream::connect(self.socket()).await.expect("the program listens") }
    }

    /// Connects to a socket that somebody else has made.
    pub(crate) async fn connect_to(&self, path: &std::path::Path) -> Mta {
        Mta { stream: UnixStream::connect(path).await.expect("somebody listens") }
    }

    /// Reads log lines until one holds `text`.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        loop {
            let stderr = self.stderr.as_mut().expect("stderr is a pipe that is read");
            let line = timeout(LIMIT, stderr.next_line()).await.expect("a log line in time");
            let line = line.expect("the log is text").unwrap_or_else(|| panic!("no log line with {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let signal: Signal = format!("SIG{signal}").parse().expect("the name of a signal without SIG");
        let pid = i32::try_from(self.pid()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("the process is there");
    }

    /// Sends a signal, and waits for the end.
    pub(crate) async fn stop(&mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        self.ended().await
    }

    /// Waits for the end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        timeout(LIMIT, self.child.wait()).await.expect("the program ends in time").expect("it is our child")
    }
}

/// The MTA's end of a connection, as raw bytes.
pub(crate) struct Mta {
    stream: UnixStream,
}

impl Mta {
    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        timeout(LIMIT, self.stream.write_all(bytes)).await.expect("the program reads").expect("it is connected");
    }

    /// The same, where the program may hang up.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        timeout(LIMIT, self.stream.write_all(bytes)).await.expect("the program reads or hangs up")
    }

    /// Receives one packet, its length word included.
    pub(crate) async fn receive(&mut self) -> Vec<u8> {
        let mut packet = vec![0; 4];
        self.fill(&mut packet).await;
        let length = u32::from_be_bytes([packet[0], packet[1], packet[2], packet[3]]) as usize;
        assert!(length < 100_000, "a packet of {length} bytes");
        let mut rest = vec![0; length];
        self.fill(&mut rest).await;
        packet.extend(rest);
        packet
    }

    async fn fill(&mut self, bytes: &mut [u8]) {
        timeout(LIMIT, self.stream.read_exact(bytes)).await.expect("an answer in time").expect("a whole packet");
    }

    /// Whether the program has closed the connection without another word.
    pub(crate) async fn is_closed(&mut self) -> bool {
        timeout(LIMIT, self.stream.read(&mut [0; 1])).await.expect("an end in time").unwrap_or(0) == 0
    }
}

/// A packet with its length word.
pub(crate) fn packet(command: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).expect("test packets are small");
    [&length.to_be_bytes(), &[command][..], payload].concat()
}

/// How long anything may take before the test gives up.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
