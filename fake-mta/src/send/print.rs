//! What is shown of a message that was sent.

use similar::TextDiff;

use super::dialogue::{Outcome, Verdict};
use crate::{
    diag::escape,
    journal::Event,
    report::text::put,
    run::{Console, Transcript, envelope_lines},
};

/// The whole session.
pub(super) fn transcript(outcome: &Outcome) -> String {
    format!("{}\n\n{}\n", outcome.personality.name(), outcome.steps.iter().map(|step| lines(step)).collect::<String>())
}

/// What happened in one step. The message itself is shown later.
pub(super) fn lines(step: &[Event]) -> String {
    let mut transcript = Transcript::default();
    for event in step.iter().filter(|event| !matches!(event, Event::Delivered(_))) {
        transcript.event(event);
    }
    transcript.text().trim_start_matches('\n').to_owned()
}

/// What became of it, in a line.
pub(super) fn verdict(outcome: &Outcome) -> String {
    let text = match &outcome.verdict {
        Verdict::Taken => "delivered".to_owned(),
        Verdict::Held(reason) if reason.is_empty() => "held in quarantine".to_owned(),
        Verdict::Held(reason) => format!("held: {reason}"),
        Verdict::Discarded => "discarded: the client was told that it was taken".to_owned(),
        Verdict::Refused(reply) => format!("refused: {reply}"),
        Verdict::Failed(_, problem) => format!("the milter failed: {problem}"),
    };
    format!("{}: {}\n", outcome.personality.name(), escape(&text))
}

/// Envelope and message as they left the MTA; nothing if they did not.
pub(super) fn message(outcome: &Outcome) -> String {
    let text = whole(outcome);
    if text.is_empty() { text } else { format!("\n{}", shown(&text)) }
}

/// What the milter changed.
pub(super) fn changes(without: &Outcome, with: &Outcome) -> String {
    if with.delivered.is_none() {
        return String::new();
    }
    let title = format!("{} without the milter", with.personality.name());
    match diff(&whole(without), &whole(with), &title, "with it") {
        Some(diff) => format!("\n{diff}"),
        None => "the milter changed nothing\n".to_owned(),
    }
}

/// In what the message of one MTA differs from that of the other.
pub(super) fn between(first: &Outcome, second: &Outcome) -> String {
    diff(&whole(first), &whole(second), first.personality.name(), second.personality.name())
        .map_or_else(|| "\nthe other is the same\n".to_owned(), |diff| format!("\n{diff}"))
}

/// The messages alone, as they are.
pub(super) fn raw(outcomes: &[Outcome], console: &mut Console) {
    for delivered in outcomes.iter().filter_map(|outcome| outcome.delivered.as_ref()) {
        console.raw(&delivered.message);
    }
    for outcome in outcomes.iter().filter(|outcome| outcome.delivered.is_none()) {
        console.message(&verdict(outcome));
    }
}

fn whole(outcome: &Outcome) -> String {
    let Some(delivered) = &outcome.delivered else { return String::new() };
    let envelope: String = envelope_lines(delivered).iter().map(|line| format!("{line}\n")).collect();
    format!("{envelope}\n{}", String::from_utf8_lossy(&delivered.message))
}

fn diff(old: &str, new: &str, old_title: &str, new_title: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let diff = TextDiff::from_lines(old, new);
    Some(shown(&diff.unified_diff().context_radius(2).header(old_title, new_title).to_string()))
}

/// The text of a message on a terminal: tabs stay, what a terminal would act on does not.
fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let parts: Vec<_> = line.split('\t').map(escape).collect();
        put(&mut out, format_args!("{}\n", parts.join("\t")));
    }
    out
}
