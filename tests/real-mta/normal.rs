//! What differs from run to run, taken out: queue ids, dates, and what comes of them.

use std::collections::BTreeSet;

use crate::record::{Record, SessionRecord};

/// The record with `[qid 1]`, `[qid 2]`, … in the place of queue ids, `[date]` in that of dates, and envelopes without SIZE.
pub(crate) fn normal(record: &Record) -> Record {
    let ids = queue_ids(record);
    let text = |text: &String| dateless(&without(&ids, text));
    let texts = |list: &[String]| list.iter().map(text).collect::<Vec<_>>();
    let session = |session: &SessionRecord| SessionRecord {
        steps: session.steps.iter().map(|lines| texts(lines)).collect(),
        envelope: session.envelope.iter().map(|line| envelope_line(line)).collect(),
        delivered: texts(&session.delivered),
    };
    Record { sessions: record.sessions.iter().map(session).collect(), held: record.held, notes: record.notes.clone() }
}

/// The queue ids, in the order in which they show: in the reply to a message, and in the trace header.
fn queue_ids(record: &Record) -> Vec<String> {
    let mut ids = Vec::new();
    let mut seen = BTreeSet::new();
    for session in &record.sessions {
        let replies = session.steps.iter().flatten().filter_map(|line| id_of_reply(line));
        let headers = session.delivered.iter().flat_map(|message| message.lines()).filter_map(id_of_trace);
        for id in replies.chain(headers) {
            if seen.insert(id) {
                ids.push(id.to_owned());
            }
        }
    }
    ids
}

/// `250 2.0.0 6AMDfscH002246 Message accepted for delivery`, `250 2.0.0 Ok: queued as 15FBC9B44D3`.
fn id_of_reply(line: &str) -> Option<&str> {
    if let Some((_, id)) = line.split_once("queued as ") {
        return Some(id);
    }
    line.strip_suffix(" Message accepted for delivery").and_then(|rest| rest.rsplit(' ').next())
}

/// `by mx.example.com (…) with ESMTP id 6AMDfscH002246`, as the trace header of the MTA itself has it.
fn id_of_trace(line: &str) -> Option<&str> {
    let line = line.strip_prefix('\t').filter(|line| line.starts_with("by "))?;
    let (_, rest) = line.split_once(" id ")?;
    Some(rest.split([' ', ';']).next().unwrap_or(rest)).filter(|id| id.len() >= ID_LENGTH_MIN)
}

fn without(ids: &[String], text: &str) -> String {
    let mut text = text.to_owned();
    for (index, id) in ids.iter().enumerate() {
        text = text.replace(id.as_str(), &format!("[qid {}]", index + 1));
    }
    generated_id(&text)
}

/// sendmail's generated Message-ID begins with the time: `<202611221345.[qid 1]@mx.example.com>`.
fn generated_id(text: &str) -> String {
    let Some(at) = text.find(".[qid") else { return text.to_owned() };
    let Some(start) = at.checked_sub(12).filter(|start| text.is_char_boundary(*start)) else { return text.to_owned() };
    match text[start..at].bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("{}[time]{}", &text[..start], &text[at..]),
        false => text.to_owned(),
    }
}

/// Dates of RFC 5322 give way to `[date]`, whatever their zone. Dates that a client wrote differ in neither run.
fn dateless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((start, end)) = date(rest) {
        out.push_str(&rest[..start]);
        out.push_str("[date]");
        rest = &rest[end..];
    }
    out + rest
}

/// The first date: `Sun, 22 Nov 2026 13:45:35 GMT`, `… +0000`, `… +0000 (UTC)`.
fn date(text: &str) -> Option<(usize, usize)> {
    DAYS.iter()
        .flat_map(|day| text.match_indices(day))
        .filter_map(|(at, _)| Some((at, at + length(&text[at..])?)))
        .min()
}

/// How long the date at the start of a text is. Before a day of one digit there may be two spaces.
fn length(text: &str) -> Option<usize> {
    let mut rest = text;
    for is_fit in [is_day, is_number, is_month, is_number, is_time, is_zone] {
        rest = rest.trim_start_matches(' ');
        let end = rest.find([' ', '\n', ';']).unwrap_or(rest.len());
        if !is_fit(&rest[..end]) {
            return None;
        }
        rest = &rest[end..];
    }
    Some(text.len() - rest.strip_prefix(" (UTC)").unwrap_or(rest).len())
}

fn is_day(word: &str) -> bool {
    DAYS.iter().any(|day| day.trim_end() == word)
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_month(word: &str) -> bool {
    word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_time(word: &str) -> bool {
    word.len() == 8 && word.split(':').count() == 3
}

fn is_zone(word: &str) -> bool {
    word == "GMT" || (word.len() == 5 && word.starts_with(['+', '-']) && is_number(&word[1..]))
}

/// One way of writing the verb, and no SIZE: that counts the MTA's own header.
fn envelope_line(line: &str) -> String {
    let words = line.split(' ').filter(|word| !word.to_ascii_uppercase().starts_with("SIZE="));
    let line = words.collect::<Vec<_>>().join(" ");
    match line.split_once(':') {
        Some((verb, rest)) => format!("{}:{rest}", verb.to_ascii_uppercase()),
        None => line,
    }
}

/// What two runs differ in goes, and nothing else does; the test of this module, which has no harness of its own.
///
/// # Errors
/// The record that came out, if it is not the one that should.
pub(crate) fn check() -> Result<(), String> {
    let run = |id: &str, clock: &str, size: u32| Record {
        sessions: vec![SessionRecord {
            steps: vec![vec![format!("250 2.0.0 Ok: queued as {id}")], vec!["550 5.7.1 no id here".to_owned()]],
            envelope: vec![format!("MAIL From:<a@example.org> SIZE={size} BODY=8BITMIME")],
            delivered: vec![format!(
                "Received: from x\n\tby mx (Postfix) with SMTP id {id}\n\tfor <b>; {clock}\nDate: Sunday\n\nwith SMTP id short\n"
            )],
        }],
        ..Record::default()
    };
    let one = normal(&run("15FBC9B44D3", "Sun, 22 Nov 2026 13:45:35 +0000 (UTC)", 312));
    let other = normal(&run("4BED879B44F1", "Sun,  1 Aug 2004 12:00:00 GMT", 99));
    let session = &one.sessions[0];
    let expected = "Received: from x\n\tby mx (Postfix) with SMTP id [qid 1]\n\tfor <b>; [date]\nDate: Sunday\n\nwith SMTP id short\n";
    let is_right = one.sessions == other.sessions
        && session.steps[0] == ["250 2.0.0 Ok: queued as [qid 1]"]
        && session.steps[1] == ["550 5.7.1 no id here"]
        && session.envelope == ["MAIL FROM:<a@example.org> BODY=8BITMIME"]
        && session.delivered == [expected];
    if is_right { Ok(()) } else { Err(format!("{one:#?}\n{other:#?}")) }
}

const DAYS: [&str; 7] = ["Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, ", "Sun, "];

/// Shorter words behind ` id ` are none of the MTAs' ids.
const ID_LENGTH_MIN: usize = 8;
