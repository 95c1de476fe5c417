//! `known_deviation`: one text for all profiles, or one for each; and `instead`: what comes then.

use super::{Fields, as_text, session};
use crate::{
    diag::Diag,
    format,
    scenario::{KnownDeviation, Line, Session, Step, node::Value, vocabulary::Unknown},
};

/// Reads the key; an empty text is none, so that a variant can take one back.
pub(super) fn read(fields: &mut Fields<'_>) -> Vec<KnownDeviation> {
    let Some(node) = fields.node(KEY) else { return Vec::new() };
    if !matches!(node.value, Value::Table(_)) {
        let reason = fields.text(KEY).filter(|reason| !reason.trim().is_empty());
        return reason.into_iter().map(|reason| KnownDeviation { only: None, reason }).collect();
    }
    let profiles = format::profiles();
    Fields::open(node, "`known_deviation`", &profiles, fields.problems());
    let mut known = Vec::new();
    for entry in node.entries() {
        let reason = fields.problems().take(as_text(&entry.node, &entry.key));
        let profile: Result<_, Unknown> = entry.key.parse();
        if let (Some(reason), Ok(only)) = (reason, profile)
            && !reason.trim().is_empty()
        {
            known.push(KnownDeviation { only: Some(only), reason });
        }
    }
    // What is said of a release comes before what is said of the MTA.
    known.sort_by_key(|known| known.only.as_ref().is_none_or(|only| only.version.is_none()));
    known
}

/// Reads `instead`: the sessions with what it says in the place of what is expected. It says nothing where no deviation is known.
pub(super) fn read_instead(fields: &mut Fields<'_>, is_known: bool, sessions: &[Session]) -> Option<Vec<Session>> {
    let node = fields.node(INSTEAD)?;
    if fields.node(KEY).is_none() {
        let diag = Diag::error(format!("`{INSTEAD}` without `{KEY}`")).label(&node.span, "");
        fields.problems().add(diag.help(format!("say in what the milter differs: `{KEY} = \"…\"`")));
    }
    if matches!(node.value, Value::Table(_)) && node.entries().is_empty() {
        let diag = Diag::error(format!("`{INSTEAD}` says nothing")).label(&node.span, "");
        fields.problems().add(diag.help("name the step and write what comes there, as in `instead.\"C: QUIT\"`"));
    }
    if !is_known {
        return None;
    }
    let mut sessions = sessions.to_vec();
    let keys: Vec<&str> = node.entries().iter().map(|entry| entry.key.as_str()).collect();
    let mut fields = Fields::open(node, "`instead`", &keys, fields.problems());
    for entry in node.entries().iter().filter(|entry| !LISTS.contains(&entry.key.as_str())) {
        session::replace_lines(&mut sessions, INSTEAD, entry, fields.problems(), put);
    }
    replace_lists(&mut sessions, &mut fields);
    Some(sessions)
}

/// The packets that are expected are those of the other lines.
fn put(step: &mut Step, lines: Vec<Line>) {
    step.lines = lines;
    step.wire = None;
}

/// Replaces lists in the sessions that have them.
fn replace_lists(sessions: &mut [Session], fields: &mut Fields<'_>) {
    let has: [fn(&Session) -> bool; 3] = [
        |session| session.envelope.is_some(),
        |session| session.delivered.is_some(),
        |session| !session.log.is_empty(),
    ];
    for (key, has) in LISTS.into_iter().zip(has) {
        if let (Some(node), false) = (fields.node(key), sessions.iter().any(has)) {
            let title = format!("no session expects `{key}`, so nothing else can come in its place");
            fields.problems().add(Diag::error(title).label(&node.span, ""));
        }
    }
    let (envelope, delivered, log) = (session::envelope(fields), session::delivered(fields), fields.lines("log"));
    for session in sessions {
        session.envelope = session.envelope.take().map(|own| envelope.clone().unwrap_or(own));
        session.delivered = session.delivered.take().map(|own| delivered.clone().unwrap_or(own));
        if let (Some(log), false) = (&log, session.log.is_empty()) {
            session.log.clone_from(log);
        }
    }
}

const KEY: &str = "known_deviation";
const INSTEAD: &str = "instead";

/// The keys of `instead` that are no steps.
const LISTS: [&str; 3] = ["envelope", "delivered", "log"];
