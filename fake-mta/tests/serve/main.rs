//! `fake-mta serve` before real SMTP clients, and before hostile ones.

mod odd;
mod tls;
#[path = "../waiting/mod.rs"]
mod waiting;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// A server and its filter, with a maildir; both end with the test.
struct Server {
    dir: tempfile::TempDir,
    children: Vec<Child>,
    addr: String,
    stderr: BufReader<ChildStderr>,
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Server {
    fn start(profile: &str, more: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let out = fs::File::create(dir.path().join("shown")).expect("a file");
        Self::start_in(dir, out.into(), profile, more)
    }

    fn start_in(dir: tempfile::TempDir, out: Stdio, profile: &str, more: &[&str]) -> Self {
        fs::write(dir.path().join("script"), "").expect("a file");
        let mut filter = fake_mta(dir.path(), &["filter", "--script", "script", "--listen", "unix:m.sock"]);
        let filter = filter.spawn().expect("the program starts");
        let socket = dir.path().join("m.sock");
        waiting::until("the filter listens", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        let args = ["serve", "--smtp", "127.0.0.1:0", "-m", "unix:m.sock", "--maildir", "mail", "--profile", profile];
        let mut command = fake_mta(dir.path(), &[&args, more].concat());
        let mut server = command.stdout(out).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stderr = BufReader::new(server.stderr.take().expect("a pipe"));
        let mut server = Self { dir, children: vec![server, filter], addr: String::new(), stderr };
        server.addr = server.complaint().trim().rsplit(' ').next().expect("an address").to_owned();
        server
    }

    /// The next line on standard error.
    fn complaint(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("it says something");
        line
    }

    /// Ends the server as an administrator does.
    fn stop(&mut self) -> ExitStatus {
        let server = &mut self.children[0];
        kill(Pid::from_raw(i32::try_from(server.id()).expect("a process")), Signal::SIGTERM).expect("it runs");
        server.wait().expect("it ends")
    }

    /// Says all of it, each part when the answer to the one before has come, and returns what came until the server closed.
    fn talk(&self, parts: &[&[u8]]) -> String {
        let mut stream = TcpStream::connect(&self.addr).expect("it listens");
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut text = String::new();
        for part in parts {
            read_reply(&mut reader, &mut text);
            stream.write_all(part).expect("it reads");
        }
        // A server that closes with bytes unread resets the connection; what it said before has come.
        let mut rest = Vec::new();
        let _ = reader.read_to_end(&mut rest);
        text + &String::from_utf8_lossy(&rest)
    }

    /// The messages in the maildir.
    fn mails(&self) -> Vec<String> {
        let files = fs::read_dir(self.dir.path().join("mail/new")).expect("a maildir").flatten();
        files.map(|file| fs::read_to_string(file.path()).expect("text")).collect()
    }

    /// What the server has shown until its end: the transcripts.
    fn shown(&mut self) -> String {
        assert!(self.stop().success());
        fs::read_to_string(self.dir.path().join("shown")).expect("a file")
    }

    /// A program that talks to the server; `PORT` in its arguments is the server's.
    fn client(&self, program: &str, args: &[&str]) -> Option<Output> {
        let port = self.addr.rsplit(':').next().expect("a port");
        let args = args.iter().map(|arg| arg.replace("PORT", port));
        match Command::new(program).args(args).stdin(Stdio::null()).output() {
            Ok(output) => Some(output),
            Err(error) => {
                println!("skipped: {program}: {error}");
                None
            }
        }
    }
}

fn fake_mta(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-mta"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// One reply with all its lines; a server that has closed says nothing.
fn read_reply(reader: &mut impl std::io::BufRead, text: &mut String) {
    loop {
        let start = text.len();
        if reader.read_line(text).unwrap_or(0) == 0 || text.as_bytes().get(start + 3) != Some(&b'-') {
            return;
        }
    }
}

const ENVELOPE: [&[u8]; 4] =
    [b"EHLO x.example\r\n", b"MAIL FROM:<a@example.org>\r\n", b"RCPT TO:<b@example.net>\r\n", b"DATA\r\n"];

#[test]
fn a_message_that_cannot_be_kept_is_not_taken() {
    for (profile, refusal) in [
        ("postfix", "451 4.3.0 Error: queue file write error"),
        ("sendmail", "452 4.3.1 Out of disk space for temp file"),
    ] {
        let mut server = Server::start(profile, &[]);
        let mail = server.dir.path().join("mail");
        fs::remove_dir(mail.join("new")).expect("it is there");
        let said = server.talk(&[&ENVELOPE[..], &[b"Subject: x\r\n\r\nx\r\n.\r\n", b"QUIT\r\n"]].concat());
        assert!(said.contains(&format!("{refusal}\r\n221 2.0.0")), "{said}");
        assert!(server.complaint().starts_with("cannot write into the maildir: mail/new/"));
        assert_eq!(fs::read_dir(mail.join("tmp")).expect("it is there").count(), 0);
    }
}

#[test]
fn nobody_waits_for_who_does_not_read_what_is_shown() {
    let mut server = Server::start_in(tempfile::tempdir().expect("a folder"), Stdio::piped(), "postfix", &[]);
    let noops = [b"NOOP ".as_slice(), &[b'x'; 2000], b"\r\n"].concat().repeat(3000);
    let said = server.talk(&[b"EHLO x.example\r\n", &noops, b"QUIT\r\n"]);
    assert!(said.ends_with("221 2.0.0 Bye\r\n"), "{said}");
    assert!(server.stop().success());
}

#[test]
fn who_is_one_too_many_is_told() {
    for (profile, told) in [
        ("postfix", "421 4.7.0 mx.example.com Error: too many connections from 127.0.0.1\r\n"),
        ("sendmail", "421 4.3.2 Too many open connections.\r\n"),
    ] {
        let mut server = Server::start(profile, &["--sessions", "1"]);
        let first = TcpStream::connect(&server.addr).expect("it listens");
        let mut banner = String::new();
        read_reply(&mut BufReader::new(first.try_clone().expect("a second handle")), &mut banner);
        assert_eq!((server.talk(&[]), server.talk(&[])), (told.to_owned(), told.to_owned()));
        assert_eq!(server.complaint(), "1 sessions go on already: others are turned away, see --sessions\n");
        drop(first);
    }
}

#[test]
fn postfix_takes_no_message_that_is_larger_than_it_says() {
    let server = Server::start("postfix", &[]);
    let line = [&[b'x'; 998][..], b"\r\n"].concat();
    // Of the 10 240 000 bytes the header takes 14.
    for (lines, reply) in [(10_239, "250 2.0.0 Ok: queued"), (10_240, "552 5.3.4 Error: message file too big\r\n")] {
        let text = [b"Subject: x\r\n\r\n", &line.repeat(lines)[..], b".\r\n"].concat();
        let said = server.talk(&[&ENVELOPE[..], &[&text], &ENVELOPE[1..3], &[b"QUIT\r\n"]].concat());
        assert!(said.contains("250-SIZE 10240000\r\n") && said.contains(reply), "{said}");
        assert!(said.ends_with("250 2.1.5 Ok\r\n221 2.0.0 Bye\r\n"), "{said}");
    }
    assert_eq!(server.mails().len(), 1);
}

#[test]
fn postfix_takes_a_thousand_recipients_and_sendmail_any_number() {
    let recipients: String = (0..1022).map(|number| format!("RCPT TO:<u{number}@example.net>\r\n")).collect();
    let ahead = format!("MAIL FROM:<a@example.org>\r\n{recipients}RSET\r\nQUIT\r\n");
    let said = Server::start("postfix", &[]).talk(&[b"EHLO x.example\r\n", ahead.as_bytes()]);
    assert_eq!(said.matches("250 2.1.5 Ok").count(), 1000);
    assert_eq!(said.matches("452 4.5.3 Error: too many recipients").count(), 22);
    assert!(said.ends_with("221 2.0.0 Bye\r\n"), "what is beyond is no error: {said}");
    let said = Server::start("sendmail", &[]).talk(&[b"EHLO x.example\r\n", ahead.as_bytes()]);
    assert_eq!(said.matches("Recipient ok").count(), 1022);
}

#[test]
fn swaks_and_smtp_source_are_served() {
    let server = Server::start("postfix", &["--starttls"]);
    let swaks = ["--server", "127.0.0.1:PORT", "--from", "a@example.org", "--to", "b@example.net", "-tls"];
    if let Some(output) = server.client("swaks", &swaks) {
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("=== TLS started with cipher TLSv1.3"), "{said}");
        assert_eq!(server.mails().len(), 1);
    }
    let before = server.mails().len();
    let source = ["-s", "4", "-m", "40", "-f", "a@example.org", "-t", "b@example.net", "127.0.0.1:PORT"];
    if let Some(output) = server.client("/usr/sbin/smtp-source", &source) {
        assert!(output.status.success(), "{output:?}");
        assert_eq!(server.mails().len() - before, 40);
    }
}
