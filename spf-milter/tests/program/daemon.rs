//! The real program as a process, with its own configuration, socket and fake DNS.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use fake_dns::FakeDns;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// A running spf-milter; it is killed when dropped.
pub(crate) struct Daemon {
    pub(crate) dns: FakeDns,
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    directory: TempDir,
}

impl Daemon {
    /// Starts the program and waits until it says that it listens.
    pub(crate) async fn start(config: &str, zone: &str, faults: &[&str]) -> Self {
        let faults = faults.iter().map(|rule| rule.parse().expect("the rule is right"));
        let dns = FakeDns::builder().zone_text("test.zone", zone).expect("the zone is right").faults(faults);
        let dns = dns.start().await.expect("a loopback port is free");
        let directory = TempDir::with_prefix("sm").expect("the temporary directory can be written");
        let config_path = directory.path().join("c.toml");
        std::fs::write(&config_path, config).expect("the temporary directory can be written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_spf-milter"))
            .args(["--config", &config_path.to_string_lossy()])
            .args(["--listen", &format!("unix:{}", directory.path().join("s").display())])
            .args(["--resolver", &dns.addr().to_string()])
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe")).lines();
        let mut daemon = Self { dns, child, stderr, directory };
        daemon.line_with("listening on unix:").await;
        daemon
    }

    /// The path of the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    /// Connects as an MTA does.
    pub(crate) async fn connect(&self) -> Mta {
        Mta { stream: UnixStream::connect(self.socket()).await.expect("the program listens") }
    }

    /// Reads log lines until one holds `text`.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = timeout(LIMIT, self.stderr.next_line()).await.expect("a log line in time");
            let line = line.expect("the log is text").unwrap_or_else(|| panic!("no log line with {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a signal, and waits for the end.
    pub(crate) async fn stop(&mut self, signal: &str) -> ExitStatus {
        let pid = self.child.id().expect("the program runs").to_string();
        let kill = Command::new("kill").args(["-s", signal, &pid]).status().await.expect("kill is there");
        assert!(kill.success());
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
const LIMIT: Duration = Duration::from_secs(30);
