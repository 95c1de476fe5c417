//! The program alone, spoken to with bytes that real MTAs sent: nothing of the fake MTA, nothing of our codec.

use crate::daemon::{Daemon, Mta, packet};

const PASS: &str = "example.org. TXT \"v=spf1 ip4:127.0.0.2 ip6:fd00::2 -all\"\n\
                    client.example.net. TXT \"v=spf1 ip4:127.0.0.2 -all\"\n";
/// The recorded clients are on loopback addresses, which are exempt by default.
const OPEN: &str = "exempt.networks = []\n";
const FAIL: &str = "example.org. TXT \"v=spf1 -all\"\n";

/// A recorded session: command letters and whole packets.
fn recorded(name: &str) -> Vec<(u8, Vec<u8>)> {
    let path = format!("{}/tests/data/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the recording is there");
    let bytes = |line: &str| {
        let digits: Vec<u8> = line.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pair = |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("pairs of digits");
        digits.chunks(2).map(pair).collect::<Vec<u8>>()
    };
    text.lines().filter(|line| !line.starts_with('#')).map(|line| (bytes(line)[4], bytes(line))).collect()
}

/// Plays a recording as the MTA did: after each command that wants an answer it waits for one.
async fn play(mta: &mut Mta, session: &[(u8, Vec<u8>)]) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    for (command, bytes) in session {
        mta.send(bytes).await;
        match command {
            b'O' | b'C' | b'H' | b'M' | b'R' => answers.push(mta.receive().await),
            b'E' => loop {
                answers.push(mta.receive().await);
                if answers.last().is_some_and(|answer| b"carty".contains(&answer[4])) {
                    break;
                }
            },
            _ => {}
        }
    }
    answers
}

/// Packets as text, so that a difference can be read.
fn shown(packets: &[Vec<u8>]) -> Vec<String> {
    packets.iter().map(|packet| packet.escape_ascii().to_string()).collect()
}

/// Version 6, only header edits, no body, headers, end of headers, unknown commands and data.
fn negotiation() -> Vec<u8> {
    vec![0, 0, 0, 13, b'O', 0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 3, 0x70]
}

fn go_on() -> Vec<u8> {
    packet(b'c', b"")
}

fn inserted(value: &str) -> Vec<u8> {
    packet(b'i', &[b"\0\0\0\0Received-SPF\0", value.as_bytes(), b"\0"].concat())
}

#[tokio::test]
async fn a_pass_gets_one_header_on_top() {
    for (name, queue_id) in [("sendmail-plain", "6AMDjUp8006749"), ("postfix-plain", "BED879B44F1")] {
        let mut daemon = Daemon::start(OPEN, PASS, &[]).await;
        let mut mta = daemon.connect().await;
        let answers = play(&mut mta, &recorded(name)).await;
        let header = inserted(
            "pass (mx.example.com: domain of sender@example.org designates 127.0.0.2 as permitted sender)\n\
             \tclient-ip=127.0.0.2; envelope-from=\"sender@example.org\";\n\
             \thelo=client.example.net; identity=mailfrom; mechanism=\"ip4:127.0.0.2\";\n\
             \treceiver=mx.example.com",
        );
        assert_eq!(
            shown(&answers),
            shown(&[negotiation(), go_on(), go_on(), go_on(), go_on(), header, go_on()]),
            "{name}"
        );
        assert!(mta.is_closed().await, "{name}");
        let line = daemon.line_with("checked").await;
        let fields = [
            &format!("queue_id={queue_id} "),
            "ip=127.0.0.2 helo=client.example.net mail_from=<sender@example.org> identity=mailfrom result=pass",
            "mechanism=ip4:127.0.0.2 ",
            "helo_result=pass action=accepted lookups=0 voids=0 ms=",
        ];
        assert!(fields.iter().all(|field| line.contains(field)), "{line}");
    }
}

#[tokio::test]
async fn a_fail_is_refused_at_rcpt() {
    for name in ["sendmail-plain", "postfix-plain"] {
        let mut daemon = Daemon::start(OPEN, FAIL, &[]).await;
        let mut session = recorded(name);
        session.retain(|(command, bytes)| *command != b'E' && !(*command == b'D' && bytes[5] == b'E'));
        let answers = play(&mut daemon.connect().await, &session).await;
        let reply = b"550 5.7.23 SPF validation failed: domain of sender@example.org does not designate 127.0.0.2 as \
                      permitted sender\0";
        assert_eq!(shown(&answers), shown(&[negotiation(), go_on(), go_on(), go_on(), packet(b'y', reply)]), "{name}");
        let line = daemon.line_with("checked").await;
        assert!(line.contains("result=fail") && line.contains("action=\"refused with 550 5.7.23\""), "{line}");
    }
}

#[tokio::test]
async fn ipv6_clients_are_known_in_the_form_of_either_mta() {
    for name in ["sendmail-ipv6", "postfix-ipv6"] {
        let daemon =
            Daemon::start("exempt.networks = []\nreceived_spf = { position = \"append\", keys = false }", PASS, &[])
                .await;
        let answers = play(&mut daemon.connect().await, &recorded(name)).await;
        let value = "pass (mx.example.com: domain of sender@example.org designates fd00::2 as permitted sender)";
        let header = packet(b'h', &[b"Received-SPF\0", value.as_bytes(), b"\0"].concat());
        assert_eq!(shown(&answers[5..]), shown(&[header, go_on()]), "{name}");
    }
}

#[tokio::test]
async fn the_null_sender_is_judged_by_helo() {
    for name in ["sendmail-null-sender", "postfix-null-sender"] {
        let daemon = Daemon::start(OPEN, PASS, &[]).await;
        let answers = play(&mut daemon.connect().await, &recorded(name)).await;
        let header = inserted(
            "pass (mx.example.com: domain of postmaster@client.example.net designates 127.0.0.2 as permitted sender)\n\
             \tclient-ip=127.0.0.2; helo=client.example.net; identity=helo;\n\
             \tmechanism=\"ip4:127.0.0.2\"; receiver=mx.example.com",
        );
        assert_eq!(shown(&answers[5..]), shown(&[header, go_on()]), "{name}");
    }
}

#[tokio::test]
async fn dns_trouble_is_a_temporary_refusal() {
    let config = "exempt.networks = []\n[dns]\ntimeout_ms = 100\nbudget_ms = 300";
    for fault in ["example.org TXT servfail", "example.org TXT refused", "example.org TXT drop"] {
        let daemon = Daemon::start(config, PASS, &[fault]).await;
        let mut session = recorded("postfix-plain");
        session.retain(|(command, bytes)| *command != b'E' && !(*command == b'D' && bytes[5] == b'E'));
        let answers = play(&mut daemon.connect().await, &session).await;
        let reply = b"451 4.4.3 SPF check not completed: error in processing during lookup of sender@example.org\0";
        assert_eq!(shown(&answers[4..]), shown(&[packet(b'y', reply)]), "{fault}");
    }
}

#[tokio::test]
async fn helo_is_checked_before_the_sender() {
    let daemon = Daemon::start(OPEN, PASS, &[]).await;
    play(&mut daemon.connect().await, &recorded("sendmail-plain")).await;
    let questions: Vec<_> = daemon.dns.log().iter().map(fake_dns::LogEntry::question).collect();
    assert_eq!(questions, ["client.example.net TXT", "example.org TXT"]);
}

/// Half of the budget is the sender's, whatever becomes of the HELO name.
#[tokio::test]
async fn a_dead_helo_zone_leaves_time_for_the_sender() {
    let config = "exempt.networks = []\n[dns]\ntimeout_ms = 6_000\nbudget_ms = 6_000";
    let mut daemon = Daemon::start(config, PASS, &["client.example.net TXT drop"]).await;
    let answers = play(&mut daemon.connect().await, &recorded("postfix-plain")).await;
    assert!(shown(&answers[5..])[0].contains("pass (mx.example.com: domain of sender@example.org"));
    let line = daemon.line_with("checked").await;
    assert!(line.contains("result=pass") && line.contains("helo_result=temperror"), "{line}");
}

/// A client in a Unix socket, or one that the MTA says nothing about, has no address: nothing is checked.
#[tokio::test]
async fn clients_without_an_address_are_let_through() {
    let daemon = Daemon::start(OPEN, FAIL, &[]).await;
    for connect in [&b"localhost\0U"[..], b"localhost\0L\0\0/run/x\0"] {
        let mut mta = daemon.connect().await;
        mta.send(&recorded("sendmail-plain")[0].1).await;
        assert_eq!(mta.receive().await, negotiation());
        mta.send(&packet(b'C', connect)).await;
        assert_eq!(mta.receive().await, packet(b'a', b""));
    }
    assert!(daemon.dns.log().is_empty());
}

/// The percent signs of a text are doubled on the wire; MTAs halve them again.
#[tokio::test]
async fn two_messages_in_one_session_are_two_checks() {
    let config = "exempt.networks = []\nreject_text = \"100%% no: %{S} to %{rcpt}\"";
    let daemon = Daemon::start(config, &[PASS, "forged.example. TXT \"v=spf1 -all\"\n"].concat(), &[]).await;
    let mut session = recorded("postfix-plain");
    // Behind the first message's end comes an abort, then the second message.
    session.truncate(session.len() - 2);
    session.push((b'M', packet(b'M', b"<Bob@forged.example>\0SIZE=10\0")));
    session.push((b'R', packet(b'R', b"<rcpt1@example.net>\0")));
    session.push((b'R', packet(b'R', b"<rcpt2@example.net>\0")));
    let answers = play(&mut daemon.connect().await, &session).await;
    let refusal =
        |rcpt: &str| packet(b'y', format!("550 5.7.23 100%% no: Bob%%40forged.example to {rcpt}\0").as_bytes());
    assert_eq!(
        shown(&answers[6..]),
        shown(&[go_on(), go_on(), refusal("rcpt1@example.net"), refusal("rcpt2@example.net")])
    );
}
