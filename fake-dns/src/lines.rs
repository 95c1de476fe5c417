//! Lines for a reader who may not read.

use std::{
    collections::VecDeque,
    io::Write,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// A stream that never blocks whoever writes lines: a thread of its own puts them out.
///
/// What a slow reader leaves behind is kept up to a limit. What does not fit is dropped and counted: `3 lines not shown`
/// stands in its place. Clones write to the same stream.
///
/// ```
/// let lines = fake_dns::Lines::new(std::io::stdout());
/// let dns = fake_dns::FakeDns::builder().observe(move |entry| lines.put(format!("{entry}\n")));
/// # let _ = dns;
/// ```
#[derive(Clone, Debug)]
pub struct Lines(Arc<Owner>);

/// When the last clone is gone, the thread ends.
#[derive(Debug)]
struct Owner(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<String>,
    /// The size of what waits, bytes.
    bytes: usize,
    dropped: usize,
    is_writing: bool,
    is_closed: bool,
}

impl Lines {
    /// Lines that go to `out`. Failures to write are passed over: a reader that went away is no reason to stop.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        let shared = Arc::<Shared>::default();
        let writer = Arc::clone(&shared);
        thread::spawn(move || writer.write_to(out));
        Self(Arc::new(Owner(shared)))
    }

    /// Puts out whole lines, each with its end; they stay together.
    pub fn put(&self, text: String) {
        let mut state = self.0.0.state();
        // While lines are missing those after them wait for the remark that says so.
        if state.bytes.saturating_add(text.len()) > BYTES_MAX || (state.dropped > 0 && !state.waiting.is_empty()) {
            state.dropped += text.lines().count();
            return;
        }
        state.bytes += text.len();
        state.waiting.push_back(text);
        drop(state);
        self.0.0.changed.notify_all();
    }

    /// Waits until everything is written, but no longer than `limit`.
    pub fn settle(&self, limit: Duration) {
        let shared = &self.0.0;
        let _ = shared.changed.wait_timeout_while(shared.state(), limit, |state| !state.is_done());
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl State {
    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.dropped == 0 && !self.is_writing
    }
}

impl Shared {
    fn write_to(&self, mut out: impl Write) {
        while let Some(text) = self.next() {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            self.state().is_writing = false;
            self.changed.notify_all();
        }
    }

    /// What is to be written next; `None` once nothing more can come.
    fn next(&self) -> Option<String> {
        let wait = |state: &mut State| state.is_done() && !state.is_closed;
        let mut state = self.changed.wait_while(self.state(), wait).unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        if let Some(text) = state.waiting.pop_front() {
            state.bytes -= text.len();
            return Some(text);
        }
        let dropped = std::mem::take(&mut state.dropped);
        (dropped > 0).then(|| format!("{dropped} lines not shown\n"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So much waits for a slow reader, bytes.
const BYTES_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A reader that takes one write each time it is told to.
    struct Slow(Receiver<()>, Sender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.recv();
            let _ = self.1.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_that_does_not_read() {
        let (go, may_go) = channel();
        let (read, written) = channel();
        let lines = Lines::new(Slow(may_go, read));
        let block = "line\n".repeat(BYTES_MAX / 5);
        for _ in 0..3 {
            lines.put(block.clone());
        }
        lines.put("last\n".to_owned());
        lines.settle(Duration::ZERO);
        drop(go);
        drop(lines);
        let text: String = written.iter().collect();
        let remark = text.lines().last().unwrap();
        let dropped: usize = remark.strip_suffix(" lines not shown").expect(remark).parse().unwrap();
        assert_eq!(text.lines().count() - 1 + dropped, 3 * (BYTES_MAX / 5) + 1);
        assert!(dropped >= BYTES_MAX / 5);
    }

    #[test]
    fn lines_come_whole_and_in_their_order() {
        let (go, may_go) = channel();
        let (read, written) = channel();
        let lines = Lines::new(Slow(may_go, read));
        drop(go);
        for number in 0..100 {
            lines.put(format!("{number}\n"));
        }
        lines.settle(Duration::from_secs(10));
        let text: Vec<String> = written.try_iter().collect();
        assert_eq!(text, (0..100).map(|number| format!("{number}\n")).collect::<Vec<_>>());
    }
}
