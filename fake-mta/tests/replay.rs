//! `fake-mta replay` as its users see it: what it says of captures that differ, and what it refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

#[test]
fn a_capture_that_is_equal_is_told_in_a_line_and_a_summary() {
    let output = replay(&capture(), &[]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn the_first_difference_is_shown_in_both_forms() {
    let mut capture = capture();
    let reply = entry(&mut capture, "s", |line| line.starts_with("250 2.1.5"));
    *reply = json!("250 2.1.5 Okay");
    let output = replay(&capture, &[]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn a_byte_of_a_packet_makes_a_difference() {
    for (kind, point) in [("M", "packets"), ("B", "packets")] {
        let mut capture = capture();
        let packets = &mut capture["filters"][0]["connections"][0]["packets"];
        let packets = packets.as_array_mut().unwrap();
        let packet = packets.iter_mut().find(|packet| packet[0] == ">" && packet[1] == kind).unwrap();
        let hex = packet[2].as_str().unwrap();
        packet[2] = json!(format!("{}ff", &hex[..hex.len() - 2]));
        let output = replay(&capture, &["--report", "json"]);
        let report: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(report["captures"][0]["differences"][0]["point"], point, "{kind}");
    }
}

#[test]
fn a_message_that_was_not_delivered_makes_a_difference() {
    let mut capture = capture();
    capture["delivered"] = json!([]);
    let output = replay(&capture, &[]);
    assert!(text(&output.stdout).contains("delivered messages differ at message 0, line 0"));
}

#[test]
fn what_there_is_no_model_of_is_named_and_counts_as_differing() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 4] = [
        ("smtpd_junk_command_limit", |capture| capture["config"]["smtpd_junk_command_limit"] = json!("1")),
        ("c_shrug", |capture| capture["smtp"].as_array_mut().unwrap().push(json!({"c_shrug": true}))),
        ("exim", |capture| capture["mta"] = json!("exim")),
        ("mood", |capture| capture["mood"] = json!("good")),
    ];
    for (key, change) in changes {
        let mut capture = capture();
        change(&mut capture);
        let output = replay(&capture, &[]);
        assert_eq!(output.status.code(), Some(1), "{key}");
        let said = text(&output.stdout);
        assert!(said.contains(&format!("not modelled: {key}\n")), "{key}: {said}");
    }
}

#[test]
fn control_bytes_of_a_capture_do_not_reach_the_terminal() {
    let mut capture = capture();
    capture["name"] = json!("\u{1b}[2J");
    capture["group"] = json!("a\u{7}");
    capture["mood\u{1b}"] = json!("good");
    let said = text(&replay(&capture, &[]).stdout);
    assert!(said.contains("postfix/\\x1b[2J: differs\n    not modelled: mood\\x1b\n"), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{7}']), "{said}");
}

#[test]
fn a_known_difference_that_is_none_fails() {
    let mut capture = capture();
    capture["mta"] = json!("sendmail");
    capture["name"] = json!("symlist-many");
    let output = replay(&capture, &[]);
    assert_eq!(output.status.code(), Some(0), "a Postfix session that sendmail plays differs, as is known");
    let mut equal = first_line("sendmail");
    equal["name"] = json!("symlist-many");
    let output = replay(&equal, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("equal, though it is listed as a known difference"));
}

#[test]
fn what_is_no_capture_is_an_unreadable_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.json");
    fs::write(&path, "{}").unwrap();
    let output = run(&path, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("bad.json:1: missing field"), "{}", text(&output.stderr));
}

/// The profiles know rules, not captures.
#[test]
fn no_name_and_no_address_of_a_capture_stands_in_the_profiles() {
    let mut words = Vec::new();
    for mta in ["sendmail", "postfix"] {
        for line in fs::read_to_string(data(mta)).unwrap().lines() {
            collect_words(&serde_json::from_str(line).unwrap(), &mut words);
        }
    }
    words.sort();
    words.dedup();
    assert!(words.len() > 200, "{} words", words.len());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for folder in ["profile", "message", "smtp"] {
        for file in files(&source.join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            // Tests may use any address.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let found: Vec<&String> = words.iter().filter(|word| code.contains(word.as_str())).collect();
            assert!(found.is_empty(), "{}: {found:?}", file.display());
        }
    }
}

/// The capture's name as a literal, unless it is a word of SMTP, and the addresses and names of its client and its dialogue.
fn collect_words(capture: &Value, words: &mut Vec<String>) {
    words.extend(capture["name"].as_str().filter(|name| name.contains('-')).map(|name| format!("{name:?}")));
    for key in ["address", "hostname"] {
        words.extend(capture["client"][key].as_str().filter(|word| *word != "localhost").map(str::to_owned));
    }
    let lines = capture["smtp"].as_array().unwrap().iter().filter_map(|entry| entry["c"].as_str());
    for line in lines {
        let parts = line.split(|byte: char| byte.is_whitespace() || "<>()[],;=".contains(byte));
        words.extend(parts.filter(|part| part.contains('@') && part.len() > 3).map(str::to_owned));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn data(mta: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/captures").join(format!("{mta}.jsonl"))
}

/// The capture of a plain session with Postfix.
fn capture() -> Value {
    let text = fs::read_to_string(data("postfix")).unwrap();
    let line = text.lines().find(|line| line.starts_with(r#"{"name":"plain","#)).unwrap();
    serde_json::from_str(line).unwrap()
}

fn first_line(mta: &str) -> Value {
    let text = fs::read_to_string(data(mta)).unwrap();
    serde_json::from_str(text.lines().next().unwrap()).unwrap()
}

/// The value of the first entry of the dialogue with that key for which `is_it` holds.
fn entry<'a>(capture: &'a mut Value, key: &str, is_it: impl Fn(&str) -> bool) -> &'a mut Value {
    let entries = capture["smtp"].as_array_mut().unwrap();
    let entry = entries.iter_mut().find(|entry| entry.get(key).and_then(Value::as_str).is_some_and(&is_it));
    &mut entry.unwrap()[key]
}

fn replay(capture: &Value, options: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.json");
    fs::write(&path, capture.to_string()).unwrap();
    run(&path, options)
}

fn run(path: &Path, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fake-mta")).arg("replay").arg(path).args(options).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
