//! The filters of one SMTP session.

use milter_proto::{Command, MacroStage};

use super::{
    filter::{Answer, Filter},
    macros::MacroTable,
    release::Release,
};
use crate::{profile::Host, settings::FilterSettings};

/// All filters of a session, in the order of the configuration.
#[derive(Default)]
pub(super) struct Filters {
    pub(super) filters: Vec<Filter>,
}

/// One event for the filters.
pub(super) struct Event<'a> {
    pub(super) command: Command,
    /// The stage whose macro list goes with it; `None` is the list for unknown commands.
    pub(super) stage: Option<MacroStage>,
    pub(super) macros: &'a MacroTable,
    pub(super) release: &'static Release,
    /// The program that asks, for the log.
    pub(super) program: &'static str,
}

impl Filters {
    pub(super) fn new(settings: &[FilterSettings]) -> Self {
        let filters = settings.iter().enumerate().map(|(number, settings)| Filter::new(number, settings.clone()));
        Self { filters: filters.collect() }
    }

    /// Connects to each filter and reports the client to it before the next one is connected to.
    pub(super) async fn connect(&mut self, host: &Host, event: &Event<'_>) -> Option<Answer> {
        for filter in &mut self.filters {
            filter.open(host, event).await;
            if let Some(answer) = filter.event(host, event, None).await {
                return Some(answer);
            }
        }
        None
    }

    /// Asks every filter in turn until one does not say go on.
    pub(super) async fn event(&mut self, host: &Host, event: &Event<'_>) -> Option<Answer> {
        for filter in &mut self.filters {
            if let Some(answer) = filter.event(host, event, None).await {
                return Some(answer);
            }
        }
        None
    }

    /// Shows a recipient that Postfix refused to those that want to see it; what they say of it does not matter.
    pub(super) async fn refused_recipient(&mut self, host: &Host, event: &Event<'_>) {
        for filter in self.filters.iter_mut().filter(|filter| filter.wants_refused_recipients()) {
            filter.event(host, event, None).await;
        }
    }

    /// The reply that an earlier refusal, or a failure, has for commands that no filter is asked about.
    pub(super) fn standing_reply(&self) -> Option<&[u8]> {
        self.filters.iter().find_map(Filter::standing).and_then(|answer| match answer {
            Answer::Reply(reply) => Some(&reply[..]),
            Answer::Hold | Answer::Discard | Answer::Shutdown => None,
        })
    }

    /// The message, or the HELO name, is forgotten.
    pub(super) fn abort(&mut self) {
        self.filters.iter_mut().for_each(Filter::abort);
    }

    /// The session ends.
    pub(super) async fn disconnect(&mut self) {
        for filter in &mut self.filters {
            filter.disconnect().await;
        }
    }
}
