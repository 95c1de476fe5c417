//! What sendmail and Postfix make of the same scenario, where they part.

use std::sync::Arc;

use similar::TextDiff;

use super::UnitResult;
use crate::scenario::{Packet, ProfileKind, Session, SessionEvents, StepEvents};

/// Where the two MTAs part in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs, in a few words each: a reply, the envelope, the message.
    pub places: Vec<String>,
    /// Both forms as a unified diff. What every reply has (texts, addresses) and what no two runs share (ids, dates, the MTA's own
    /// trace) is left out.
    pub diff: String,
}

/// What comparing both MTAs' runs of a scenario comes to.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Where the MTAs part.
    pub(super) difference: Option<Difference>,
    /// Where the milter answered them differently though they had told it the same: a line for each session. What comes of that is
    /// no affair of the MTAs.
    pub(super) milter_differs: Vec<String>,
}

/// Compares a unit that was just played with its scenario's run as the other MTA; `None` if there is none. Only whole runs tell
/// anything.
pub(super) fn find(before: &[UnitResult], result: &UnitResult) -> Option<Compared> {
    let is_pair = |other: &&UnitResult| Arc::ptr_eq(&other.unit.scenario, &result.unit.scenario);
    let other = before.iter().rev().take(PROFILES_MAX).filter(is_pair).find(|other| {
        let kinds = [other.unit.profile.kind, result.unit.profile.kind];
        kinds.contains(&ProfileKind::Sendmail) && kinds.contains(&ProfileKind::Postfix)
    })?;
    let is_whole = |result: &UnitResult| result.played.fatal.is_none() && result.played.skipped.is_none();
    if !is_whole(other) || !is_whole(result) {
        return None;
    }
    let is_sendmail = result.unit.profile.kind == ProfileKind::Sendmail;
    let (sendmail, postfix) = if is_sendmail { (result, other) } else { (other, result) };
    Some(between(sendmail, postfix))
}

fn between(sendmail: &UnitResult, postfix: &UnitResult) -> Compared {
    let scenario = &sendmail.unit.scenario;
    let hostname = scenario.mta.hostname.as_ref().map_or(super::settings::DEFAULT_HOSTNAME, |name| name.as_str());
    let mut sides = Sides::default();
    let sessions = sendmail.played.sessions.iter().zip(&postfix.played.sessions);
    for (session, (one, other)) in scenario.sessions.iter().zip(sessions) {
        sides.session(session, one, other, hostname);
    }
    let Sides { sendmail, postfix, places, milter_differs } = sides;
    if places.is_empty() {
        return Compared { difference: None, milter_differs };
    }
    let diff = TextDiff::from_lines(&sendmail, &postfix);
    let diff = diff.unified_diff().context_radius(1).header("sendmail", "Postfix").to_string();
    Compared { difference: Some(Difference { places, diff }), milter_differs }
}

/// Both forms of a scenario, and where they part.
#[derive(Default)]
struct Sides {
    sendmail: String,
    postfix: String,
    places: Vec<String>,
    milter_differs: Vec<String>,
}

impl Sides {
    fn session(&mut self, session: &Session, one: &SessionEvents, other: &SessionEvents, hostname: &str) {
        let mut told = Told::default();
        for (step, (one_step, other_step)) in session.steps.iter().zip(one.steps.iter().zip(&other.steps)) {
            told.add(one_step, other_step);
            if let Some(answers) = told.answered_differently() {
                return self.milter_differs.push(format!("`C: {}`: {answers}", step.action.value));
            }
            self.both(&format!("C: {}\n", step.action.value));
            let (class, other_class) = (class(one_step), class(other_step));
            if class == other_class {
                self.both(&class.map(|class| format!("S: {class}xx\n")).unwrap_or_default());
            } else {
                self.place(format!("the reply to `C: {}`", step.action.value));
                self.sendmail += &one.without_queue_ids(&replies(one_step));
                self.postfix += &other.without_queue_ids(&replies(other_step));
            }
        }
        self.texts("the envelope", &envelope(one), &envelope(other));
        for index in 0..one.delivered.len().max(other.delivered.len()) {
            let message = |events: &SessionEvents| {
                events.delivered.get(index).map(|text| Message::read(&events.without_queue_ids(text), hostname))
            };
            let (mut one, mut other) = (message(one), message(other));
            if let (Some(one), Some(other)) = (&mut one, &mut other) {
                one.leave_out_generated(other);
                other.leave_out_generated(one);
            }
            let text = |message: Option<Message>| message.map(|message| message.text()).unwrap_or_default();
            self.texts("the delivered message", &text(one), &text(other));
        }
    }

    fn texts(&mut self, what: &str, one: &str, other: &str) {
        if one != other {
            self.place(what.to_owned());
        }
        self.sendmail += one;
        self.postfix += other;
    }

    fn both(&mut self, text: &str) {
        self.sendmail += text;
        self.postfix += text;
    }

    fn place(&mut self, place: String) {
        if !self.places.contains(&place) {
            self.places.push(place);
        }
    }
}

/// What the milters were told in both runs up to a step, and their answers.
#[derive(Default)]
struct Told {
    sendmail: Vec<String>,
    postfix: Vec<String>,
    /// So many are equal.
    same: usize,
}

impl Told {
    /// Adds another step.
    fn add(&mut self, sendmail: &StepEvents, postfix: &StepEvents) {
        self.sendmail.extend(exchange(sendmail));
        self.postfix.extend(exchange(postfix));
        let rest = self.sendmail[self.same..].iter().zip(&self.postfix[self.same..]);
        self.same += rest.take_while(|(one, other)| one == other).count();
    }

    /// The first answers in which both runs part, if the milters were told the same up to there.
    fn answered_differently(&self) -> Option<String> {
        let answer = |exchange: &[String]| {
            exchange.get(self.same).filter(|line| line.starts_with('M')).cloned().unwrap_or_default()
        };
        let (sendmail, postfix) = (answer(&self.sendmail), answer(&self.postfix));
        if sendmail.is_empty() && postfix.is_empty() {
            return None;
        }
        let same = sendmail.chars().zip(postfix.chars()).take_while(|(one, other)| one == other).count();
        let shown = |answer: &str| {
            if answer.is_empty() { "nothing at that point".to_owned() } else { format!("`{}`", around(answer, same)) }
        };
        Some(format!("{} to sendmail, {} to Postfix", shown(&sendmail), shown(&postfix)))
    }
}

/// The beginning of a long text, and what stands at a place of it, counted in characters.
fn around(text: &str, at: usize) -> String {
    let from = at.saturating_sub(BEFORE_CHARS);
    let end: String = text.chars().skip(from).take(SHOWN_CHARS).collect();
    let more = if text.chars().count() > from + SHOWN_CHARS { "…" } else { "" };
    if from <= START_CHARS {
        let start: String = text.chars().take(from).collect();
        return format!("{start}{end}{more}");
    }
    let start: String = text.chars().take(START_CHARS).collect();
    format!("{start}…{end}{more}")
}

/// What the milters were told of the mail in a step, and their answers to it as `M:` lines, in order.
fn exchange(step: &StepEvents) -> impl Iterator<Item = String> {
    let line = |packet: &Packet| {
        let (number, rest) = packet.text.split_at(packet.text.find(['>', '<'])?);
        let text = rest[1..].trim_start();
        let verb = text.split(' ').next().unwrap_or_default();
        let is_answer = rest.starts_with('<');
        let line = if is_answer { format!("M{number}: {text}") } else { packet.text.clone() };
        (!PASSED_OVER.contains(&verb)).then_some(line)
    };
    step.wire.iter().filter_map(line)
}

/// The first digit of the last reply of a step: what the client acts upon.
fn class(events: &StepEvents) -> Option<char> {
    events.replies.last()?.chars().next()
}

fn replies(events: &StepEvents) -> String {
    if events.replies.is_empty() {
        return "S: none\n".to_owned();
    }
    events.replies.iter().map(|line| format!("S: {line}\n")).collect()
}

/// One line for each address, without what an MTA adds on its own: SIZE, and the original recipient where it is the recipient. The
/// order of recipients is nobody's business.
fn envelope(events: &SessionEvents) -> String {
    let mut lines: Vec<String> =
        events.envelope.iter().map(|line| asked_for(&events.without_queue_ids(line)) + "\n").collect();
    for message in lines.chunk_by_mut(|_, next| !next.starts_with("MAIL")) {
        message[1..].sort();
    }
    lines.concat()
}

fn asked_for(line: &str) -> String {
    let address = line.split(['<', '>']).nth(1).unwrap_or_default();
    let is_own = |word: &&str| {
        let original = word.strip_prefix("ORCPT=rfc822;");
        !word.starts_with("SIZE=") && original != Some(address)
    };
    line.split(' ').filter(is_own).collect::<Vec<_>>().join(" ")
}

/// A delivered message, its header in fields.
struct Message {
    fields: Vec<String>,
    body: String,
}

impl Message {
    /// Of the MTA's own trace only the name stays, so that its place still shows.
    fn read(text: &str, hostname: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let (header, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut fields: Vec<String> = Vec::new();
        for line in header.lines() {
            match fields.last_mut() {
                Some(field) if line.starts_with([' ', '\t']) => *field += &format!("\n{line}"),
                _ => fields.push(line.to_owned()),
            }
        }
        let own = fields.iter().position(|field| is_own_trace(field, hostname));
        if let Some(field) = own.and_then(|own| fields.get_mut(own)) {
            *field = "Received: (of this MTA)".to_owned();
        }
        Self { fields, body: body.to_owned() }
    }

    /// Fields that an MTA makes up for a message that has none are the MTA's affair: sendmail does, Postfix does not.
    fn leave_out_generated(&mut self, other: &Self) {
        let is_generated = |field: &String| GENERATED.contains(&name(field).as_str()) && !other.has(&name(field));
        self.fields.retain(|field| !is_generated(field));
    }

    fn has(&self, wanted: &str) -> bool {
        self.fields.iter().any(|field| name(field) == wanted)
    }

    /// With `|` before its lines.
    fn text(&self) -> String {
        let text = format!("{}\n\n{}", self.fields.join("\n"), self.body);
        text.lines().map(|line| format!("| {line}\n")).collect()
    }
}

/// The name of a field in lower case.
fn name(field: &str) -> String {
    field.split_once(':').map_or(field, |(name, _)| name).to_ascii_lowercase()
}

fn is_own_trace(field: &str, hostname: &str) -> bool {
    name(field) == "received" && field.split_ascii_whitespace().any(|word| word == hostname)
}

/// What each MTA sends when, and as, it sees fit; and answers that say no more than that the mail may go on.
const PASSED_OVER: [&str; 7] = ["negotiate", "macro", "abort", "quit", "[close]", "continue", "progress"];

/// So much is shown of where an answer begins, of what stands before a place in it, and from there on.
const START_CHARS: usize = 30;
const BEFORE_CHARS: usize = 10;
const SHOWN_CHARS: usize = 40;

/// What sendmail makes up.
const GENERATED: [&str; 3] = ["date", "from", "message-id"];

/// A scenario's runs stand side by side, one for each profile.
const PROFILES_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(replies: &[&str]) -> Vec<StepEvents> {
        let step = |line: &&str| StepEvents { replies: vec![(*line).to_owned()], ..StepEvents::default() };
        replies.iter().map(step).collect()
    }

    fn sides(one: &SessionEvents, other: &SessionEvents) -> Sides {
        let text = "name = 'a'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\nC: MAIL FROM:<a@b>\n'''\n";
        let scenario = crate::scenario::parse(&crate::diag::Source::new("a.toml", text)).expect("it can be read");
        let mut sides = Sides::default();
        sides.session(&scenario[0].sessions[0], one, other, "mx.example.com");
        sides
    }

    #[test]
    fn replies_differ_by_their_class_alone() {
        let session = |reply| SessionEvents { steps: steps(&["220 hello", reply]), ..SessionEvents::default() };
        let sendmail = session("554 5.7.1 <a@b>... no");
        assert_eq!(sides(&sendmail, &session("550 5.7.1 no")).places, [""; 0]);
        let differ = sides(&sendmail, &session("451 4.3.5 broken"));
        assert_eq!(differ.places, ["the reply to `C: MAIL FROM:<a@b>`"]);
        assert!(differ.sendmail.ends_with("S: 554 5.7.1 <a@b>... no\n"), "{}", differ.sendmail);
    }

    /// A session in which the milter was told this and answered that, and what came of it.
    fn asked(told: &[&str], answer: &str, reply: &str, delivered: &str) -> SessionEvents {
        let packet = |text: &&str| Packet { text: (*text).to_owned(), hex: String::new() };
        let mut steps = steps(&["220 hello", reply]);
        steps[1].wire = told.iter().chain(&["< continue", &format!("< {answer}")]).map(packet).collect();
        SessionEvents { steps, delivered: vec![delivered.to_owned()], ..SessionEvents::default() }
    }

    #[test]
    fn queue_ids_are_no_difference() {
        let session = |id: &str, reply: &str| {
            let mut session = asked(&["> mail <a@b>"], "addheader X: [qid]", reply, &format!("X: {id}\n\n{id}\n"));
            session.envelope = vec![format!("MAIL FROM:<{id}@b>")];
            session.queue_ids = [(id.to_owned(), "[qid]".to_owned())].into();
            session
        };
        let sendmail = session("i71C0001004242", "250 i71C0001004242");
        assert_eq!(sides(&sendmail, &session("41EEF9B1093", "250 41EEF9B1093")).places, [""; 0]);
        let differ = sides(&sendmail, &session("41EEF9B1093", "451 41EEF9B1093"));
        assert_eq!(differ.places, ["the reply to `C: MAIL FROM:<a@b>`"]);
        assert!(differ.sendmail.contains("S: 250 [qid]\n") && differ.postfix.contains("S: 451 [qid]\n"));
    }

    #[test]
    fn what_the_milter_answers_differently_is_no_difference_of_the_mtas() {
        let sendmail = asked(&["> macro M i=1", "> mail <a@b>"], "addheader X: 1", "250 ok", "X: 1\n\nhi\n");
        let postfix = asked(&["> mail <a@b>", "> abort"], "addheader X: 2", "250 ok", "X: 2\n\nhi\n");
        let found = sides(&sendmail, &postfix);
        assert_eq!(found.places, [""; 0]);
        let told = "`C: MAIL FROM:<a@b>`: `M: addheader X: 1` to sendmail, `M: addheader X: 2` to Postfix";
        assert_eq!(found.milter_differs, [told]);
        let silent = sides(&sendmail, &asked(&["> mail <a@b>"], "continue", "250 ok", "hi\n"));
        assert!(
            silent.milter_differs[0].ends_with("`M: addheader X: 1` to sendmail, nothing at that point to Postfix")
        );
        // What it is told behind a verdict comes of the verdict.
        let refused = asked(&["> mail <a@b>"], "tempfail", "451 later", "");
        let told_more = asked(&["> mail <a@b>", "> rcpt <c@d>"], "accept", "250 ok", "hi\n");
        let refused = sides(&refused, &told_more);
        assert_eq!(
            refused.milter_differs,
            ["`C: MAIL FROM:<a@b>`: `M: tempfail` to sendmail, nothing at that point to Postfix"]
        );
    }

    #[test]
    fn of_long_answers_the_place_where_they_part_is_shown() {
        let text = "M: addheader X: ".to_owned() + &"0123456789".repeat(9);
        assert_eq!(around("M: reject", 3), "M: reject");
        assert_eq!(around(&text, 30), "M: addheader X: 01234567890123456789012345678901234567890123…");
        assert_eq!(around(&text, 86), "M: addheader X: 01234567890123…012345678901234567890123456789");
    }

    #[test]
    fn what_the_milter_is_told_differently_is_one() {
        let sendmail = asked(&["> mail <a@b>", "2> mail <a@b>"], "reject", "550 no", "hi\n");
        let postfix = asked(&["> mail <a@b>", "2> mail <a@b> SIZE=1"], "accept", "250 ok", "hi\n");
        let found = sides(&sendmail, &postfix);
        assert_eq!((found.places.len(), found.milter_differs.len()), (1, 0));
    }

    #[test]
    fn the_own_trace_differs_by_its_place_alone() {
        let session = |text: &str| SessionEvents { delivered: vec![text.to_owned()], ..SessionEvents::default() };
        let sendmail = session("Received: from x (y)\r\n\tby mx.example.com (8.17); then\r\nX-A: b\r\n\r\nhi\r\n");
        let postfix = session("Received: from x by mx.example.com (Postfix); now\nX-A: b\n\nhi\n");
        assert_eq!(sides(&sendmail, &postfix).places, [""; 0]);
        let moved = session("X-A: b\nReceived: from x by mx.example.com (Postfix); now\n\nhi\n");
        assert_eq!(sides(&sendmail, &moved).places, ["the delivered message"]);
        let generated = session("Received: from x by mx.example.com (8.17); now\nDate: now\nX-A: b\n\nhi\n");
        assert_eq!(sides(&generated, &postfix).places, [""; 0]);
        assert_eq!(sides(&sendmail, &SessionEvents::default()).places, ["the delivered message"]);
    }

    #[test]
    fn recipients_have_no_order_and_sizes_no_say() {
        let session = |lines: &[&str]| {
            let envelope = lines.iter().map(|line| (*line).to_owned()).collect();
            SessionEvents { envelope, ..SessionEvents::default() }
        };
        let one = session(&["MAIL FROM:<a@b> SIZE=1", "RCPT TO:<c@d> ORCPT=rfc822;c@d", "RCPT TO:<a@d>"]);
        assert_eq!(sides(&one, &session(&["MAIL FROM:<a@b>", "RCPT TO:<a@d>", "RCPT TO:<c@d>"])).places, [""; 0]);
        assert_eq!(sides(&one, &session(&["MAIL FROM:<a@b>", "RCPT TO:<a@d>"])).places, ["the envelope"]);
    }
}
