//! Several servers: who is asked, in which order, how often.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use spf::{Failure, Question};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::breaker::{Breaker, Turn};
use super::options::DnsOptions;
use super::response::{Exchange, Reached, Response};
use crate::metrics::{DnsMetrics, ServerMetrics};

/// Servers in order of preference.
pub(super) struct Servers<X> {
    list: Vec<Server<X>>,
    tries: u32,
    probe_interval: Duration,
    ask_dead: bool,
}

struct Server<X> {
    address: SocketAddr,
    exchange: X,
    breaker: Mutex<Breaker>,
    /// Whether the server is suspect, and the first probe has not come back yet.
    suspect: watch::Sender<bool>,
    metrics: Arc<ServerMetrics>,
}

impl<X: Exchange> Servers<X> {
    /// Makes the list of these servers; there is at least one.
    pub(super) fn new(list: Vec<(SocketAddr, X)>, options: &DnsOptions, metrics: &DnsMetrics) -> Self {
        let server = |(address, exchange)| Server {
            address,
            exchange,
            breaker: Mutex::new(Breaker::new(options.failures_max, options.probe_interval)),
            suspect: watch::Sender::new(false),
            metrics: metrics.server(address),
        };
        Self {
            list: list.into_iter().map(server).collect(),
            tries: options.tries.max(1),
            probe_interval: options.probe_interval,
            ask_dead: options.ask_dead,
        }
    }

    /// Puts a question to one server after the other until one has an answer: all of them in each round.
    pub(super) async fn ask(self: &Arc<Self>, question: &Question) -> Response {
        let mut last = None;
        for _ in 0..self.tries {
            for index in self.order(Instant::now()) {
                let Some(response) = self.put(index, question).await else { continue };
                if !response.is_failed() {
                    return response;
                }
                last = Some(response);
            }
        }
        let mut last = last.unwrap_or_else(Response::outage);
        if last.reached == Reached::No && self.all_dead() {
            last.reached = Reached::Nobody;
        }
        last
    }

    /// The server that would be asked first.
    pub(super) fn first(&self) -> Option<&X> {
        let index = *self.order(Instant::now()).first()?;
        Some(&self.list[index].exchange)
    }

    /// Those who are asked in this round.
    fn order(&self, now: Instant) -> Vec<usize> {
        let ask_dead = self.ask_dead && self.all_dead();
        let turns = self.list.iter().map(|server| server.breaker().turn(now));
        let mut turns: Vec<_> = turns.enumerate().map(|(index, turn)| (turn, index)).collect();
        turns.sort_unstable();
        turns.into_iter().filter(|(turn, _)| *turn != Turn::Never || ask_dead).map(|(_, index)| index).collect()
    }

    fn all_dead(&self) -> bool {
        let now = Instant::now();
        self.list.iter().all(|server| server.breaker().turn(now) == Turn::Never)
    }

    /// Puts a question to one server; or does not, if it is found to be dead meanwhile.
    async fn put(self: &Arc<Self>, index: usize, question: &Question) -> Option<Response> {
        let server = &self.list[index];
        // A probe is answered at once or not at all: to wait for it is quicker than to ask a dead server once more.
        let _ = server.suspect.subscribe().wait_for(|suspect| !suspect).await;
        let start = Instant::now();
        if server.breaker().turn(start) == Turn::Never && !self.ask_dead {
            return None;
        }
        let response = server.exchange.exchange(question).await;
        server.metrics.asked(&response.kind, start.elapsed());
        match response.reached {
            Reached::Yes => server.answers(),
            Reached::No if server.breaker().silent(Instant::now()) => {
                server.suspect.send_replace(true);
                tokio::spawn(probe(Arc::downgrade(self), index, self.probe_interval));
            }
            Reached::No | Reached::Nobody => {}
        }
        Some(response)
    }

    fn report_open(&self, address: SocketAddr) {
        tracing::warn!("the name server {address} does not answer: it is left alone until it does");
        if self.all_dead() {
            tracing::error!("no name server answers");
        }
    }
}

impl<X> Server<X> {
    /// It said something, be it to a question or to a probe.
    fn answers(&self) {
        if self.breaker().answered() {
            self.report_closed();
        }
    }

    fn report_closed(&self) {
        self.metrics.dead.set(0);
        tracing::info!("the name server {} answers again", self.address);
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Probes a server until it answers, or nobody is left who would ask it.
async fn probe<X: Exchange>(servers: Weak<Servers<X>>, index: usize, mut pause: Duration) {
    while let Some(servers) = servers.upgrade() {
        let server = &servers.list[index];
        let verdict = Verdict(&server.suspect);
        let is_there = server.exchange.is_there().await;
        if is_there && server.breaker().probe_answered() {
            server.report_closed();
        }
        if !is_there && server.breaker().probe_failed() {
            server.metrics.dead.set(1);
            servers.report_open(server.address);
        }
        drop(verdict);
        if is_there {
            return;
        }
        drop(servers);
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX.max(pause));
    }
}

/// Lets those go on who wait for a probe, also if there was a panic in it.
struct Verdict<'a>(&'a watch::Sender<bool>);

impl Drop for Verdict<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

impl Response {
    /// What comes of a question that took too long altogether.
    pub(super) fn too_late() -> Self {
        Self::silence(Failure::Timeout)
    }
}

/// The longest time between two probes, unless the first is longer.
const PAUSE_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
