//! The whole input of the program, through its socket: sessions of real MTAs with bytes changed, cut, doubled, swapped.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::daemon::{Daemon, LIMIT};
use crate::mail::{ZONE, greet, message};

/// All recorded sessions, as the MTAs sent them.
fn recordings() -> Vec<Vec<u8>> {
    let folder = format!("{}/tests/data", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(folder).expect("the recordings are there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    let text = |path| std::fs::read_to_string(path).expect("recordings are text");
    paths.iter().map(text).map(|text| bytes(&text)).collect()
}

fn bytes(recording: &str) -> Vec<u8> {
    let lines = recording.lines().filter(|line| !line.starts_with('#'));
    let digits: Vec<u8> = lines.flat_map(str::bytes).filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("pairs of digits");
    digits.chunks(2).map(pair).collect()
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits fit") % limit.max(1)
    }
}

fn mutate(stream: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(stream.len());
    let end = (at + 1 + dice.below(40)).min(stream.len());
    match dice.below(6) {
        0 => stream[at] = u8::try_from(dice.below(256)).expect("it is below 256"),
        1 => stream[at] ^= 1 << dice.below(8),
        2 => stream.truncate(at.max(1)),
        3 => drop(stream.drain(at..end)),
        4 => {
            let piece = stream[at..end].to_vec();
            let to = dice.below(stream.len());
            drop(stream.splice(to..to, piece));
        }
        _ => drop(stream.splice(at..at, vec![0; dice.below(300)])),
    }
    if stream.is_empty() {
        stream.push(0);
    }
}

/// Sends all of it, whatever comes back, and waits until the program has had enough.
async fn send(daemon: &Daemon, stream: &[u8]) {
    let socket = UnixStream::connect(daemon.socket()).await.expect("the program lives");
    let (mut answers, mut commands) = socket.into_split();
    let writing = async {
        // It may hang up at any time.
        let _ = commands.write_all(stream).await;
        drop(commands);
    };
    let reading = async {
        let mut sink = Vec::new();
        let _ = answers.read_to_end(&mut sink).await;
    };
    let done = timeout(LIMIT, async { tokio::join!(writing, reading) }).await;
    assert!(done.is_ok(), "it hangs: {}", stream.escape_ascii());
}

#[tokio::test]
async fn no_stream_of_bytes_stops_the_program() {
    let config = "exempt.networks = []\nlog.level = \"error\"\n[received_spf]\nforged = \"rename\"\n";
    let mut daemon = Daemon::launch_silent(config, ZONE).await;
    let recordings = recordings();
    let mut dice = Dice(0x5eed_0f5b_f1c3);
    for _ in 0..STREAMS {
        let mut stream = recordings[dice.below(recordings.len())].clone();
        for _ in 0..=dice.below(4) {
            mutate(&mut stream, &mut dice);
        }
        send(&daemon, &stream).await;
    }
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    message(&mut mta).await;
    drop(mta);
    assert_eq!(daemon.stop("TERM").await.code(), Some(0));
    let log = std::fs::read_to_string(daemon.path("log")).expect("the log is text");
    assert_eq!(log, "", "no error, no panic");
}

/// How many streams are sent.
const STREAMS: usize = 2_000;
