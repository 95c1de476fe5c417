//! The order of events: as MTAs have it, and as none has.

use milter_proto::{Address, Command, Negotiate, codes};

use super::super::{
    case::{Case, Level},
    letter::{Letter, Macros, Stage},
    step::{Step, connect, header, helo, macros, mail, misplaced, opened, opened_then, rcpt, rcpt_to},
};

pub(super) fn cases() -> Vec<Case> {
    let mut all = sessions();
    all.extend(envelopes());
    all.extend(clients());
    all.extend(illegal());
    all
}

fn letter() -> Step {
    Step::Letter(Box::default())
}

/// From the client on, whoever it is.
fn from(client: Command) -> Vec<Step> {
    vec![Step::Negotiate(Negotiate::offer(6)), Step::Client(client), Step::Event(helo()), letter()]
}

/// What every event of every session asks for.
fn answered(case: Case) -> Case {
    case.why("one answer too few and the MTA waits out its time limit; one too many and every later answer is taken for the one before")
}

fn sessions() -> Vec<Case> {
    vec![
        answered(Case::new("order/as-sendmail", Level::Must, "a session in sendmail's order gets one answer to each event and none to macros"))
            .standard("one answer to each event")
            .seen("sendmail, for every message")
            .script(vec![
                Step::Negotiate(Negotiate::offer(6)),
                Step::Event(macros(codes::CONNECT, &[("j", "mx.example.com"), ("_", "client.example.net [192.0.2.1]"), ("{daemon_name}", "MTA-v4")])),
                Step::Event(connect()),
                Step::Event(macros(codes::HELO, &[])),
                Step::Event(helo()),
                letter(),
            ]),
        answered(Case::new("order/as-postfix", Level::Must, "a session in Postfix's order, with macros before everything and two aborts at the end, gets one answer to each event"))
            .standard("passes over macros for header fields and body chunks, and over an abort without a message")
            .seen("Postfix, for every message")
            .script(postfix_session()),
        answered(Case::new("order/helo-twice", Level::Must, "a second HELO is answered as the first"))
            .standard("goes back to the state after HELO")
            .seen("both, when the client says EHLO again; after STARTTLS in every session")
            .script(opened_then([Step::Event(helo()), Step::Event(Command::Abort), letter()])),
        answered(Case::new("order/tls", Level::Must, "the HELO after STARTTLS, with the macros of the handshake, is answered"))
            .standard("goes back to the state after HELO")
            .seen("both; Postfix sends an abort before it")
            .script(opened_then([
                Step::Event(Command::Abort),
                Step::Event(macros(codes::HELO, &[("{tls_version}", "TLSv1.3"), ("{cipher}", "TLS_AES_256_GCM_SHA384"), ("{cipher_bits}", "256"), ("{cert_subject}", ""), ("{cert_issuer}", "")])),
                Step::Event(helo()),
                letter(),
            ])),
        answered(Case::new("order/no-helo", Level::Must, "MAIL without a HELO before it is answered"))
            .standard("goes on to MAIL")
            .seen("both, when the client says no HELO and the MTA does not insist")
            .script(vec![Step::Negotiate(Negotiate::offer(6)), Step::Client(connect()), letter()]),
        answered(Case::new("order/unknown", Level::Must, "SMTP commands that the MTA does not know are answered"))
            .standard("calls the milter's xxfi_unknown, or answers for it")
            .seen("both, for verbs that they do not know")
            .script(opened_then([
                Step::Event(Command::Unknown(b"FROBNICATE the thing".to_vec())),
                letter(),
                Step::Event(Command::Unknown(b"FROBNICATE".to_vec())),
            ])),
    ]
}

fn envelopes() -> Vec<Case> {
    vec![
        answered(Case::new("order/many-recipients", Level::Must, "each of a thousand recipients is answered"))
            .standard("one answer to each")
            .seen("Postfix up to smtpd_recipient_limit, 1000; sendmail without a limit, unless MaxRecipientsPerMessage sets one")
            .script(opened_then([Step::Letter(Box::new(Letter {
                rcpts: (0..1000).map(|number| rcpt_to(&format!("<rcpt{number}@example.com>"))).collect(),
                ..Letter::default()
            }))])),
        answered(Case::new("order/arguments", Level::Must, "ESMTP arguments of MAIL and RCPT are taken"))
            .standard("hands them to the milter as further strings")
            .seen("both")
            .script(opened_then([Step::Letter(Box::new(Letter {
                mail: Command::Mail {
                    sender: b"<sender@example.org>".to_vec(),
                    args: vec![b"SIZE=1000".to_vec(), b"BODY=8BITMIME".to_vec(), b"RET=HDRS".to_vec()],
                },
                rcpts: vec![Command::Rcpt {
                    recipient: b"<rcpt@example.com>".to_vec(),
                    args: vec![b"NOTIFY=NEVER".to_vec(), b"ORCPT=rfc822;rcpt@example.com".to_vec()],
                }],
                ..Letter::default()
            }))])),
        answered(Case::new("order/null-sender", Level::Must, "the null sender is taken"))
            .standard("hands over `<>`")
            .seen("both, for every bounce")
            .script(opened_then([Step::Letter(Box::new(Letter {
                mail: Command::Mail { sender: b"<>".to_vec(), args: Vec::new() },
                ..Letter::default()
            }))])),
        answered(Case::new("order/empty-sender", Level::Must, "an empty sender, without brackets, is taken"))
            .standard("hands over an empty string")
            .seen("Postfix for bounces that are submitted locally (non_smtpd_milters)")
            .script(opened_then([Step::Letter(Box::new(Letter {
                mail: Command::Mail { sender: Vec::new(), args: Vec::new() },
                ..Letter::default()
            }))])),
        answered(Case::new("order/no-brackets", Level::Should, "addresses without brackets are taken"))
            .standard("hands them over as they are")
            .seen("Postfix for mail that is submitted locally (non_smtpd_milters)")
            .script(opened_then([Step::Letter(Box::new(Letter {
                mail: Command::Mail { sender: b"sender@example.org".to_vec(), args: Vec::new() },
                rcpts: vec![rcpt_to("rcpt@example.com")],
                ..Letter::default()
            }))])),
    ]
}

fn postfix_session() -> Vec<Step> {
    let letter = Step::Letter(Box::new(Letter { macros: Macros::Postfix, ..Letter::default() }));
    vec![
        Step::Negotiate(Negotiate::offer(6)),
        Step::Event(macros(
            codes::CONNECT,
            &[("j", "mx.example.com"), ("{daemon_name}", "mx.example.com"), ("v", "Postfix 3.7.11")],
        )),
        Step::Event(connect()),
        Step::Event(macros(codes::HELO, &[])),
        Step::Event(helo()),
        letter,
        Step::Event(Command::Abort),
        Step::Event(Command::Abort),
    ]
}

fn clients() -> Vec<Case> {
    let client = |id: &str, title: &str, hostname: &str, address: Address| {
        Case::new(id, Level::Must, title)
            .why("a client whose address the milter cannot read must not cost the mail of everybody")
            .standard("hands over the host name and a socket address, or none")
            .script(from(Command::Connect { hostname: hostname.into(), address }))
    };
    let inet6 = |text: &str| Address::Inet6 { port: 40_000, text: text.into() };
    vec![
        client(
            "order/ipv6-as-sendmail",
            "an IPv6 client as sendmail writes it is taken",
            "client6.example.net",
            inet6("IPv6:2001:db8:0:0:0:0:0:2"),
        )
        .seen("sendmail: `IPv6:` and groups of digits without `::`"),
        client(
            "order/ipv6-as-postfix",
            "an IPv6 client as Postfix writes it is taken",
            "client6.example.net",
            inet6("2001:db8::2"),
        )
        .seen("Postfix: without a prefix"),
        client(
            "order/no-name",
            "a client without a name is taken",
            "[192.0.2.1]",
            Address::Inet { port: 40_000, text: b"192.0.2.1".to_vec() },
        )
        .seen("both, for clients without a PTR record"),
        client("order/unknown-family", "a client without an address is taken", "localhost", Address::Unknown)
            .seen("sendmail -bs on standard input"),
        client(
            "order/unix-client",
            "a client behind a Unix socket is taken",
            "localhost",
            Address::Unix { port: 0, path: b"/run/mail.sock".to_vec() },
        )
        .seen("both, for a listener on a Unix socket"),
        client(
            "order/local-submission",
            "a client with port 0 is taken",
            "localhost",
            Address::Inet { port: 0, text: b"127.0.0.1".to_vec() },
        )
        .seen("Postfix for mail that is submitted locally (non_smtpd_milters)"),
    ]
}

fn illegal() -> Vec<Case> {
    let case = |id: &str, title: &str, before: Vec<Step>, command: Command| {
        let mut steps = before;
        steps.push(misplaced(&command));
        Case::new(format!("illegal/{id}"), Level::Should, format!("{title} does no harm to anybody else"))
            .why("a fault of an MTA, or of whoever reaches the socket, must stay in its own connection")
            .standard("aborts the message, goes back to the state after HELO, and drops the command without an answer if it fits there no better")
            .seen("none")
            .script(steps)
    };
    let within = |until| opened_then([Step::Letter(Box::new(Letter { until, ..Letter::default() }))]);
    vec![
        case("connect-twice", "a second client on the same connection", opened(), connect()),
        case("mail-before-connect", "MAIL before any client", vec![Step::Negotiate(Negotiate::offer(6))], mail()),
        case("rcpt-before-mail", "RCPT before MAIL", opened(), rcpt()),
        case("data-before-mail", "DATA before MAIL", opened(), Command::Data),
        case("header-before-mail", "a header field before MAIL", opened(), header("Subject", "too early")),
        case("eoh-before-mail", "the end of the header before MAIL", opened(), Command::Eoh),
        case("body-before-mail", "a body chunk before MAIL", opened(), Command::Body(b"too early\r\n".to_vec())),
        case("eom-before-mail", "the end of the message before MAIL", opened(), Command::BodyEob(Vec::new())),
        case("mail-twice", "a second MAIL", within(Stage::Rcpt), mail()),
        case("mail-in-the-header", "MAIL in the middle of the header", within(Stage::Header), mail()),
        case("rcpt-in-the-body", "RCPT in the middle of the body", within(Stage::Body), rcpt()),
        case(
            "header-in-the-body",
            "a header field in the middle of the body",
            within(Stage::Body),
            header("Subject", "too late"),
        ),
        case("quit-nc-in-a-message", "QUIT_NC in the middle of a message", within(Stage::Body), Command::QuitNc),
    ]
}
