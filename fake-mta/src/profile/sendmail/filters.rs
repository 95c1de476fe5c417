//! The filters of one SMTP session, as sendmail keeps them.

use milter_proto::{Command, MacroStage, limits::BODY_CHUNK_MAX};

use super::{
    filter::{Filter, State, Verdict},
    macros::MacroTable,
    release::Release,
};
use crate::profile::Host;

/// All filters of a session, in the order of the configuration.
#[derive(Default)]
pub(super) struct Filters {
    pub(super) filters: Vec<Filter>,
}

/// One question to the filters.
pub(super) struct Question<'a> {
    pub(super) command: Command,
    /// The stage whose macros go before the command.
    pub(super) stage: Option<MacroStage>,
    /// The word for it in the log.
    pub(super) action: &'static str,
    pub(super) macros: &'a MacroTable,
    pub(super) queue_id: &'a str,
    pub(super) release: &'static Release,
}

impl Question<'_> {
    /// Where sendmail is, in its own words, when a filter fails: those of a message's body are not those for its answers.
    pub(super) fn place(&self) -> &'static str {
        match &self.command {
            Command::Body(chunk) if chunk.len() < BODY_CHUNK_MAX => "last body chunk",
            Command::Body(_) => "body chunk",
            _ => self.action,
        }
    }
}

impl Filters {
    /// Connects to and negotiates with every filter, and says what those that failed under `F=R`, `F=T` or `F=4` have come to:
    /// the last of them decides, and the others are let go again.
    pub(super) async fn init(&mut self, host: &Host, release: &'static Release, queue_id: &str) -> Verdict {
        let mut verdict = Verdict::Continue;
        for (number, settings) in host.settings.filters.iter().enumerate() {
            let mut filter = Filter::new(number, settings.clone());
            if !filter.open(host, release, queue_id).await && filter.failure_verdict() != Verdict::Continue {
                verdict = filter.failure_verdict();
            }
            self.filters.push(filter);
        }
        if verdict != Verdict::Continue {
            self.quit(host, queue_id).await;
        }
        verdict
    }

    /// Whether there is any filter to talk to.
    pub(super) fn is_any_open(&self) -> bool {
        self.filters.iter().any(Filter::is_open)
    }

    /// A packet was so broken that the MTA's process has died of it.
    pub(super) fn is_process_dead(&self) -> bool {
        self.filters.iter().any(Filter::killed_process)
    }

    /// Whether some filter wants to see the recipients that the MTA refuses.
    pub(super) fn want_refused_recipients(&self) -> bool {
        self.filters.iter().any(Filter::wants_refused_recipients)
    }

    /// Asks every filter in turn until one does not say continue.
    pub(super) async fn ask(&mut self, host: &Host, question: &Question<'_>) -> Verdict {
        for filter in &mut self.filters {
            let verdict = match filter.state {
                State::Error => filter.failure_verdict(),
                State::Open | State::InMessage => filter.ask(host, question).await,
                State::Closed | State::Done | State::Skip => Verdict::Continue,
            };
            if verdict != Verdict::Continue {
                return verdict;
            }
        }
        Verdict::Continue
    }

    /// Sends the macros of a stage without the command they belong to.
    pub(super) async fn send_macros_only(&mut self, host: &Host, question: &Question<'_>) {
        for filter in &mut self.filters {
            if matches!(filter.state, State::Open | State::InMessage) {
                filter.send_macros(host, question).await;
            }
        }
    }

    /// A new message begins: who was in a message is told to forget it.
    pub(super) async fn begin_message(&mut self, host: &Host, queue_id: &str) {
        self.abort(host, queue_id).await;
        for filter in &mut self.filters {
            if filter.state == State::Done {
                filter.state = State::Open;
            }
        }
    }

    /// The message is given up: the filters that are still in it are told.
    pub(super) async fn abort(&mut self, host: &Host, queue_id: &str) {
        for filter in &mut self.filters {
            if filter.state == State::InMessage {
                filter.log(host, queue_id, ": abort filter");
                filter.tell(host, &Command::Abort, queue_id).await;
                if filter.state == State::InMessage {
                    filter.state = State::Done;
                }
            }
        }
    }

    /// The session ends: every filter gets QUIT and is hung up on.
    pub(super) async fn quit(&mut self, host: &Host, queue_id: &str) {
        for filter in &mut self.filters {
            filter.quit(host, queue_id).await;
        }
    }

    /// The process ends without a word.
    pub(super) async fn hang_up(&mut self) {
        for filter in &mut self.filters {
            filter.hang_up().await;
        }
    }
}
