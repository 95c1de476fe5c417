//! Every byte value, through everything that comes from outside, into headers, replies, edits and the log.

use std::sync::Arc;

use super::tests::{command, service, session_of, session_with};
use super::{Decision, Edit, MailCommand, Service};
use crate::log::Capture;

/// All that can be shown of a check stands in the texts, and all fields are on.
const CONFIG: &str = r#"
    reject_text = "%{s} %{l} %{o} %{d} %{h} %{i} %{c} %{r} %{rcpt} %{explanation} %{reason} %{result} %{identity} %{why}"
    why_link = "https://example.com/?%{S}&%{H}&%{RCPT}"
    policy.permerror = "reject"
    received_spf = { helo = true, comment = "%{s} %{h} %{explanation} %{reason}", evidence = true, forged = "rename" }
    authentication_results = { add = true, address = "full", evidence = true, forged = "rename" }
"#;

/// Text with a byte in the middle, and what an attacker would like to stand alone behind it.
fn hostile(byte: u8) -> Vec<u8> {
    [b"a", &[byte][..], b"X-Evil: 1"].concat()
}

/// What came out of one message: reply texts, header values, other edits.
#[derive(Default)]
struct Output {
    replies: Vec<String>,
    values: Vec<String>,
    log: String,
}

/// One configuration for each thing that is done with a fail.
fn services(zone: &str) -> Vec<Arc<Service>> {
    let rules = ["", "policy.fail = \"quarantine\"", "policy.fail = \"tag\"", "policy.fail = \"header\""];
    rules.into_iter().map(|rules| service(&format!("{rules}\n{CONFIG}"), zone)).collect()
}

/// Sends the message to each of the services, as far as it goes.
async fn play(services: &[Arc<Service>], helo: &[u8], path: &[u8], rcpt: &[u8], smtputf8: bool) -> Output {
    let log = Capture::start();
    let mut output = Output::default();
    for service in services {
        let mut session = session_of(service);
        session.helo(helo).await;
        session.envfrom(MailCommand { path, smtputf8, ..command("") }).await;
        if let Decision::Refuse { lines, .. } = session.envrcpt(rcpt, None) {
            output.replies.extend(lines);
        }
        session.header(b"Received-SPF", b"pass (forged)");
        let ending = session.eom(None).await.expect("a message is under way");
        output.values.extend(ending.edits.into_iter().filter_map(|edit| match edit {
            Edit::Quarantine(reason) => Some(reason),
            Edit::Insert { value, .. } | Edit::Append { value, .. } | Edit::Change { value, .. } => {
                Some(String::from_utf8(value).expect("text"))
            }
            Edit::Delete { .. } => None,
        }));
    }
    output.log = log.end();
    output
}

fn check(output: &Output, what: &str) {
    let is_printable = |c: char| (' '..='~').contains(&c);
    assert!(!output.values.is_empty(), "{what}");
    for line in &output.replies {
        assert!(line.chars().all(is_printable) && line.len() <= 490, "{what}: reply {line:?}");
    }
    for value in &output.values {
        let mut lines = value.split('\n');
        assert!(lines.next().is_some_and(|line| line.chars().all(is_printable)), "{what}: {value:?}");
        for line in lines {
            let rest = line.strip_prefix('\t').unwrap_or_else(|| panic!("{what}: {value:?}"));
            assert!(rest.chars().all(is_printable) && !rest.trim().is_empty(), "{what}: {value:?}");
        }
    }
    // One line for each message.
    assert_eq!(output.log.lines().count(), 4, "{what}: {:?}", output.log);
    let is_shown = |c: char| !c.is_control() || c == '\n';
    assert!(output.log.chars().all(is_shown) && output.log.ends_with('\n'), "{what}: {:?}", output.log);
    for line in output.log.lines() {
        let outside: String = line.replace("\\\\", "").replace("\\\"", "").split('"').step_by(2).collect();
        assert_eq!(outside.matches(" result=").count(), 1, "{what}: {line}");
    }
}

const ZONE: &str = "fail.example. TXT \"v=spf1 -all\"\n";

#[tokio::test]
async fn helo_sender_and_recipient_bring_no_byte_of_their_own() {
    let services = services(ZONE);
    for byte in 0..=255 {
        let text = hostile(byte);
        let sender = [b"<", text.as_slice(), b"@fail.example>"].concat();
        let domain = [b"<a@", text.as_slice(), b".fail.example>"].concat();
        let rcpt = [b"<", text.as_slice(), b"@x.example>"].concat();
        check(&play(&services, &text, b"<a@fail.example>", b"<b@x.example>", false).await, &format!("HELO {byte}"));
        check(&play(&services, &text, b"<>", &rcpt, false).await, &format!("null sender {byte}"));
        check(&play(&services, b"h.example", &sender, &rcpt, false).await, &format!("sender {byte}"));
        check(&play(&services, b"h.example", &domain, &rcpt, false).await, &format!("domain {byte}"));
    }
}

#[tokio::test]
async fn records_and_explanations_bring_no_byte_of_their_own() {
    let records = |byte: u8| {
        format!(
            "fail{byte}.example. TXT \"v=spf1 -all exp=why{byte}.example\"\n\
             why{byte}.example. TXT \"a\\{byte:03}X-Evil: 1\"\n\
             term{byte}.example. TXT \"v=spf1 a\\{byte:03}b -all\"\n\
             value{byte}.example. TXT \"v=spf1 x=\\{byte:03} -all\"\n\
             target{byte}.example. TXT \"v=spf1 a:\\{byte:03}.x.example -all\"\n"
        )
    };
    let zone: String = (0..=255).map(records).collect();
    let services = services(&zone);
    for byte in 0..=255_u8 {
        for kind in ["fail", "term", "value", "target"] {
            let sender = format!("<a@{kind}{byte}.example>");
            let output = play(&services, b"h.example", sender.as_bytes(), b"<b@x.example>", false).await;
            check(&output, &sender);
        }
    }
}

/// With SMTPUTF8 other scripts may pass; nothing that is not seen may.
#[tokio::test]
async fn smtputf8_brings_no_control_characters_either() {
    let services = services(ZONE);
    for c in ('\0'..='\u{2fff}').filter(|c| c.is_control() || ('\u{2000}'..='\u{206f}').contains(c)) {
        let sender = format!("<a{c}X-Evil: 1@fail.example>");
        let output = play(&services, b"h.example", sender.as_bytes(), b"<b@x.example>", true).await;
        for value in output.values.iter().chain(&output.replies) {
            let is_fold = |c| c == '\n' || c == '\t';
            let lines_are_folds = value.lines().skip(1).all(|line| line.starts_with('\t'));
            let clean = value.chars().all(|c| is_fold(c) || !c.is_control());
            assert!(
                lines_are_folds && clean && (is_fold(c) || c == ' ' || !value.contains(c) || is_space(c)),
                "{c:?} {value:?}"
            );
        }
    }
}

/// The wide spaces of Unicode are seen as what they are.
fn is_space(c: char) -> bool {
    ('\u{2000}'..='\u{200a}').contains(&c)
        || ('\u{2010}'..='\u{2027}').contains(&c)
        || ('\u{202f}'..='\u{205f}').contains(&c)
}

/// A fold of the forged field is kept when it gets another name; nothing else of it can open a line.
#[tokio::test]
async fn renamed_fields_keep_their_folds() {
    let mut session = session_with(CONFIG, ZONE);
    session.envfrom(command("<a@none.example>")).await;
    session.header(b"Received-SPF", b"pass\n\tclient-ip=1.2.3.4;\n identity=mailfrom");
    let ending = session.eom(None).await.expect("a message is under way");
    let renamed = ending.edits.iter().find(|edit| matches!(edit, Edit::Insert { .. })).expect("it is renamed");
    assert_eq!(
        renamed.to_string(),
        "insheader 0 X-Original-Received-SPF: pass\\n\\tclient-ip=1.2.3.4;\\n identity=mailfrom"
    );
}
