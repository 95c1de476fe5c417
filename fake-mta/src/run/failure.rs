//! A milter that fails in a step: what counts as that, and which of the step's lines speak of it.

use super::{Fatal, FatalKind};
use crate::{
    journal::{Channel, Event, LinkFailure},
    lint::Finding,
    scenario::{Action, Line, LineKind, ProfileName, Step},
};

/// What happened in a step, each event with what is wrong with it.
pub(super) type Heard = [(Event, Vec<Finding>)];

/// The first failure of a milter of which no line of the step speaks: it ends the unit.
///
/// A milter fails if it is not there, goes away, does not answer, or is given up for what it sent; what the MTA puts up with is
/// only a warning. A `W:` line speaks of it that names it, and `M: close` of a connection that the milter has closed. All other
/// `M:` lines say what a milter answers that has not failed, `M: none` too: it also stands where no answer is due.
pub(super) fn unspoken(step: &Step, profile: &ProfileName, heard: &Heard) -> Option<Fatal> {
    (0..heard.len()).find_map(|index| {
        let (channel, fatal) = failure(step, &heard[index..])?;
        let is_closed = matches!(heard[index].0, Event::LinkFailed(_, LinkFailure::Closed, _));
        let names = names(&heard[..=index], channel);
        let speaks = |line: &Line| match line.kind {
            LineKind::Warning => names.iter().any(|finding| line.fits(finding.lint.id())),
            kind => is_closed && kind == answers_of(channel) && line.text == "close",
        };
        (!step.expected(profile).any(speaks)).then_some(fatal)
    })
}

/// Whose failure the first of these events is, if it is one.
fn failure(step: &Step, heard: &Heard) -> Option<(Channel, Fatal)> {
    let ((event, _), later) = heard.split_first()?;
    let what = describe(&step.action.value);
    let (channel, kind, text) = match event {
        Event::LinkFailed(channel, LinkFailure::Timeout, problem) => {
            (channel, FatalKind::Timeout, format!("the milter never answered to {what}: {problem}"))
        }
        Event::LinkFailed(channel, LinkFailure::Garbage, problem) => {
            (channel, FatalKind::Milter, format!("the milter broke the protocol at {what}: {problem}"))
        }
        Event::Violation(channel, problem) if Event::is_given_up(*channel, later.iter().map(|(event, _)| event)) => {
            (channel, FatalKind::Milter, format!("the milter broke the protocol at {what}: {problem}"))
        }
        Event::LinkFailed(channel, _, problem) => {
            (channel, FatalKind::Milter, format!("the milter was lost at {what}: {problem}"))
        }
        _ => return None,
    };
    Some((*channel, Fatal::new(kind, text)))
}

/// The warnings that name the failure at the end of `heard`: the last ones since the MTA has sent something.
fn names(heard: &Heard, channel: Channel) -> &[Finding] {
    let of_channel = heard.iter().rev().filter(|(event, _)| event.channel() == Some(channel));
    let mut answers = of_channel.take_while(|(event, _)| !matches!(event, Event::Sent(..)));
    answers.find(|(_, found)| !found.is_empty()).map_or(&[], |(_, found)| found)
}

/// The letter of the lines for what this milter answers.
pub(super) fn answers_of(channel: Channel) -> LineKind {
    match u8::try_from(channel.filter) {
        Ok(0) | Err(_) => LineKind::Milter,
        Ok(number) => LineKind::MilterOf(number.saturating_add(1)),
    }
}

/// A step in a sentence.
pub(super) fn describe(action: &Action) -> String {
    match action {
        Action::Connect => "connect".to_owned(),
        Action::Smtp(_) | Action::Message(_) | Action::Close => format!("`C: {action}`"),
        _ => "this step".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use milter_proto::Command;

    use super::*;
    use crate::{
        diag::Source,
        lint::Linter,
        run::{MilterAddr, Played, play_unit},
        scenario::{self, Unit},
    };

    const SECOND: Channel = Channel { filter: 1, connection: 0 };

    /// A unit with two milters that plays as Postfix and waits long, with these lines for the connection.
    fn unit(lines: &str) -> Unit {
        let text = format!(
            "name = 'a'\nmta = {{ profile = 'postfix', timeouts = {{ command = '5m' }} }}\n[[milter]]\n[[milter]]\n\
             [[session]]\nclient = '192.0.2.1'\ndialogue = '''\n{lines}\nC: QUIT\n'''\n"
        );
        scenario::units(&scenario::parse(&Source::new("a.toml", text)).expect("it can be read")).remove(0)
    }

    /// What ends the unit if the second milter fails in this way at the connection.
    fn ended_by(lines: &str, failure: LinkFailure) -> Option<FatalKind> {
        let unit = unit(lines);
        let mut linter = Linter::default();
        let sent = Event::Sent(SECOND, Command::Helo(b"x".to_vec()));
        let heard = [sent, Event::LinkFailed(SECOND, failure, String::new())].map(|event| {
            let found = linter.observe(&event);
            (event, found)
        });
        unspoken(&unit.scenario.sessions[0].steps[0], &unit.profile, &heard).map(|fatal| fatal.kind)
    }

    #[test]
    fn a_failure_is_spoken_of_by_its_name_alone() {
        use LinkFailure::{Closed, Garbage, Refused, Timeout};
        for (lines, failure) in [
            ("W: reply-missing", Timeout),
            ("W: header-name\nW: reply-missing", Timeout),
            ("W: connection-lost", Closed),
            ("M2: close", Closed),
            ("W: packet-length", Garbage),
        ] {
            assert_eq!(ended_by(lines, failure), None, "{lines}");
        }
        for (lines, failure, kind) in [
            ("M2: continue\nS: 220 [..]", Timeout, FatalKind::Timeout),
            ("M2: none", Timeout, FatalKind::Timeout),
            ("M2: reject", Closed, FatalKind::Milter),
            ("M: close", Closed, FatalKind::Milter),
            ("W: none", Closed, FatalKind::Milter),
            ("W: reply-missing", Closed, FatalKind::Milter),
            ("W[sendmail]: packet-length", Garbage, FatalKind::Milter),
            ("M2: close\nW: connection-lost", Refused, FatalKind::Milter),
        ] {
            assert_eq!(ended_by(lines, failure), Some(kind), "{lines}");
        }
    }

    /// What comes of a milter that takes connections and never says anything.
    async fn without_an_answer(lines: &str) -> Played {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("m.sock");
        let _listener = UnixListener::bind(&path).expect("a socket");
        play_unit(&unit(lines), &MilterAddr::Unix(path)).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_due_when_a_step_is_over_its_limit_is_missing() {
        let played = without_an_answer("M: continue").await;
        let told = played.fatal.map(|fatal| fatal.text).unwrap_or_default();
        assert_eq!(told, "the milter never answered to connect: no answer within 60s, the limit of a step");
        assert_eq!(played.sessions[0].steps[0].warning_names(), ["reply-missing"]);

        let played = without_an_answer("W: reply-missing").await;
        let told = played.fatal.map(|fatal| fatal.text).unwrap_or_default();
        assert_eq!(told, "connect was not done within 60s, the limit of a step", "it cannot go on");
    }
}
