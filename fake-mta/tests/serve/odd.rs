//! Clients that are hostile, or only odd.

use super::{ENVELOPE, Server};

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
