//! A question to one filter, and what its answer means.

use std::time::Duration;

use milter_proto::{
    Command,
    mta::{Due, Received},
};
use tokio::time::Instant;

use super::{
    filter::{Filter, State, Verdict},
    filters::Question,
    log, reply_text,
};
use crate::{
    link::LinkError,
    profile::{Host, is_content, printable},
};

impl Filter {
    /// Sends macros and command, and reads the answer if one is due.
    pub(super) async fn ask(&mut self, host: &Host, question: &Question<'_>) -> Verdict {
        self.send_macros(host, question).await;
        if self.state == State::Error {
            return self.failure_verdict();
        }
        match self.exchange(host, question).await {
            Ok(Some(received)) => self.judge(host, question, received.frame.code, &received.frame.payload).await,
            Ok(None) => {
                self.enter_message(&question.command);
                Verdict::Continue
            }
            Err(()) => self.failure_verdict(),
        }
    }

    /// Sends the command and reads one packet, if one is due; a failure is dealt with.
    pub(super) async fn exchange(&mut self, host: &Host, question: &Question<'_>) -> Result<Option<Received>, ()> {
        let limit = self.settings.timeouts.command;
        if self.is_too_large(host, question).await {
            return Err(());
        }
        let Some(link) = self.link.as_mut() else { return Ok(None) };
        let sent = match link.queue(&question.command) {
            Ok(due) => link.flush(limit).await.map(|()| due),
            Err(error) => Err(error),
        };
        match sent {
            Ok(Due::Reply) => self.receive(host, question).await.map(Some),
            Ok(Due::Nothing | Due::Suppressed) => Ok(None),
            Err(error) => {
                self.lose(host, question, &error).await;
                Err(())
            }
        }
    }

    /// A packet that sendmail does not send: it gives the filter up instead.
    async fn is_too_large(&mut self, host: &Host, question: &Question<'_>) -> bool {
        let mut packet = Vec::new();
        question.command.encode(&mut packet);
        // Length word and code are not counted.
        let length = packet.len() - 5;
        if length <= question.release.milter_payload_max || self.link.is_none() {
            return false;
        }
        let line = format!("milter_write({}): length {length} out of range", self.settings.name);
        host.log(log::PROGRAM, Some(question.queue_id), &line);
        self.fail(host, question.queue_id).await;
        true
    }

    /// Reads one packet; a failure is dealt with.
    pub(super) async fn receive(&mut self, host: &Host, question: &Question<'_>) -> Result<Received, ()> {
        let limit = self.settings.timeouts.command;
        let began = Instant::now();
        let Some(link) = self.link.as_mut() else { return Err(()) };
        match link.receive(limit).await {
            // sendmail counts the ticks of the second: an answer in the last second before the limit may come too late, and
            // is taken for late here.
            Ok(_) if has_run_out(began, limit) => {
                let (name, place) = (&self.settings.name, question.place());
                let line = format!("Milter read({name}): timeout before data read, where={place}");
                host.log(log::PROGRAM, Some(question.queue_id), &line);
                self.fail(host, question.queue_id).await;
                Err(())
            }
            Ok(received) => Ok(received),
            Err(error) => {
                self.lose(host, question, &error).await;
                Err(())
            }
        }
    }

    async fn lose(&mut self, host: &Host, question: &Question<'_>, error: &LinkError) {
        if matches!(error, LinkError::Frame(_)) {
            self.killed_process = true;
            self.hang_up().await;
            return;
        }
        let line = log::read_failure(&self.settings.name, question.place(), error);
        host.log(log::PROGRAM, Some(question.queue_id), &line);
        self.fail(host, question.queue_id).await;
    }

    async fn judge(&mut self, host: &Host, question: &Question<'_>, code: u8, payload: &[u8]) -> Verdict {
        let (verdict, said) = match code {
            b'y' => reply_code(payload, default_response(&question.command)),
            b'r' => (Verdict::Reject, "reject".to_owned()),
            b'd' => (Verdict::Discard, "discard".to_owned()),
            b't' => (Verdict::Tempfail, "tempfail".to_owned()),
            b'a' => (Verdict::Accept, "accepted".to_owned()),
            b's' => (Verdict::Skip, "skip".to_owned()),
            b'c' => (Verdict::Continue, "continue".to_owned()),
            _ => {
                let (name, action) = (&self.settings.name, question.action);
                let shown = printable(&[code]);
                let line = format!("milter_send_command({name}): action={action} returned bogus response {shown}");
                host.log(log::PROGRAM, Some(question.queue_id), &line);
                self.fail(host, question.queue_id).await;
                return self.bogus_verdict(question);
            }
        };
        self.log_action(host, question.queue_id, &format!("action={}, {said}", question.action));
        self.settle(host, question, verdict).await
    }

    /// What sendmail does with an answer it does not know. A command succeeds, and only the next one meets the error; content
    /// stages look at the filter's state again at once.
    fn bogus_verdict(&self, question: &Question<'_>) -> Verdict {
        match question.command {
            Command::Header { .. } | Command::Eoh | Command::Body(_) => self.failure_verdict(),
            _ => Verdict::Continue,
        }
    }

    /// Moves the filter's state as the verdict says, and turns what concerns this filter alone into continue.
    async fn settle(&mut self, host: &Host, question: &Question<'_>, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::Continue => self.enter_message(&question.command),
            Verdict::Accept if matches!(question.command, Command::Connect { .. } | Command::Helo(_)) => {
                self.quit(host, question.queue_id).await;
            }
            Verdict::Accept => self.state = State::Done,
            Verdict::Skip if !is_content(&question.command) => self.state = State::Skip,
            other => return other,
        }
        Verdict::Continue
    }

    fn enter_message(&mut self, command: &Command) {
        if matches!(command, Command::Mail { .. }) {
            self.state = State::InMessage;
        }
    }
}

/// Whether sendmail, which counts the ticks of the second, may find that the time is over: one second too early.
pub(super) fn has_run_out(since: Instant, limit: Duration) -> bool {
    let elapsed = since.elapsed();
    if limit < TICKS_COUNT_FROM {
        return elapsed >= limit;
    }
    let begun = elapsed.as_secs() + u64::from(elapsed.subsec_nanos() > 0);
    Duration::from_secs(begun) >= limit
}

/// Below this limit a tick more or less would leave no time at all.
const TICKS_COUNT_FROM: Duration = Duration::from_secs(2);

/// A reply text that does not look like an SMTP reply gives way to the stage's own one.
pub(super) fn reply_code(payload: &[u8], default: &str) -> (Verdict, String) {
    let text = reply_text::check(payload).unwrap_or(default.as_bytes());
    (Verdict::Code(text.to_vec()), format!("reject={}", printable(text)))
}

/// The text for a reply text that is none.
fn default_response(command: &Command) -> &'static str {
    match command {
        Command::Connect { .. } => "554 Command rejected",
        Command::Helo(_) => "550 Command rejected",
        Command::Body(_) | Command::BodyEob(_) => "554 5.7.1 Command rejected",
        _ => "550 5.7.1 Command rejected",
    }
}
