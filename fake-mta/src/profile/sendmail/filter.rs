//! One filter: its state, and what it is told without being asked.

use milter_proto::{Command, Negotiate, Protocol};

use super::{
    filters::Question,
    log,
    macros::{bare_name, stage_list},
};
use crate::{
    link::Link,
    profile::Host,
    settings::{FailureAction, FilterSettings, LogStyle},
};

/// One filter.
pub(super) struct Filter {
    pub(super) number: usize,
    pub(super) settings: FilterSettings,
    pub(super) state: State,
    pub(super) link: Option<Link>,
    pub(super) agreed: Negotiate,
    pub(super) killed_process: bool,
}

/// What sendmail thinks a filter is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There is no connection, and none is wanted.
    Closed,
    /// Connected, between messages.
    Open,
    /// In a message.
    InMessage,
    /// Done with this message.
    Done,
    /// It asked to be skipped.
    Skip,
    /// It failed; what that means is in its settings.
    Error,
}

/// What a round of questions came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Continue,
    Accept,
    Reject,
    Tempfail,
    Discard,
    Skip,
    /// The filter's reply text as it came, `%` still doubled.
    Code(Vec<u8>),
    /// A failed filter with `F=4`.
    Shutdown,
}

impl Filter {
    pub(super) fn new(number: usize, settings: FilterSettings) -> Self {
        Self { number, settings, state: State::Closed, link: None, agreed: Negotiate::default(), killed_process: false }
    }

    /// What a failure of this filter means.
    pub(super) fn failure_verdict(&self) -> Verdict {
        if self.killed_process {
            // Nobody is left to draw conclusions.
            return Verdict::Continue;
        }
        match self.settings.on_failure {
            FailureAction::Accept | FailureAction::Quarantine => Verdict::Continue,
            FailureAction::Reject => Verdict::Reject,
            FailureAction::Tempfail => Verdict::Tempfail,
            FailureAction::Shutdown => Verdict::Shutdown,
        }
    }

    pub(super) async fn send_macros(&mut self, host: &Host, question: &Question<'_>) {
        let Some(stage) = question.stage else { return };
        let Some(names) = stage_list(host, question.release, &self.agreed, stage) else { return };
        let pairs = question.macros.pairs(&names, bare_name);
        let command = Command::Macro { for_command: question.command.code(), pairs };
        self.tell(host, &command, question.queue_id).await;
    }

    /// Sends a command that has no answer.
    pub(super) async fn tell(&mut self, host: &Host, command: &Command, queue_id: &str) {
        let limit = self.settings.timeouts.command;
        let Some(link) = self.link.as_mut() else { return };
        let sent = match link.queue(command) {
            Ok(_) => link.flush(limit).await,
            Err(error) => Err(error),
        };
        if sent.is_err() {
            self.fail(host, queue_id).await;
        }
    }

    /// The filter is not to be talked to any more in this session.
    pub(super) async fn fail(&mut self, host: &Host, queue_id: &str) {
        self.log(host, queue_id, ": to error state");
        self.hang_up().await;
        self.state = State::Error;
    }

    pub(super) async fn quit(&mut self, host: &Host, queue_id: &str) {
        if self.link.is_some() && self.state != State::Error {
            self.tell(host, &Command::Quit, queue_id).await;
            self.hang_up().await;
            self.state = State::Closed;
        }
    }

    pub(super) async fn hang_up(&mut self) {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
    }

    /// `Milter (name)text`, or `Milter text` in the old form.
    pub(super) fn log(&self, host: &Host, queue_id: &str, text: &str) {
        let line = match host.settings.log_style {
            LogStyle::Current => format!("Milter ({}){text}", self.settings.name),
            LogStyle::Old => format!("Milter{text}"),
        };
        log::write(host, queue_id, &line);
    }

    /// A `milter=name, …` line; the old form has none.
    pub(super) fn log_action(&self, host: &Host, queue_id: &str, text: &str) {
        if host.settings.log_style == LogStyle::Current {
            log::write(host, queue_id, &format!("milter={}, {text}", self.settings.name));
        }
    }

    /// Whether the filter set this flag.
    pub(super) fn declined(&self, flag: Protocol) -> bool {
        self.agreed.protocol.contains(flag)
    }

    /// Whether the filter said that it would do such things.
    pub(super) fn announced(&self, action: milter_proto::Actions) -> bool {
        self.agreed.actions.contains(action)
    }

    pub(super) fn is_open(&self) -> bool {
        self.link.is_some()
    }

    pub(super) fn killed_process(&self) -> bool {
        self.killed_process
    }

    pub(super) fn wants_refused_recipients(&self) -> bool {
        self.declined(Protocol::RCPT_REJ)
    }
}
