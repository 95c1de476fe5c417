//! Messages sent ahead on a connection: no answer is waited for before the next packet goes out.
//!
//! No MTA does so. It takes the round trips out, so that a milter never waits for the load, and what it can do at the most is
//! seen. The packets are right only if the milter answers as it did when they were recorded; every answer is held against that.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use tokio::time::timeout_at;

use super::{
    line::{Line, closed, silent},
    load::{Schedule, failed},
    record::{Burst, Recording},
    stats::Stats,
};
use crate::run::MilterAddr;

/// The messages of a recording in one piece, several times over, and the answers to one.
#[derive(Clone, Debug)]
pub(super) struct Train {
    /// Copies of the message, one behind the other.
    bytes: Vec<u8>,
    /// The length of one.
    length: usize,
    /// The commands that are answered, with the answers.
    answers: Vec<(u8, Option<u8>)>,
}

impl Train {
    pub(super) fn new(bursts: &[Burst]) -> Self {
        let one: Vec<u8> = bursts.iter().flat_map(|burst| &burst.bytes).copied().collect();
        let answers = bursts.iter().filter_map(|burst| Some((burst.awaited?, burst.answer))).collect();
        let copies = (WRITE / one.len().max(1)).max(1);
        Self { length: one.len(), bytes: one.repeat(copies), answers }
    }

    /// Whether a milter says anything by which the end of a message is known.
    pub(super) fn is_answered(&self) -> bool {
        !self.answers.is_empty()
    }
}

/// Sends messages ahead until the schedule is over; after an error over a new connection.
pub(super) async fn work(milter: &MilterAddr, recordings: &[Recording], schedule: &Schedule, stats: &mut Stats) {
    let limit = schedule.shape.timeout;
    while !schedule.is_over() {
        let Some(recording) = schedule.recording(recordings) else { return };
        match Line::open(milter, &recording.opening, limit, stats).await {
            Ok(line) => {
                let mut ride = Ride::new(line, &recording.train);
                match ride.run(schedule, stats).await {
                    Ok(()) => ride.line.close(limit).await,
                    // No goodbye: a milter that does not read might never take it.
                    Err(error) => stats.failed(ride.begun.len() as u64, || error.to_string()),
                }
            }
            Err(error) => {
                // The message that would have gone over it.
                schedule.next();
                failed(&error, stats).await;
            }
        }
    }
}

/// One connection.
struct Ride<'a> {
    line: Line,
    train: &'a Train,
    /// When each message that is not answered yet was begun.
    begun: VecDeque<Instant>,
    /// So many answers to the first of them have come.
    step: usize,
    /// Where in a message the next byte to send is, and how many are to be sent.
    at: usize,
    unsent: usize,
    /// When the last answer came.
    heard: Instant,
}

impl<'a> Ride<'a> {
    fn new(line: Line, train: &'a Train) -> Self {
        Self { line, train, begun: VecDeque::new(), step: 0, at: 0, unsent: 0, heard: Instant::now() }
    }

    async fn run(&mut self, schedule: &Schedule, stats: &mut Stats) -> io::Result<()> {
        let shape = &schedule.shape;
        let mut left = shape.reuse;
        loop {
            // Many at once, so that neither side is woken for each.
            if self.begun.len() <= shape.ahead / 2 {
                self.begin(schedule, &mut left);
            }
            if self.begun.is_empty() {
                return Ok(());
            }
            self.write()?;
            // Progress is no answer: a milter that sends nothing else is given up too.
            let deadline = self.heard + shape.timeout;
            let ready = timeout_at(deadline.into(), self.line.socket.ready(self.unsent > 0)).await;
            ready.map_err(|_| silent(shape.timeout))??;
            let count = match self.line.socket.try_read(self.line.answers.space())? {
                Some(0) => return Err(closed()),
                Some(count) => count,
                None => continue,
            };
            self.line.answers.filled(count);
            self.read(stats)?;
            // A milter that writes each answer by itself would wake the load for each, also out of a timer of the runtime.
            if count < FEW_BYTES && self.begun.len() >= PLENTY {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Puts as many messages on the way as may be.
    fn begin(&mut self, schedule: &Schedule, left: &mut u64) {
        let now = Instant::now();
        while *left > 0 && self.begun.len() < schedule.shape.ahead && schedule.next().is_some() {
            *left -= 1;
            self.begun.push_back(now);
            self.unsent += self.train.length;
        }
    }

    fn write(&mut self) -> io::Result<()> {
        while self.unsent > 0 {
            let end = self.train.bytes.len().min(self.at + self.unsent);
            match self.line.socket.try_write(&self.train.bytes[self.at..end])? {
                None => break,
                Some(count) => {
                    self.at = (self.at + count) % self.train.length;
                    self.unsent -= count;
                }
            }
        }
        Ok(())
    }

    /// Holds what has come against what came when the load was recorded.
    fn read(&mut self, stats: &mut Stats) -> io::Result<()> {
        let now = Instant::now();
        while let Some(code) = self.line.answers.next()? {
            let unasked = || io::Error::other("an answer came that nobody asked for");
            let (command, first) = *self.train.answers.get(self.step).ok_or_else(unasked)?;
            if first.is_some_and(|first| first != code) {
                let (command, code) = (char::from(command), char::from(code));
                return Err(io::Error::other(format!(
                    "the answer to `{command}` is `{}`, and was another when the load was recorded",
                    code.escape_default()
                )));
            }
            self.heard = now;
            self.step += 1;
            if self.step == self.train.answers.len() {
                let began = self.begun.pop_front().ok_or_else(unasked)?;
                stats.done(now.saturating_duration_since(began));
                self.step = 0;
            }
        }
        Ok(())
    }
}

/// Fewer bytes of answers than this are not worth being woken for,
const FEW_BYTES: usize = 512;

/// if so many messages are on their way that the milter has enough to do
const PLENTY: usize = 100;

/// for so long.
const PAUSE: Duration = Duration::from_micros(500);

/// What is written at once, bytes.
const WRITE: usize = 64 * 1024;
