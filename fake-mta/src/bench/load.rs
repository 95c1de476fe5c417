//! Connections that send a recording again and again.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{ahead, line::Line, record::Recording, stats::Stats};
use crate::run::{Cancel, MilterAddr};

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
    /// How long a message may take, or what comes before the first one.
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

impl Shape {
    /// One of so many rounds.
    pub(super) fn share(self, rounds: u32) -> Self {
        let end = match self.end {
            End::Messages(messages) => End::Messages(messages.div_ceil(u64::from(rounds))),
            End::After(time) => End::After(time / rounds),
        };
        Self { end, ..self }
    }
}

/// Puts the load on, until it is over or stopped. Everything goes on in the one thread of the runtime: what it takes itself is what one
/// processor can give.
pub(super) async fn load(milter: &MilterAddr, recordings: &Arc<[Recording]>, shape: Shape, stop: &Cancel) -> Stats {
    let schedule = Arc::new(Schedule::new(shape));
    let workers: Vec<_> = (0..shape.connections)
        .map(|_| tokio::spawn(work(milter.clone(), Arc::clone(recordings), Arc::clone(&schedule), stop.clone())))
        .collect();
    let mut total = Stats::default();
    for worker in workers {
        // A worker returns what it has measured, whatever happens to it.
        total.merge(&worker.await.unwrap_or_default());
    }
    total.elapsed = schedule.began.elapsed();
    total.behind = !stop.is_cancelled() && schedule.is_behind();
    total
}

/// Which message is due when.
pub(super) struct Schedule {
    began: Instant,
    pub(super) shape: Shape,
    /// How many messages there are; none but the clock ends a closed loop of a duration.
    count: u64,
    next: AtomicU64,
    /// How many connections were opened.
    opened: AtomicUsize,
}

impl Schedule {
    fn new(shape: Shape) -> Self {
        let count = match (shape.end, shape.rate) {
            (End::Messages(count), _) => count,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "what is too much for the number is the most it can be"
            )]
            (End::After(time), Some(rate)) => (time.as_secs_f64() * rate).ceil() as u64,
            (End::After(_), None) => u64::MAX,
        };
        Self { began: Instant::now(), shape, count, next: AtomicU64::new(0), opened: AtomicUsize::new(0) }
    }

    /// When the next message is due; `None` if there is none.
    pub(super) fn next(&self) -> Option<Instant> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due = self.shape.rate.map_or_else(Instant::now, |rate| self.began + time_of(number, rate));
        let is_left = number < self.count && (self.shape.rate.is_some() || !self.is_out_of_time());
        is_left.then_some(due)
    }

    /// Whether no message is left to be sent as soon as it can.
    pub(super) fn is_over(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.count || self.is_out_of_time()
    }

    /// The recording for another connection: each has its turn.
    pub(super) fn recording<'a>(&self, recordings: &'a [Recording]) -> Option<&'a Recording> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        recordings.get(number.checked_rem(recordings.len())?)
    }

    /// In an open loop: the duration is over for so long that what is not on its way comes too late.
    fn is_too_late(&self) -> bool {
        matches!(self.shape.end, End::After(time) if self.began.elapsed() > time.saturating_add(CATCHING_UP))
    }

    /// Gives up all messages that nobody has taken yet, and says how many they are.
    fn give_up(&self) -> u64 {
        self.count.saturating_sub(self.next.fetch_max(self.count, Ordering::Relaxed))
    }

    fn is_out_of_time(&self) -> bool {
        matches!(self.shape.end, End::After(time) if self.began.elapsed() >= time)
    }

    /// Whether it took longer than the rate has it.
    fn is_behind(&self) -> bool {
        let planned = self.shape.rate.map(|rate| time_of(self.count, rate).saturating_add(CATCHING_UP));
        planned.is_some_and(|planned| self.began.elapsed() > planned)
    }
}

/// When a message is due, from the beginning.
#[expect(clippy::cast_precision_loss, reason = "a count of messages is far below 2^52")]
fn time_of(number: u64, rate: f64) -> Duration {
    Duration::try_from_secs_f64(number as f64 / rate).map_or(LONGEST, |time| time.min(LONGEST))
}

async fn work(milter: MilterAddr, recordings: Arc<[Recording]>, schedule: Arc<Schedule>, stop: Cancel) -> Stats {
    let mut stats = Stats::default();
    let sending = async {
        match schedule.shape.ahead {
            0 => at_pace(&milter, &recordings, &schedule, &mut stats).await,
            _ => ahead::work(&milter, &recordings, &schedule, &mut stats).await,
        }
    };
    // What is on its way when it is stopped comes to nothing; what was measured before stays.
    stop.or(sending).await;
    stats
}

/// Sends at an MTA's pace until the schedule is over; after an error over a new connection.
async fn at_pace(milter: &MilterAddr, recordings: &[Recording], schedule: &Schedule, stats: &mut Stats) {
    let limit = schedule.shape.timeout;
    let mut kept: Option<(Line, &Recording)> = None;
    let mut sent = 0;
    while let Some(due) = schedule.next() {
        wait_until(due).await;
        if schedule.is_too_late() {
            stats.not_sent(1 + schedule.give_up());
            break;
        }
        // In a closed loop the clock starts with the message; in an open one when it was due, however late it goes out.
        let began = if schedule.shape.rate.is_some() { due } else { Instant::now() };
        let passed = async {
            let (line, recording) = match kept.take() {
                Some(kept) => kept,
                None => {
                    let recording =
                        schedule.recording(recordings).ok_or_else(|| io::Error::other("nothing to send"))?;
                    (Line::open(milter, &recording.opening, limit, stats).await?, recording)
                }
            };
            Ok((line.send(&recording.messages, limit, stats).await?, recording))
        };
        match passed.await {
            Ok((line, recording)) => {
                stats.done(began.elapsed());
                sent += 1;
                if sent % schedule.shape.reuse == 0 {
                    line.close(limit).await;
                } else {
                    kept = Some((line, recording));
                }
            }
            Err(error) => failed(&error, stats).await,
        }
    }
    if let Some((line, _)) = kept {
        line.close(limit).await;
    }
}

/// Counts a message that came to nothing. Where nobody listens there is a pause, as nothing would be gained by asking without end.
pub(super) async fn failed(error: &io::Error, stats: &mut Stats) {
    stats.failed(1, || error.to_string());
    if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) {
        tokio::time::sleep(REFUSED_PAUSE).await;
    }
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

/// So long after the end of an open loop what was due before is still sent.
const CATCHING_UP: Duration = Duration::from_secs(1);

/// Before another connection is tried where nobody listens.
const REFUSED_PAUSE: Duration = Duration::from_millis(10);

/// No load is planned for longer: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(rate: Option<f64>, end: End) -> Schedule {
        let timeout = Duration::from_secs(1);
        Schedule::new(Shape { connections: 1, reuse: 1, ahead: 0, rate, end, timeout })
    }

    #[test]
    fn an_open_loop_has_as_many_messages_as_are_due_in_its_time() {
        let schedule = schedule(Some(2.5), End::After(Duration::from_secs(2)));
        let due: Vec<_> = std::iter::from_fn(|| schedule.next()).map(|due| due - schedule.began).collect();
        assert_eq!(due, [0, 400, 800, 1200, 1600].map(Duration::from_millis));
    }

    #[test]
    fn what_nobody_has_taken_is_given_up_once() {
        let schedule = schedule(Some(1.0), End::Messages(10));
        let _ = (schedule.next(), schedule.next());
        assert_eq!((schedule.give_up(), schedule.give_up(), schedule.next()), (8, 0, None));
    }

    #[test]
    fn no_rate_is_too_low_and_none_too_high_for_the_clock() {
        assert_eq!((time_of(u64::MAX, 1e-300), time_of(u64::MAX, 1e300)), (LONGEST, Duration::ZERO));
    }
}
