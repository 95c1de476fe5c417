//! [`run`]: listeners, connections, and a graceful end.

use std::{future::Future, io, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::{info, warn};

use crate::{
    Filter, Listener, ServerOptions, Summary,
    connection::{ConnectionError, Phase, Shared, reached, serve_shared},
    counts::Counts,
    listener::Stream,
};

/// Serves all connections to `listeners` until `shutdown` is done, with a filter value from `factory` for each SMTP
/// session.
///
/// After `shutdown` no connection is accepted, the files of unix sockets are removed, and the sessions that are there
/// may go on for the grace period. Then they are cut.
pub async fn run<F, M>(
    listeners: impl IntoIterator<Item = Listener>,
    factory: M,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
) -> Summary
where
    F: Filter + 'static,
    M: Fn() -> F + Send + Sync + 'static,
{
    let grace = options.grace_period;
    let room = Arc::new(Semaphore::new(options.connections_max.min(Semaphore::MAX_PERMITS)));
    let shared = Arc::new(Shared { factory, options, counts: Counts::default() });
    let (phase, watcher) = watch::channel(Phase::Running);
    let mut acceptors = JoinSet::new();
    for listener in listeners {
        let acceptor = Acceptor { shared: shared.clone(), room: room.clone(), phase: watcher.clone() };
        acceptors.spawn(acceptor.run(listener));
    }
    shutdown.await;
    phase.send_replace(Phase::Draining);
    if timeout(grace, all_done(&mut acceptors)).await.is_err() {
        phase.send_replace(Phase::Cut);
        all_done(&mut acceptors).await;
    }
    shared.counts.summary()
}

/// What accepts the connections of one listener, and outlives them.
struct Acceptor<M> {
    shared: Arc<Shared<M>>,
    room: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
}

impl<F, M> Acceptor<M>
where
    F: Filter + 'static,
    M: Fn() -> F + Send + Sync + 'static,
{
    async fn run(mut self, listener: Listener) {
        let mut connections = JoinSet::new();
        let mut phase = self.phase.clone();
        loop {
            tokio::select! {
                () = reached(&mut phase, Phase::Draining) => break,
                Some(_) = connections.join_next() => {}
                accepted = accept(&listener, &self.room) => match accepted {
                    Ok((stream, permit)) => { connections.spawn(self.serve(stream, permit)); }
                    Err(error) => {
                        warn!("cannot accept a connection: {error}");
                        // Out of file descriptors, most likely: others must end first.
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        self.drain(connections).await;
    }

    /// One connection as a task of its own.
    fn serve(
        &self,
        stream: Box<dyn Stream>,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (shared, phase) = (self.shared.clone(), self.phase.clone());
        let number = shared.counts.connections.add();
        async move {
            match serve_shared(stream, shared.clone(), phase, number).await {
                Ok(()) => {}
                Err(ConnectionError::Stopped) => {
                    shared.counts.cut.add();
                }
                Err(_) => {
                    shared.counts.failures.add();
                }
            }
            drop(permit);
        }
    }

    /// Waits for the connections to end; once they are cut, not for long.
    async fn drain(&mut self, mut connections: JoinSet<()>) {
        info!(connections = connections.len(), "stopped to accept connections");
        tokio::select! {
            () = all_done(&mut connections) => return,
            () = reached(&mut self.phase, Phase::Cut) => {}
        }
        if timeout(CUT_PATIENCE, all_done(&mut connections)).await.is_err() {
            for _ in 0..connections.len() {
                self.shared.counts.cut.add();
            }
            connections.shutdown().await;
        }
    }
}

/// Waits for room, then for a connection.
async fn accept(listener: &Listener, room: &Arc<Semaphore>) -> io::Result<(Box<dyn Stream>, OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.expect("nobody closes the semaphore");
    Ok((listener.accept().await?, permit))
}

async fn all_done(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections have to end once they are cut, before their tasks are dropped.
const CUT_PATIENCE: Duration = Duration::from_secs(2);
