//! What the connections of a server share, and how far it has come.

use std::{io, sync::Arc, time::Duration};

use milter_proto::ProtocolError;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::sleep,
};

use crate::{
    ServerOptions,
    counts::{Counts, Held},
    turn_away::TurnAway,
};

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The MTA broke the protocol, or the two could not agree on one.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The MTA hung up in the middle of a packet.
    #[error("the MTA closed the connection after {partial} bytes of a packet")]
    Eof {
        /// How many bytes of it had come.
        partial: usize,
    },
    /// The MTA sent nothing for too long.
    #[error("nothing came from the MTA for {0:?}")]
    Idle(Duration),
    /// The MTA did not take an answer.
    #[error("the MTA took no answer for {0:?}")]
    Write(Duration),
    /// A packet could be written only in part.
    #[error("a packet could be written only in part")]
    Torn,
    /// The connection is broken.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server stops.
    #[error("the server stops")]
    Stopped,
    /// There is no filter: making it panicked.
    #[error("the filter could not be made")]
    NoFilter,
}

/// What all connections of a server share.
pub(crate) struct Shared<M> {
    pub(crate) factory: M,
    pub(crate) options: ServerOptions,
    messages: Arc<Semaphore>,
}

impl<M> Shared<M> {
    pub(crate) fn new(factory: M, options: ServerOptions) -> Self {
        let messages = Arc::new(Semaphore::new(options.messages_max.min(Semaphore::MAX_PERMITS)));
        Self { factory, options, messages }
    }

    /// A place for a message; none if there are too many.
    pub(crate) fn begin_message(&self) -> Option<InFlight> {
        let permit = self.messages.clone().try_acquire_owned().ok()?;
        Some(InFlight { _permit: permit, _held: self.counts().messages_open.hold() })
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.options.monitor.counts
    }

    /// The same for connections that have no filter.
    pub(crate) fn turned_away(&self) -> Shared<impl Fn() -> TurnAway + Send + Sync + use<M>> {
        let word = self.options.over_limit.clone();
        let options = self.options.clone();
        let options = ServerOptions { idle_timeout: options.idle_timeout.min(TURNED_AWAY_IDLE), ..options };
        Shared::new(move || TurnAway(word.clone()), options)
    }
}

/// A message under way: it takes its part of what is allowed as long as it lives.
pub(crate) struct InFlight {
    _permit: OwnedSemaphorePermit,
    _held: Held,
}

/// How far the server has come with stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Everything is accepted.
    Running,
    /// Messages under way go on; nothing new is accepted.
    Draining,
    /// Everything ends now.
    Cut,
}

/// Waits until the server has come so far; for ever, if nobody is left to say so.
pub(crate) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    if phase.wait_for(|phase| *phase >= wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until the server ends everything, and then a moment more: what is about to be done may be done.
pub(crate) async fn cut_short(phase: &mut watch::Receiver<Phase>) {
    reached(phase, Phase::Cut).await;
    sleep(LAST_MOMENT).await;
}

/// How long a connection that was turned away may stay without a word.
const TURNED_AWAY_IDLE: Duration = Duration::from_secs(60);

/// What methods and writes still get when everything ends.
const LAST_MOMENT: Duration = Duration::from_millis(100);
