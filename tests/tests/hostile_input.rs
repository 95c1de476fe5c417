//! Whatever comes over its socket, spf-milter goes on: thousands of sessions with broken bytes, and after each batch a good one.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use fake_dns::FakeDns;
use milter_proto::{Address, Command as Packet, Frame, FrameDecoder, Negotiate, codes};

#[test]
fn no_bytes_over_the_socket_stop_it() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let dns = FakeDns::builder().zone_text("hostile", ZONE).expect("the zone is good");
    let dns = runtime.block_on(dns.start()).expect("a DNS server can be started");
    let dir = tempfile::tempdir().expect("a folder can be made");
    let mut milter = Milter::start(dir.path(), &dns.addr().to_string());
    let good = session();
    let mut random = Random(SEED);
    for round in 0..ROUNDS {
        for _ in 0..SESSIONS {
            milter.exchange(&mutated(&good, &mut random));
        }
        let answers = frames(&milter.exchange(&good.concat()));
        let inserted = answers.iter().any(|frame| frame.code == b'i' && holds(&frame.payload, b"Received-SPF"));
        assert!(inserted, "after round {round} a good session is answered with {answers:?}\n{}", milter.log());
    }
    let log = milter.log();
    assert!(milter.child.try_wait().expect("it can be asked").is_none(), "spf-milter has ended\n{log}");
    assert!(!log.contains("panicked"), "{log}");
    let control = log.chars().find(|&letter| letter.is_control() && letter != '\n');
    assert_eq!(control, None, "no control character of a stranger is in the log");
}

/// A session with one message, packet by packet.
fn session() -> Vec<Vec<u8>> {
    let macros = |for_command, pairs: &[(&str, &str)]| Packet::Macro {
        for_command,
        pairs: pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect(),
    };
    let address = Address::Inet { port: 40000, text: b"192.0.2.10".to_vec() };
    let packets = [
        Packet::Negotiate(Negotiate::offer(6)),
        macros(codes::CONNECT, &[("j", "mx.example.net"), ("{daemon_name}", "MTA")]),
        Packet::Connect { hostname: b"client.example".to_vec(), address },
        macros(codes::HELO, &[("{tls_version}", "TLSv1.3"), ("{verify}", "OK"), ("{cert_subject}", "/CN=client")]),
        Packet::Helo(b"client.example".to_vec()),
        macros(codes::MAIL, &[("i", "4F7A21C0D3"), ("{auth_type}", "")]),
        Packet::Mail {
            sender: b"<alice@soft.example>".to_vec(),
            args: vec![b"SIZE=300".to_vec(), b"SMTPUTF8".to_vec()],
        },
        Packet::Rcpt { recipient: b"<bob@example.net>".to_vec(), args: vec![b"NOTIFY=NEVER".to_vec()] },
        Packet::Header { name: b"Received-SPF".to_vec(), value: b" pass (forged)".to_vec() },
        Packet::Header { name: b"Subject".to_vec(), value: b" hello\n\tthere".to_vec() },
        Packet::BodyEob(Vec::new()),
        Packet::Quit,
    ];
    let encoded = |packet: &Packet| {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        bytes
    };
    packets.iter().map(encoded).collect()
}

/// The session with a few things done to it.
fn mutated(session: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut packets = session.to_vec();
    for _ in 0..=random.below(2) {
        let chosen = random.below(packets.len());
        match random.below(4) {
            0 => drop(packets.remove(chosen)),
            1 => packets.insert(chosen, session[random.below(session.len())].clone()),
            2 => packets.swap(chosen, 0),
            // The payload becomes another one, and its length is true.
            _ => packets[chosen] = with_payload(&packets[chosen], random),
        }
        if packets.is_empty() {
            return Vec::new();
        }
    }
    let mut bytes = packets.concat();
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        match random.below(3) {
            0 => bytes[at] = random.byte(),
            1 => bytes.insert(at, random.byte()),
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}

fn with_payload(packet: &[u8], random: &mut Random) -> Vec<u8> {
    let mut payload = packet[5..].to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(payload.len() + 1);
        payload.insert(at, random.byte());
    }
    let mut out = Vec::new();
    Frame { code: packet[4], payload }.encode(&mut out);
    out
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut decoder = FrameDecoder::new(1 << 20);
    decoder.push(bytes);
    std::iter::from_fn(|| decoder.next().ok().flatten()).collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The program, with its socket and log in a folder.
struct Milter {
    child: Child,
    socket: String,
    log: std::path::PathBuf,
}

impl Milter {
    fn start(dir: &Path, resolver: &str) -> Self {
        let (config, log) = (dir.join("spf-milter.toml"), dir.join("log"));
        // Everything that looks at what comes: forged fields, subjects, certificates, passwords.
        fs::write(&config, CONFIG).expect("the configuration can be written");
        let socket = dir.join("s").display().to_string();
        let child = Command::new(env!("CARGO_BIN_EXE_spf-milter-under-test"))
            .arg("--config")
            .arg(config)
            .args(["--listen", &format!("unix:{socket}"), "--resolver", resolver])
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).expect("the log can be written"))
            .spawn()
            .expect("the program starts");
        let mut milter = Self { child, socket, log };
        while UnixStream::connect(&milter.socket).is_err() {
            let ended = milter.child.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "spf-milter ended: {}", milter.log());
            std::thread::yield_now();
        }
        milter
    }

    /// Says all of it; everything that was answered comes back once the other side has closed too.
    fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = UnixStream::connect(&self.socket).unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time-out can be set");
        // It may have closed at the first broken packet.
        let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut answers = Vec::new();
        match stream.read_to_end(&mut answers) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("it hangs on {}\n{}", bytes.escape_ascii(), self.log())
            }
            _ => answers,
        }
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Milter {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// xorshift64: the same run every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).expect("a small number")).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

const SEED: u64 = 0x5bf0_3635_7208_1234;
const ROUNDS: usize = 20;
const SESSIONS: usize = 100;

/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str = r#"
[policy]
softfail = { action = "tag", text = "[softfail] " }

[policy.helo]
fail = "reject"

[exempt]
authenticated = true
tls_verified = ["/CN=other"]
relays = ["198.51.100.0/24"]
recipients = ["postmaster@"]
senders = ["*.exempt.example"]

[received_spf]
evidence = true
helo = true
forged = "rename"

[authentication_results]
add = true
evidence = true
forged = "rename"

[dns]
timeout_ms = 500
"#;

const ZONE: &str = r#"
.               SOA . . 1 1 1 1 60
client.example. TXT "v=spf1 ip4:192.0.2.10 -all"
soft.example.   TXT "v=spf1 exists:%{ir}.%{l1r-}.e.example ~all"
"#;
