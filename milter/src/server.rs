//! [`run`]: listeners, connections, and a graceful end.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::{error, info};

use crate::{
    Filter, Listener, ServerOptions, Summary,
    accept::{Door, Place, Room},
    connection::serve_shared,
    listener::Stream,
    shared::{ConnectionError, Phase, Shared, reached},
};

/// Serves all connections to `listeners` until `shutdown` is done, with a filter value from `factory` for each SMTP
/// session.
///
/// After `shutdown` no connection is accepted, the files of unix sockets are removed, and sessions without a message are
/// closed. Messages under way may go on for the grace period. Then they are cut: they are answered with a temporary
/// failure.
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
    run_until(listeners, factory, options, shutdown, std::future::pending()).await
}

/// As [`run`], with a second future that ends the grace period.
pub async fn run_until<F, M>(
    listeners: impl IntoIterator<Item = Listener>,
    factory: M,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
    hurry: impl Future<Output = ()>,
) -> Summary
where
    F: Filter + 'static,
    M: Fn() -> F + Send + Sync + 'static,
{
    let grace = options.grace_period;
    let room = Arc::new(Room::new(options.connections_max));
    let shared = Arc::new(Shared::new(factory, options));
    let (phase, watcher) = watch::channel(Phase::Running);
    let mut acceptors = JoinSet::new();
    for listener in listeners {
        match listener.serve() {
            Ok(serving) => {
                let acceptor = Acceptor { shared: shared.clone(), phase: watcher.clone() };
                acceptors.spawn(acceptor.run(Door::new(serving, room.clone())));
            }
            Err(error) => error!("a listener cannot be served: {error}"),
        }
    }
    shutdown.await;
    phase.send_replace(Phase::Draining);
    tokio::select! {
        () = all_done(&mut acceptors) => {}
        () = sleep(grace) => {}
        () = hurry => {}
    }
    phase.send_replace(Phase::Cut);
    all_done(&mut acceptors).await;
    shared.options.monitor.summary()
}

/// What accepts the connections of one listener, and outlives them.
struct Acceptor<M> {
    shared: Arc<Shared<M>>,
    phase: watch::Receiver<Phase>,
}

impl<F, M> Acceptor<M>
where
    F: Filter + 'static,
    M: Fn() -> F + Send + Sync + 'static,
{
    async fn run(mut self, mut door: Door) {
        let mut connections = JoinSet::new();
        let mut phase = self.phase.clone();
        loop {
            tokio::select! {
                () = reached(&mut phase, Phase::Draining) => break,
                Some(_) = connections.join_next() => {}
                (stream, place) = door.next() => self.admit(stream, place, &mut connections),
            }
        }
        drop(door);
        self.drain(connections).await;
    }

    /// One connection as a task of its own; without a place it is closed.
    fn admit(&self, stream: Box<dyn Stream>, place: Option<Place>, connections: &mut JoinSet<()>) {
        let counts = self.shared.counts();
        let number = counts.connections.add();
        if !matches!(place, Some(Place::Filter(_))) {
            counts.connections_refused.add();
        }
        match place {
            Some(Place::Filter(permit)) => {
                connections.spawn(serve(self.shared.clone(), stream, self.phase.clone(), number, permit));
            }
            Some(Place::Word(permit)) => {
                let shared = Arc::new(self.shared.turned_away());
                connections.spawn(serve(shared, stream, self.phase.clone(), number, permit));
            }
            None => {}
        }
    }

    /// Waits for the connections to end; once they are cut, not for long.
    async fn drain(&mut self, mut connections: JoinSet<()>) {
        info!(connections = connections.len(), "stopped to accept connections");
        tokio::select! {
            () = all_done(&mut connections) => return,
            () = reached(&mut self.phase, Phase::Cut) => {}
        }
        let patience = self.shared.options.last_word + CUT_PATIENCE;
        if timeout(patience, all_done(&mut connections)).await.is_err() {
            for _ in 0..connections.len() {
                self.shared.counts().cut.add();
            }
            connections.shutdown().await;
        }
    }
}

/// Serves one connection, and counts how it ends.
async fn serve<F, M>(
    shared: Arc<Shared<M>>,
    stream: Box<dyn Stream>,
    phase: watch::Receiver<Phase>,
    number: u64,
    permit: OwnedSemaphorePermit,
) where
    F: Filter + 'static,
    M: Fn() -> F + Send + Sync + 'static,
{
    let open = shared.counts().connections_open.hold();
    match serve_shared(stream, shared.clone(), phase, number).await {
        Ok(()) => {}
        Err(ConnectionError::Stopped) => {
            shared.counts().cut.add();
        }
        Err(_) => {
            shared.counts().failures.add();
        }
    }
    drop((open, permit));
}

async fn all_done(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// How long connections have to end after their last word, before their tasks are dropped.
const CUT_PATIENCE: Duration = Duration::from_secs(2);
