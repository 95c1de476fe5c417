//! Rules of both MTAs that no capture in the test data shows: sessions made from captures by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use std::{fs, path::Path};

use fake_mta::replay::{Capture, Medium, Verdict, replay};
use serde_json::{Value, json};

#[test]
fn filters_that_have_taken_a_message_are_told_when_a_later_one_refuses_it() {
    for (mta, refusal, first, second) in [
        ("sendmail", "550 5.7.1 <sender@example.org>... Command rejected", ["A", "Q"].as_slice(), ["Q"].as_slice()),
        ("postfix", "550 5.7.1 Command rejected", &["A", "A", "Q"], &["A", "A", "Q"]),
    ] {
        let mut session = capture(mta, "two-filters");
        until(&mut session, 0, "M", json!(["<", "c", ""]), first);
        until(&mut session, 1, "M", json!(["<", "r", ""]), second);
        cut_dialogue(&mut session, "MAIL", refusal);
        check(session);
    }
}

#[test]
fn an_unknown_command_is_answered_as_the_filter_says() {
    for (mta, end) in [("sendmail", ["Q"].as_slice()), ("postfix", &["A", "Q"])] {
        for (answer, reply) in [
            (json!(["<", "y", hex("550 5.7.1 100%% no\0")]), "550 5.7.1 100% no"),
            (json!(["<", "t", ""]), if mta == "sendmail" { TRY_LATER } else { UNAVAILABLE }),
        ] {
            let mut session = capture(mta, "unknown-command");
            until(&mut session, 0, "U", answer, end);
            cut_dialogue(&mut session, "FROBNICATE", reply);
            check(session);
        }
    }
}

#[test]
fn a_client_that_goes_away_in_its_message_leaves_sendmails_filters_without_a_word() {
    for (mta, end) in [("sendmail", [].as_slice()), ("postfix", &["A", "A", "Q"])] {
        let mut session = capture(mta, "plain");
        until(&mut session, 0, "T", json!(["<", "c", ""]), end);
        let smtp = session["smtp"].as_array_mut().unwrap();
        let message = smtp.iter().position(|entry| entry.get("c_message").is_some()).unwrap();
        smtp.truncate(message);
        smtp.extend([json!({"c_hex": hex("Subject: x\r\n\r\nunfin")}), json!({"c_close": true})]);
        session["delivered"] = json!([]);
        check(session);
    }
}

#[test]
fn a_filter_that_replaces_the_body_unasked_is_obeyed_by_postfix_and_fails_the_message_with_sendmail() {
    for mta in ["sendmail", "postfix"] {
        let mut session = capture(mta, "replbody");
        let packets = session["filters"][0]["connections"][0]["packets"].as_array_mut().unwrap();
        let negotiation = packets.iter_mut().find(|packet| packet[0] == "<" && packet[1] == "O").unwrap();
        negotiation[2] = json!("000000060000000000000000");
        if mta == "sendmail" {
            let smtp = session["smtp"].as_array_mut().unwrap();
            let queued = smtp.iter_mut().find(|entry| text(entry, "s").contains("accepted for delivery")).unwrap();
            *queued = json!({ "s": TRY_LATER });
            session["delivered"] = json!([]);
        }
        check(session);
    }
}

#[test]
fn a_header_that_is_too_large_reaches_no_filter_of_sendmail() {
    let mut session = capture("sendmail", "plain");
    let smtp = session["smtp"].as_array_mut().unwrap();
    let large = format!("X-Large: {}\n\nbody\n", "x".repeat(70_000));
    let message = smtp.iter_mut().find(|entry| entry.get("c_message").is_some()).unwrap();
    *message = json!({ "c_message": large });
    let queued = smtp.iter_mut().find(|entry| text(entry, "s").contains("accepted for delivery")).unwrap();
    *queued = json!({ "s": "552 5.6.0 Headers too large (32768 max)" });
    until(&mut session, 0, "T", json!(["<", "c", ""]), &["A", "Q"]);
    session["delivered"] = json!([]);
    check(session);
}

#[test]
fn only_codes_about_mailboxes_name_the_address_with_sendmail() {
    for (code, reply) in [
        ("553 5.1.8 no", "553 5.1.8 <sender@example.org>... no"),
        ("450 4.2.0 later", "450 4.2.0 <sender@example.org>... later"),
        ("552 5.3.4 too large", "552 5.3.4 too large"),
    ] {
        let mut session = capture("sendmail", "plain");
        until(&mut session, 0, "M", json!(["<", "y", hex(&format!("{code}\0"))]), &["Q"]);
        cut_dialogue(&mut session, "MAIL", reply);
        check(session);
    }
}

/// Plays the session; the log is not looked at.
fn check(session: Value) {
    let capture: Capture = serde_json::from_value(session).unwrap();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    let judged = runtime.block_on(replay(&capture, Medium::Memory));
    assert_eq!(judged.verdict(), Verdict::Equal, "{judged}");
}

/// The filter answers the first packet of that kind so, and then the MTA sends only `rest`.
fn until(session: &mut Value, filter: usize, kind: &str, answer: Value, rest: &[&str]) {
    let packets = session["filters"][filter]["connections"][0]["packets"].as_array_mut().unwrap();
    let at = packets.iter().position(|packet| packet[0] == ">" && packet[1] == kind).unwrap();
    packets.truncate(at + 1);
    packets.push(answer);
    packets.extend(rest.iter().map(|kind| json!([">", kind, ""])));
    packets.push(json!([">eof"]));
    session["interleave"] = json!([]);
}

/// The dialogue ends with the first command of that verb, this reply, and QUIT.
fn cut_dialogue(session: &mut Value, verb: &str, reply: &str) {
    let smtp = session["smtp"].as_array_mut().unwrap();
    let bye = smtp.iter().rfind(|entry| text(entry, "s").starts_with("221")).unwrap().clone();
    let at = smtp.iter().position(|entry| text(entry, "c").starts_with(verb)).unwrap();
    smtp.truncate(at + 1);
    smtp.extend([json!({ "s": reply }), json!({ "c": "QUIT" }), bye, json!({ "c_close": true })]);
    session["delivered"] = json!([]);
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn capture(mta: &str, name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/captures").join(format!("{mta}.jsonl"));
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("{{\"name\":\"{name}\","))).unwrap();
    serde_json::from_str(line).unwrap()
}

const TRY_LATER: &str = "451 4.3.2 Please try again later";
const UNAVAILABLE: &str = "451 4.7.1 Service unavailable - try again later";
