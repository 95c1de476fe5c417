//! The thread that writes the log, and the queue in front of it.
//!
//! Whatever reads the log may be slow, stuck or gone: mail does not wait for it. Lines that find no room are dropped,
//! and counted.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::Level;

use super::LogConfig;
use super::format::{Format, bytes};
use super::record::Record;
use super::target::{Output, Target};

/// The queue; the thread behind it lives as long as the process.
#[derive(Clone)]
pub(super) struct Writer {
    queue: Arc<Queue>,
    format: Format,
    target: Target,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// There is something to write.
    filled: Condvar,
    /// All is written.
    drained: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    is_writing: bool,
    /// Lines that were lost since the last one that was written.
    lost: u64,
    lost_total: u64,
}

impl State {
    fn lose(&mut self) {
        self.lost += 1;
        self.lost_total += 1;
    }
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no room for one more.
    pub(super) fn start(config: LogConfig) -> std::io::Result<Self> {
        let format = config.format.unwrap_or_else(Format::usual);
        let writer = Self { queue: Arc::default(), format, target: config.target };
        let output = config.target.open();
        let behind = writer.clone();
        std::thread::Builder::new().name("log".to_owned()).spawn(move || behind.run(output))?;
        Ok(writer)
    }

    /// Queues a record, or drops it.
    pub(super) fn write(&self, record: &Record) {
        let line = bytes(record, self.format, self.target);
        let mut state = self.lock();
        if state.bytes + line.len() > QUEUE_BYTES_MAX {
            state.lose();
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        self.queue.filled.notify_one();
    }

    /// How many lines were lost so far.
    pub(super) fn lost_total(&self) -> u64 {
        self.lock().lost_total
    }

    /// Waits until all is written, but not for ever.
    pub(super) fn flush(&self, patience: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.lines.is_empty();
        // Whether the time was enough makes no difference: there is nobody to tell.
        let _ = self.queue.drained.wait_timeout_while(self.lock(), patience, is_busy);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock leaves anything half done.
        self.queue.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut output: Output) {
        loop {
            let (line, lost) = self.next();
            if output.write(&line).is_err() {
                let mut state = self.lock();
                state.lose();
                state.lost += lost;
                continue;
            }
            if lost > 0 {
                let notice = Record::new(Level::WARN, "log lines were lost").with_number("lines", lost);
                let written = output.write(&bytes(&notice, self.format, self.target));
                self.lock().lost += if written.is_ok() { 0 } else { lost };
            }
        }
    }

    /// The next line, and how many were lost before it.
    fn next(&self) -> (Vec<u8>, u64) {
        let mut state = self.lock();
        state.is_writing = false;
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                state.is_writing = true;
                return (line, std::mem::take(&mut state.lost));
            }
            self.queue.drained.notify_all();
            state = self.queue.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// How much waits to be written: some thousand lines.
const QUEUE_BYTES_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer whose thread never runs, as one that hangs in a write.
    fn stuck() -> Writer {
        Writer { queue: Arc::default(), format: Format::Text, target: Target::Stderr }
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let writer = stuck();
        let record = Record::new(Level::INFO, &"x".repeat(900));
        for _ in 0..2_000 {
            writer.write(&record);
        }
        let state = writer.lock();
        assert!(state.bytes <= QUEUE_BYTES_MAX && state.lines.len() > 1_000);
        assert_eq!(state.lines.len() as u64 + state.lost_total, 2_000);
    }

    #[test]
    fn a_flush_does_not_wait_for_ever() {
        let writer = stuck();
        writer.write(&Record::new(Level::INFO, "x"));
        writer.flush(Duration::from_millis(1));
        assert_eq!(writer.lock().lines.len(), 1);
    }
}
