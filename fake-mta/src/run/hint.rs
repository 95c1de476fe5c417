//! What may lie behind a failure, where only its signs can be seen.

use super::{Played, WorldOptions, netns};
use crate::{
    diag::Diag,
    scenario::{Line, LineKind, Mismatch, Subject, Unit},
    suite::names_dns,
};

/// A failed run in which something should have been asked of the DNS server and nothing was, while nothing tells the milter where that
/// server is.
pub(super) fn asked_nothing(
    unit: &Unit,
    mismatches: &[Mismatch],
    played: &Played,
    options: &WorldOptions,
) -> Option<Diag> {
    let suite = options.suite.as_ref().filter(|_| options.running.is_empty() && options.dns.is_none())?;
    let is_silent = played.journal.is_empty() && !played.sessions.is_empty();
    let wants_dns = expects_questions(unit) || (!unit.scenario.dns.zones.is_empty() && is_missed(mismatches));
    if !is_silent || !wants_dns || netns::is_inside() || suite.names_dns() || is_told(unit) {
        return None;
    }
    let diag = Diag::warning("the milter has asked the DNS server nothing, and nothing tells it where that is");
    let diag = suite.command.first().into_iter().fold(diag, |diag, word| diag.label(word.span(), ""));
    Some(diag.help(
        "if it asks the servers of /etc/resolv.conf, `netns = true` in fake-mta.toml gives it one that names the right server; else hand it \
         `{dns}`, in its command or a file that it reads",
    ))
}

/// Whether an answer of the milter did not come that says more than that the mail may go on. It may be what the zone is there for.
fn is_missed(mismatches: &[Mismatch]) -> bool {
    let is_answer = |subject| {
        matches!(
            subject,
            Subject::Line(LineKind::Milter | LineKind::MilterOf(_)) | Subject::SpfResult | Subject::Explanation
        )
    };
    let is_said = |expected: &str| !matches!(expected, "continue" | "none");
    mismatches.iter().any(|one| is_answer(one.subject) && one.expected.as_deref().is_some_and(is_said))
}

/// Whether a question is expected.
fn expects_questions(unit: &Unit) -> bool {
    let Unit { scenario, profile } = unit;
    let mut steps = scenario.sessions.iter().flat_map(|session| &session.steps);
    scenario.dns.expect.as_ref().is_some_and(|expected| !expected.is_empty())
        || steps.any(|step| step.expected(profile).any(Line::is_question))
}

/// Whether the scenario hands the address to a milter of its own accord.
fn is_told(unit: &Unit) -> bool {
    let sections = [&unit.scenario.milter].into_iter().chain(&unit.scenario.more_milters);
    sections.into_iter().any(|section| {
        let config = section.config.iter().map(ToString::to_string);
        let words = section.args.iter().chain(section.env.values()).map(|word| word.value.clone());
        config.chain(words).any(|text| names_dns(&text))
    })
}
