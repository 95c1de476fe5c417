//! `fake-mta serve` before real SMTP clients, and before hostile ones.

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
        while std::os::unix::net::UnixStream::connect(dir.path().join("m.sock")).is_err() {
            std::thread::yield_now();
        }
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

/// A second message inside of the first, behind what only some take for its end.
fn smuggled(ending: &str) -> Vec<u8> {
    let hidden = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nSubject: evil\r\n\r\n.\r\n";
    format!("Subject: x\r\n\r\nbody{ending}{hidden}").into_bytes()
}

#[test]
fn what_looks_like_the_end_of_a_message_is_judged_as_each_mta_does() {
    let (sendmail, postfix) = (Server::start("sendmail", &[]), Server::start("postfix", &[]));
    for (ending, refusal, ends) in [
        ("\n.\n", "linefeed (LF)", true),
        ("\n.\r\n", "linefeed (LF)", true),
        ("\r\n.\n", "linefeed (LF)", true),
        ("\r\r\n.\r\r\n", "carriage return (CR)", true),
        ("\r.\r", "carriage return (CR)", false),
        ("\r\n.\r", "carriage return (CR)", false),
        ("\r.\r\n", "carriage return (CR)", false),
    ] {
        let text = smuggled(ending);
        let parts = [&ENVELOPE[..], &[&text]].concat();
        let said = sendmail.talk(&parts);
        assert!(said.ends_with(&format!("421 4.5.0 Bare {refusal} not allowed\r\n")), "{ending:?}: {said}");
        let said = postfix.talk(&[&parts[..], &[b"QUIT\r\n"]].concat());
        let taken = said.matches("250 2.0.0 Ok: queued").count();
        assert_eq!(taken, if ends { 2 } else { 1 }, "{ending:?}: {said}");
    }
    assert_eq!((sendmail.mails().len(), postfix.mails().len()), (0, 4 * 2 + 3));
    let evil =
        postfix.mails().iter().filter(|mail| mail.starts_with("X-Envelope: MAIL FROM:<evil@example.org>\n")).count();
    assert_eq!(evil, 4, "four of them came as messages of their own");
}

#[test]
fn long_lines_are_cut_or_refused() {
    let long = [b"NOOP ".as_slice(), &[b'x'; 70_000], b"\r\n"].concat();
    let said = Server::start("postfix", &[]).talk(&[b"EHLO x.example\r\n", &long, b"QUIT\r\n"]);
    assert!(said.ends_with("250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n"), "{said}");
    let said = Server::start("sendmail", &[]).talk(&[b"EHLO x.example\r\n", &long]);
    let refusal = "421 4.7.0 mx.example.com Command too long, possible attack localhost [127.0.0.1]\r\n";
    assert!(said.ends_with(refusal), "{said}");
}

#[test]
fn who_does_not_wait_is_no_mail_program_for_sendmail() {
    let server = Server::start("sendmail", &[]);
    let said = server.talk(&[b"EHLO x.example\r\nMAIL FROM:<a@example.org>\r\nQUIT\r\n"]);
    assert!(said.contains("554 5.5.0 SMTP protocol error\r\n550 5.0.0 Command rejected\r\n221 2.0.0"), "{said}");
    let ahead = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n";
    let said = server.talk(&[b"EHLO x.example\r\n", ahead]);
    assert!(said.ends_with("Recipient ok\r\n554 5.5.0 SMTP protocol error\r\n"), "{said}");
}

#[test]
fn clients_of_other_protocols_are_sent_away() {
    for request in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"post\r\n", b"CONNECT x:25\r\n"] {
        let said = Server::start("sendmail", &[]).talk(&[request]);
        assert!(said.ends_with("421 4.7.0 mx.example.com Rejecting open proxy localhost [127.0.0.1]\r\n"), "{said}");
        let said = Server::start("postfix", &[]).talk(&[request]);
        assert!(said.ends_with("221 2.7.0 Error: I can break rules, too. Goodbye.\r\n"), "{said}");
    }
}

#[test]
fn patience_ends() {
    let junk = b"XX\r\n".repeat(30);
    let said = Server::start("sendmail", &[]).talk(&[b"EHLO x.example\r\n", &junk]);
    assert_eq!(said.matches("500 5.5.1 Command unrecognized").count(), 25, "{said}");
    assert!(said.ends_with("421 4.7.0 mx.example.com Too many bad commands; closing connection\r\n"), "{said}");
    let said = Server::start("postfix", &[]).talk(&[b"EHLO x.example\r\n", &junk]);
    assert_eq!(said.matches("500 5.5.2 Error: command not recognized").count(), 20, "{said}");
    assert!(said.ends_with("421 4.7.0 mx.example.com Error: too many errors\r\n"), "{said}");
}

/// What was sent behind STARTTLS in the clear must not count once the line is safe.
const SMTPLIB: &str = r#"
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as smtp:
    smtp.ehlo()
    smtp.send(b"STARTTLS\r\nNOOP\r\nRSET\r\n")
    assert smtp.getreply()[0] == 220
    smtp.sock = context.wrap_socket(smtp.sock)
    smtp.file = None
    smtp.ehlo()
    assert not smtp.has_extn("starttls") and smtp.has_extn("auth")
    smtp.login("bob", "secret")
    smtp.sendmail("a@example.org", ["b@example.net"], "Subject: safe\r\n\r\nhello\r\n")
print(smtp is not None)
"#;

#[test]
fn a_safe_line_and_a_login_are_told_to_the_milter_as_each_mta_does() {
    let tls = "{tls_version}=TLSv1.3 {cipher}=TLS_AES_256_GCM_SHA384 {cipher_bits}=256 {cert_subject}=/CN=c";
    // sendmail tells of the issuer that there is none.
    for (profile, issuer) in [("sendmail", " {cert_issuer}="), ("postfix", "")] {
        let more = ["--starttls", "--tls-macro", "cert_subject=/CN=c", "--auth", "bob:secret"];
        let mut server = Server::start(profile, &more);
        let Some(output) = server.client("python3", &["-c", SMTPLIB, "PORT"]) else { return };
        let shown = server.shown();
        assert!(output.status.success(), "{}{shown}", String::from_utf8_lossy(&output.stderr));
        assert!(shown.contains("C: AUTH PLAIN (hidden)\n") && !shown.contains("AGJvYgBzZWNyZXQ="), "{shown}");
        assert!(
            shown.contains(&format!("> macro H {tls}{issuer}\n")) && shown.contains("{auth_authen}=bob"),
            "{profile}: {shown}"
        );
        let mails = server.mails();
        assert!(mails.len() == 1 && mails[0].contains("with ESMTPSA id"), "{profile}: {mails:?}");
        let noted = mails[0].contains("(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)");
        assert_eq!(noted, profile == "sendmail", "{mails:?}");
    }
}

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

/// A client with a certificate.
const WITH_CERTIFICATE: &str = r#"
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.load_cert_chain(sys.argv[2])
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as smtp:
    smtp.starttls(context=context)
    smtp.sendmail("a@example.org", ["b@example.net"], "Subject: safe\r\n\r\nhello\r\n")
"#;

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn named(name: &str) -> (rcgen::CertificateParams, rcgen::KeyPair) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    (params, rcgen::KeyPair::generate().expect("a key"))
}

/// The authority, and the key and certificate of somebody whom it knows, and of somebody whom it does not.
fn certificates() -> [(&'static str, String); 3] {
    let (mut authority, authority_key) = named("An Authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).expect("a certificate");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let (client, key) = named("client.example");
    let known = client.signed_by(&key, &issuer).expect("a certificate");
    let unknown = client.self_signed(&key).expect("a certificate");
    let key = pem("PRIVATE KEY", &key.serialize_der());
    [
        ("ca.pem", pem("CERTIFICATE", certificate.der())),
        ("known.pem", key.clone() + &pem("CERTIFICATE", known.der())),
        ("unknown.pem", key + &pem("CERTIFICATE", unknown.der())),
    ]
}

#[test]
fn the_certificate_of_a_client_is_told_as_each_mta_does() {
    let tls = "{tls_version}=TLSv1.3 {cipher}=TLS_AES_256_GCM_SHA384 {cipher_bits}=256";
    let certificates = certificates();
    for (profile, client, names, verify) in [
        ("postfix", "known.pem", " {cert_subject}=client.example {cert_issuer}=An Authority", ""),
        ("postfix", "unknown.pem", "", ""),
        ("sendmail", "known.pem", " {cert_subject}=/CN=client.example {cert_issuer}=/CN=An+20Authority", "verify=OK)"),
        (
            "sendmail",
            "unknown.pem",
            " {cert_subject}=/CN=client.example {cert_issuer}=/CN=client.example",
            "verify=FAIL)",
        ),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        for (file, text) in &certificates {
            fs::write(dir.path().join(file), text).expect("a file");
        }
        let out = fs::File::create(dir.path().join("shown")).expect("a file");
        let more = ["--starttls", "--tls-ask-cert", "--tls-ca", "ca.pem"];
        let mut server = Server::start_in(dir, out.into(), profile, &more);
        let file = server.dir.path().join(client).display().to_string();
        let Some(output) = server.client("python3", &["-c", WITH_CERTIFICATE, "PORT", &file]) else { return };
        let shown = server.shown();
        assert!(output.status.success(), "{}{shown}", String::from_utf8_lossy(&output.stderr));
        assert!(shown.contains(&format!("> macro H {tls}{names}\n")), "{profile}, {client}: {shown}");
        assert!(server.mails()[0].contains(verify), "{:?}", server.mails());
    }
}

/// A login in the clear and then STARTTLS: what AUTH says after it.
const LOGIN_TWICE: &str = r#"
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as smtp:
    smtp.login("bob", "secret")
    smtp.starttls(context=context)
    smtp.ehlo()
    print(smtp.docmd("AUTH", "PLAIN AGJvYgBzZWNyZXQ="))
"#;

#[test]
fn what_was_told_in_the_clear_counts_no_more_for_postfix() {
    for (profile, said) in [
        ("postfix", "(235, b'2.7.0 Authentication successful')"),
        ("sendmail", "(503, b'5.5.0 Already Authenticated')"),
    ] {
        let server = Server::start(profile, &["--starttls", "--auth", "bob:secret"]);
        let Some(output) = server.client("python3", &["-c", LOGIN_TWICE, "PORT"]) else { return };
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), said, "{output:?}");
    }
}

#[test]
fn sendmail_begins_no_tls_in_a_transaction() {
    let server = Server::start("sendmail", &["--starttls"]);
    let said = server.talk(&[&ENVELOPE[..2], &[b"STARTTLS\r\n", b"QUIT\r\n"]].concat());
    assert!(said.contains("503 5.5.0 TLS not permitted during a mail transaction\r\n221 "), "{said}");
}

/// What each MTA was seen to answer to odd commands.
const ODD: [(&str, &[u8], &str); 22] = [
    ("postfix", b"\0NOOP\r\n", "500 5.5.2 Error: bad syntax"),
    ("postfix", b"NO\0OP\r\n", "500 5.5.2 Error: command not recognized"),
    ("postfix", b"NOOP \xe9\r\n", "500 5.5.2 Error: bad UTF-8 syntax"),
    ("postfix", b"GET \xe9\r\n", "500 5.5.2 Error: bad UTF-8 syntax"),
    ("postfix", b"NOOP \xc3\0\xa9\r\n", "500 5.5.2 Error: bad UTF-8 syntax"),
    ("postfix", b"NOOP \xc3\xa9\r\n", "250 2.0.0 Ok"),
    ("postfix", b"MAIL FROM:<a@b.c>\0 SIZE=x\r\n", "250 2.1.0 Ok"),
    ("postfix", b"MAIL FROM:<a\0@b.c>\r\n", "501 5.1.7 Bad sender address syntax"),
    ("postfix", b"MAIL FROM:<a@b.c> ENVID=a=b\r\n", "250 2.1.0 Ok"),
    ("postfix", b"DATA x\r\n", "503 5.5.1 Error: need RCPT command"),
    ("postfix", b"AUTH PLAIN AGJvYgBzZWNyZXQ= x\r\n", "501 5.5.4 Syntax: AUTH mechanism"),
    ("postfix", b"AUTH PLAIN *\r\n", "535 5.7.8 Error: authentication failed:"),
    ("postfix", b"AUTH LOGIN =\r\n", "535 5.7.8 Error: authentication failed:"),
    ("sendmail", b"MAIL FROM:<\xe9@b.c>\r\n", "250 2.1.0 <i@b.c>... Sender ok"),
    ("sendmail", b"FOO\xe9\r\n", "500 5.5.1 Command unrecognized: \"FOOi\""),
    ("sendmail", b"EXPN \xe9\r\n", "550 5.1.1 i... User unknown"),
    ("sendmail", b"ETRN \xe9\r\n", "250 2.0.0 Queuing for node i started"),
    ("sendmail", b"MAIL \xe9:<x>\r\n", "501 5.5.2 Syntax error in parameters scanning \"i\""),
    ("sendmail", b"MAIL FROM:<a@b.c> BODY=\xe9\r\n", "501 5.5.4 Unknown BODY type i"),
    ("sendmail", b"MAIL FROM:<a@b.c> ENVID=a=b\r\n", "555 5.5.4 b parameter unrecognized"),
    ("sendmail", b"MAIL FROM:<a@b.c> BODY=7BIT=x\r\n", "555 5.5.4 x parameter unrecognized"),
    ("sendmail", b"NO\0OP\r\n", "500 5.5.1 Command unrecognized: \"NO\""),
];

#[test]
fn odd_commands_are_answered_as_each_mta_does() {
    let servers = ["postfix", "sendmail"].map(|profile| (profile, Server::start(profile, &["--auth", "bob:secret"])));
    for (profile, command, reply) in ODD {
        let (_, server) = servers.iter().find(|(name, _)| *name == profile).expect("a server");
        let said = server.talk(&[b"EHLO x.example\r\n", command, b"QUIT\r\n"]);
        let answer = said.lines().rev().nth(1).unwrap_or_default();
        assert!(answer.starts_with(reply), "{profile}: {command:?}: {said}");
    }
}

#[test]
fn sendmail_knows_how_long_a_name_may_be() {
    let server = Server::start("sendmail", &[]);
    for (length, reply) in [(256, "250 HELP"), (257, "501 5.0.0 Invalid domain name")] {
        let said = server.talk(&[format!("EHLO {}\r\n", "x".repeat(length)).as_bytes(), b"QUIT\r\n"]);
        assert!(said.contains(&format!("{reply}\r\n221 ")), "{said}");
    }
}

#[test]
fn a_response_of_auth_may_be_longer_than_a_command_but_not_without_end() {
    let server = Server::start("postfix", &["--auth", "bob:secret"]);
    for (length, reply) in [(12_288, "535 5.7.8 "), (12_289, "500 5.5.6 SASL response limit exceeded")] {
        let response = ["A".repeat(length).as_bytes(), b"\r\n"].concat();
        let said = server.talk(&[b"EHLO x.example\r\n", b"AUTH PLAIN\r\n", &response, b"QUIT\r\n"]);
        assert!(said.contains(&format!("\r\n334 \r\n{reply}")), "{length}: {said}");
    }
}

#[test]
fn what_a_client_calls_itself_does_no_harm_in_a_header_field() {
    let server = Server::start("postfix", &[]);
    let parts: [&[u8]; 5] = [
        b"HELO a\x1b[31m (b)  c\xc3\xa9\r\n",
        b"MAIL FROM:<\"a b\"@b.c>\r\n",
        ENVELOPE[2],
        ENVELOPE[3],
        b"Subject: x\r\n\r\nx\r\n.\r\n",
    ];
    server.talk(&[&parts[..], &[b"QUIT\r\n"]].concat());
    let mail = server.mails().concat();
    assert!(mail.contains("\nReceived: from a?[31m??b??c\u{e9} (localhost [127.0.0.1])\n"), "{mail}");
    assert!(mail.contains("\nFrom: \"a b\"@b.c\n"), "{mail}");
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
