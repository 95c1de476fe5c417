//! `fake-mta record`, `decode` and `serve`, as processes beside each other.

mod waiting;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Asks it to end, as Ctrl-C does, and waits for it.
    fn stop(mut self) -> Option<i32> {
        let id = i32::try_from(self.0.id()).expect("a process id");
        kill(Pid::from_raw(id), Signal::SIGINT).expect("it runs");
        self.0.wait().expect("it ends").code()
    }
}

fn fake_mta(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-mta"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts what listens on `socket`, and waits until it does.
fn start(dir: &Path, args: &[&str], socket: &str) -> Running {
    let child = Running(fake_mta(dir, args).spawn().expect("the program starts"));
    waiting::until(&format!("{socket} listens"), || UnixStream::connect(dir.join(socket)).is_ok());
    child
}

fn told(dir: &Path, args: &[&str]) -> String {
    let output = fake_mta(dir, args).output().expect("the program runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}exit {}\n", output.status.code().unwrap_or(-1))
}

const SCRIPT: &str =
    "rcpt <spam@example.net>: reply 550 5.7.1 not this one\neom:\n  addheader X-Seen: by mail.example.org\n";

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("script"), SCRIPT).expect("a file");
    dir
}

/// Starts a recorder before the filter.
fn recorder(dir: &Path, more: &[&str]) -> Running {
    let args =
        [&["record", "--listen", "unix:r.sock", "--milter", "unix:m.sock", "--dir", "seen", "--name", "it"], more];
    start(dir, &args.concat(), "r.sock")
}

/// Plays a message through a recorder; the recorder has ended when this returns.
fn recorded(dir: &Path, more: &[&str], profile: &str) {
    let filter = start(dir, &["filter", "--script", "script", "--listen", "unix:m.sock"], "m.sock");
    let recorder = recorder(dir, more);
    let letter = ["--header", "Subject: caf\u{e9}", "--body", "a secret", "--date", "2026-11-22T12:00:00Z"];
    let sent = [
        &[
            "send",
            "-m",
            "unix:r.sock",
            "-q",
            "-t",
            "spam@example.net,bob@example.net",
            "--auth",
            "alice",
            "-p",
            profile,
        ][..],
        &letter,
    ];
    assert!(told(dir, &sent.concat()).ends_with("exit 0\n"));
    // The files are written when both sides have closed: the second session waits for nothing of the first.
    let is_written = || {
        fs::read_dir(dir.join("seen"))
            .is_ok_and(|mut files| files.any(|file| file.is_ok_and(|file| is_last(&file.path()))))
    };
    waiting::until("a record is written", is_written);
    assert_eq!(recorder.stop(), Some(0));
    assert_eq!(filter.stop(), Some(0));
}

/// The scenario is the last that is written.
fn is_last(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

#[test]
fn a_recorded_session_can_be_played_again_and_shown() {
    let dir = folder();
    recorded(dir.path(), &[], "postfix");
    // The connection that found out whether it listens said nothing, and is no record.
    let scenario = fs::read_to_string(dir.path().join("seen/it-1.toml")).expect("a scenario");
    insta::assert_snapshot!("recorded", scenario);
    // Which side closes first is chance.
    let decoded = told(dir.path(), &["decode", "seen/it-1.json"]);
    let lines: Vec<&str> = decoded.lines().filter(|line| !line.ends_with("[close]")).collect();
    insta::assert_snapshot!("decoded", lines.join("\n"));
    let filter = start(dir.path(), &["filter", "--script", "script", "--listen", "unix:m.sock"], "m.sock");
    let text = told(dir.path(), &["run", "seen/it-1.toml", "--milter", "unix:m.sock"]);
    assert!(text.contains("1 passed, 0 failed, 0 skipped"), "{text}");
    assert!(text.ends_with("exit 0\n"), "{text}");
    filter.stop();
}

#[test]
fn a_redacted_record_holds_no_name_address_or_secret() {
    let dir = folder();
    recorded(dir.path(), &["--redact"], "postfix");
    let mut all = told(dir.path(), &["decode", "seen/it-1.json"]);
    for file in ["it-1.json", "it-1.toml", "it-1-1.eml"] {
        all.push_str(&fs::read_to_string(dir.path().join("seen").join(file)).expect("a file"));
    }
    for word in ["example.org", "example.net", "example.com", "bob@", "alice", "192.0.2.10", "secret"] {
        assert!(!all.contains(word), "{word}: {all}");
        let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!all.contains(&hex), "{word} in hex: {all}");
    }
}

#[test]
fn what_was_recorded_of_either_mta_replays_equal() {
    for profile in ["sendmail", "postfix"] {
        let dir = folder();
        recorded(dir.path(), &[], profile);
        let text = told(dir.path(), &["replay", "seen"]);
        assert!(text.contains("1 captures: 1 equal"), "{profile}: {text}");
    }
}

/// A pcap file of one connection over loopback: Ethernet, IPv4, TCP; the pieces as (from the MTA, sequence number, bytes), a
/// millisecond each. A piece without bytes opens the connection.
fn pcap(pieces: &[(bool, u32, &[u8])]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    for (number, (from_mta, sequence, data)) in pieces.iter().enumerate() {
        let length = u32::try_from(14 + 40 + data.len()).expect("a short piece");
        file.extend([1, 0, 0, 0]);
        file.extend(u32::try_from(number * 1000).expect("few pieces").to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend([0; 14]);
        let total = u16::try_from(40 + data.len()).expect("a short piece").to_be_bytes();
        file.extend([0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        let ports: [u16; 2] = if *from_mta { [40_000, 8891] } else { [8891, 40_000] };
        ports.iter().for_each(|port| file.extend(port.to_be_bytes()));
        file.extend(sequence.to_be_bytes());
        let flags = match (data.is_empty(), from_mta) {
            (true, true) => 0x02,
            (true, false) => 0x12,
            (false, _) => 0x10,
        };
        file.extend([0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        file.extend_from_slice(data);
    }
    file
}

const OFFER: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff";
const AGREED: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\0\x01\0\0\0\0";

#[test]
fn a_pcap_file_is_put_together_and_shown() {
    let dir = folder();
    // Out of order from the first piece on, and one piece twice.
    let file = pcap(&[
        (true, 999, b""),
        (false, 6, b""),
        (true, 1005, &OFFER[5..]),
        (true, 1000, &OFFER[..5]),
        (true, 1005, &OFFER[5..]),
        (false, 7, AGREED),
        (true, 1017, b"\0\0\0\x07M<a@b>\0"),
        (false, 24, b"\0\0\0\x01r"),
        (true, 1028, b"\0\0\0\x01Q"),
    ]);
    fs::write(dir.path().join("x.pcap"), file).expect("a file");
    insta::assert_snapshot!("pcap", told(dir.path(), &["decode", "x.pcap"]));
    let text = told(dir.path(), &["decode", "script"]);
    assert!(text.contains("neither a capture, nor a pcap file, nor milter packets"), "{text}");
}

#[test]
fn what_a_pcap_file_lacks_is_said() {
    let dir = folder();
    let decoded = |pieces: &[(bool, u32, &[u8])]| {
        fs::write(dir.path().join("x.pcap"), pcap(pieces)).expect("a file");
        told(dir.path(), &["decode", "x.pcap"])
    };
    let text = decoded(&[(true, 1000, OFFER), (true, 1017, b"\0\0\0\x0aB0123"), (true, 1030, b"8\0\0\0\x01Q")]);
    assert!(text.contains("> body 9 bytes"), "{text}");
    assert!(text.contains("> quit\n") && text.contains("> 4 bytes were not captured"), "{text}");
    let text = decoded(&[(true, 1000, b"GET / HTTP/1.0\r\n\r\n")]);
    assert!(text.contains("1 TCP connections, none of which begins with milter packets"), "{text}");
    assert!(text.ends_with("exit 2\n"), "{text}");
}

#[test]
fn real_clients_can_talk_to_it_and_find_their_mail() {
    let dir = folder();
    let filter = start(dir.path(), &["filter", "--script", "script", "--listen", "unix:m.sock"], "m.sock");
    let args = ["serve", "--smtp", "127.0.0.1:0", "-m", "unix:m.sock", "--maildir", "mail", "--auth", "bob:secret"];
    let mut server = Running(fake_mta(dir.path(), &args).spawn().expect("the program starts"));
    let mut line = String::new();
    BufReader::new(server.0.stderr.take().expect("a pipe")).read_line(&mut line).expect("it says where it listens");
    let addr = line.trim().rsplit(' ').next().expect("an address").to_owned();
    // Everything in one piece, as a client does that does not wait.
    let text = talk(&addr, b"EHLO x.example\r\nAUTH PLAIN AGJvYgBzZWNyZXQ=\r\nMAIL FROM:<a@example.org>\r\n\
                             RCPT TO:<spam@example.net>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\nSubject: x\r\n\r\nhi\r\n..dot\r\n.\r\nQUIT\r\n");
    for part in ["250-AUTH PLAIN LOGIN", "235 2.7.0", "550 5.7.1 not this one", "250 2.0.0 Ok: queued", "221 2.0.0"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let endless = talk(&addr, &[b'x'; 80_000]);
    assert!(endless.ends_with("500 5.5.0 Error: too much without an end\r\n"), "{endless}");
    let mut mails = fs::read_dir(dir.path().join("mail/new")).expect("a maildir").flatten();
    let mail = fs::read_to_string(mails.next().expect("one message").path()).expect("text");
    assert!(mail.starts_with("X-Envelope: MAIL FROM:<a@example.org>\nX-Envelope: RCPT TO:<bob@example.net>"), "{mail}");
    assert!(mail.ends_with("\nX-Seen: by mail.example.org\n\nhi\n.dot\n"), "{mail}");
    assert_eq!(server.stop(), Some(0));
    filter.stop();
}

/// Says all of it, and returns what came until the server closed.
fn talk(addr: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.write_all(bytes).expect("it reads");
    let mut text = Vec::new();
    // A server that closes with bytes unread resets the connection; what it said before has come.
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn what_has_the_name_of_the_socket_already_stays() {
    let dir = folder();
    let filter = start(dir.path(), &["filter", "--script", "script", "--listen", "unix:m.sock"], "m.sock");
    for args in [
        &["record", "--listen", "unix:m.sock", "--milter", "unix:x.sock"][..],
        &["filter", "--script", "script", "--listen", "unix:m.sock"],
    ] {
        let text = told(dir.path(), args);
        assert!(text.contains("somebody listens there already") && text.ends_with("exit 3\n"), "{text}");
    }
    let text = told(dir.path(), &["record", "--listen", "unix:script", "--milter", "unix:m.sock"]);
    assert!(text.contains("a file of that name exists, and is no socket"), "{text}");
    assert_eq!(fs::read_to_string(dir.path().join("script")).expect("it is there"), SCRIPT);
    assert!(UnixStream::connect(dir.path().join("m.sock")).is_ok(), "the first filter still listens");
    filter.stop();
}

#[test]
fn a_recorded_scenario_fails_with_a_filter_that_answers_otherwise() {
    for profile in ["sendmail", "postfix"] {
        let dir = folder();
        recorded(dir.path(), &[], profile);
        let run = |script: &str| {
            fs::write(dir.path().join("script"), script).expect("a file");
            let filter = start(dir.path(), &["filter", "--script", "script", "--listen", "unix:m.sock"], "m.sock");
            let text = told(dir.path(), &["run", "seen/it-1.toml", "--milter", "unix:m.sock"]);
            filter.stop();
            text
        };
        let same = run(SCRIPT);
        assert!(same.contains("1 passed, 0 failed"), "{profile}: {same}");
        for rule in ["connect", "helo", "mail", "rcpt <bob@example.net>", "data", "header Subject", "eoh", "body"] {
            let text = run(&format!("{rule}: tempfail\n{SCRIPT}"));
            assert!(text.contains("0 passed, 1 failed"), "{profile}, {rule}: {text}");
        }
        for edit in ["quarantine why", "addheader X-More: yes", "discard"] {
            let text = run(&format!("{SCRIPT}  {edit}\n"));
            assert!(text.contains("0 passed, 1 failed"), "{profile}, {edit}: {text}");
        }
    }
}

#[test]
fn a_stop_writes_what_is_open_and_a_restart_goes_on_counting() {
    let dir = folder();
    let filter = start(dir.path(), &["filter", "--script", "script", "--listen", "unix:m.sock"], "m.sock");
    for number in 1..3 {
        let recorder = recorder(dir.path(), &[]);
        let mut mta = UnixStream::connect(dir.path().join("r.sock")).expect("it listens");
        mta.write_all(b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff").expect("it reads");
        mta.read_exact(&mut [0; 17]).expect("the filter answers");
        assert_eq!(recorder.stop(), Some(0));
        let capture = fs::read_to_string(dir.path().join(format!("seen/it-{number}.json"))).expect("a capture");
        assert!(capture.contains("\"cut_off\": \"the recorder was stopped\""), "{capture}");
        assert!(!dir.path().join("r.sock").exists());
    }
    let text = told(dir.path(), &["replay", "seen"]);
    assert!(text.contains("2 captures: 2 equal"), "{text}");
    filter.stop();
}
