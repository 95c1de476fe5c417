//! What a milter does in every session: it is told by the cases that are about it, and is not taken for what a case has brought about.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What was found out of one milter so far.
#[derive(Debug, Default)]
pub(super) struct Habits {
    answers_quit: AtomicBool,
    answers_to_end: AtomicUsize,
    stays_open: AtomicBool,
    serves_nobody: AtomicBool,
}

impl Habits {
    /// Whether it sends a packet after QUIT: then the battery closes without one, so that what came before is seen.
    pub(super) fn answers_quit(&self) -> bool {
        self.answers_quit.load(Ordering::Relaxed)
    }

    /// How many packets it sends after the end of input, where no message is open: more than these were sent before.
    pub(super) fn answers_to_end(&self) -> usize {
        self.answers_to_end.load(Ordering::Relaxed)
    }

    /// It does, and sends so many packets after the end of input without one.
    pub(super) fn note_answer_to_quit(&self, answers_to_end: usize) {
        self.answers_quit.store(true, Ordering::Relaxed);
        self.answers_to_end.store(answers_to_end, Ordering::Relaxed);
    }

    /// Whether it leaves connections open that the MTA has closed: then their end is not waited for.
    pub(super) fn stays_open(&self) -> bool {
        self.stays_open.load(Ordering::Relaxed)
    }

    /// Whether a plain session has no answer from the start: then that it has none after a case says nothing of the case.
    pub(super) fn serves_nobody(&self) -> bool {
        self.serves_nobody.load(Ordering::Relaxed)
    }

    pub(super) fn note_deaf(&self) {
        self.serves_nobody.store(true, Ordering::Relaxed);
    }

    pub(super) fn note_open(&self) {
        self.stays_open.store(true, Ordering::Relaxed);
    }
}
