//! Connections that send a recording again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{ahead, line::Line, record::Recording, stats::Stats};
use crate::run::MilterAddr;

/// How the load is put on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// How many connections are open at once.
    pub(super) connections: usize,
    /// So many messages go over a connection before the next one is opened.
    pub(super) reuse: u64,
    /// So many messages are on their way over a connection at once; 0 is an MTA's pace, each answer waited for.
    pub(super) ahead: usize,
    /// Messages a second; `None` is a closed loop: each connection sends as soon as it can.
    pub(super) rate: Option<f64>,
    /// When it ends.
    pub(super) end: End,
    /// How long an answer is waited for.
    pub(super) timeout: Duration,
}

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// After so long.
    After(Duration),
    /// After so many messages.
    Messages(u64),
}

/// Puts the load on. Everything goes on in the one thread of the runtime: what it takes itself is what one processor can give.
pub(super) async fn load(milter: &MilterAddr, recording: &Arc<Recording>, shape: Shape) -> Stats {
    let schedule = Arc::new(Schedule { began: Instant::now(), shape, next: AtomicU64::new(0) });
    let workers: Vec<_> = (0..shape.connections)
        .map(|_| tokio::spawn(work(milter.clone(), Arc::clone(recording), Arc::clone(&schedule))))
        .collect();
    let mut total = Stats::default();
    for worker in workers {
        // A worker returns what it has measured, whatever happens to it.
        total.merge(&worker.await.unwrap_or_default());
    }
    total.elapsed = schedule.began.elapsed();
    total
}

/// Which message is due when.
pub(super) struct Schedule {
    began: Instant,
    pub(super) shape: Shape,
    next: AtomicU64,
}

impl Schedule {
    /// When the next message is due; `None` if there is none.
    pub(super) fn next(&self) -> Option<Instant> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due = match self.shape.rate {
            #[expect(clippy::cast_precision_loss, reason = "a count of messages is far below 2^52")]
            Some(rate) => self.began + Duration::from_secs_f64(number as f64 / rate),
            None => Instant::now(),
        };
        (!self.ends(number, due)).then_some(due)
    }

    /// Whether no message is left to be sent as soon as it can.
    pub(super) fn is_over(&self) -> bool {
        self.ends(self.next.load(Ordering::Relaxed), Instant::now())
    }

    fn ends(&self, number: u64, due: Instant) -> bool {
        match self.shape.end {
            End::After(time) => due.duration_since(self.began) >= time,
            End::Messages(count) => number >= count,
        }
    }
}

async fn work(milter: MilterAddr, recording: Arc<Recording>, schedule: Arc<Schedule>) -> Stats {
    if schedule.shape.ahead > 0 {
        return ahead::work(&milter, &recording, &schedule).await;
    }
    let mut stats = Stats::default();
    let mut line: Option<Line> = None;
    let mut sent = 0;
    while let Some(due) = schedule.next() {
        wait_until(due).await;
        // In a closed loop the clock starts with the message; in an open one when it was due, however late it goes out.
        let began = if schedule.shape.rate.is_some() { due } else { Instant::now() };
        let passed = async {
            let open = match line.take() {
                Some(open) => open,
                None => Line::open(&milter, &recording.opening, &mut stats).await?,
            };
            open.send(&recording.messages, &mut stats).await
        };
        match tokio::time::timeout(schedule.shape.timeout, passed).await {
            Ok(Ok(open)) => {
                stats.done(began.elapsed());
                sent += 1;
                line = open.keep(sent % schedule.shape.reuse != 0).await;
            }
            Ok(Err(error)) => stats.failed(1, || error.to_string()),
            Err(_) => stats.failed(1, || format!("no answer within {:?}", schedule.shape.timeout)),
        }
    }
    if let Some(open) = line {
        open.keep(false).await;
    }
    stats
}

/// The timer has steps of a millisecond; the rest is waited for awake.
async fn wait_until(due: Instant) {
    let early = due.checked_sub(TIMER_STEP).filter(|early| *early > Instant::now());
    if let Some(early) = early {
        tokio::time::sleep_until(early.into()).await;
    }
    while Instant::now() < due {
        tokio::task::yield_now().await;
    }
}

const TIMER_STEP: Duration = Duration::from_millis(1);
