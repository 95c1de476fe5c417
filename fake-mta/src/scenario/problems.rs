//! The problems of a file, collected so that all are reported together.

use crate::diag::Diag;

/// A list of messages without repeats: what is wrong in a base file would else come once for every variant.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Diag>,
}

impl Problems {
    /// Adds a message unless it is there already.
    pub(crate) fn add(&mut self, diag: Diag) {
        if !self.list.contains(&diag) && self.list.len() < MAX_PROBLEMS {
            self.list.push(diag);
        }
    }

    /// Takes the value, or notes the message.
    pub(crate) fn take<T>(&mut self, result: Result<T, Diag>) -> Option<T> {
        result.map_err(|diag| self.add(diag)).ok()
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The messages in the order of their places.
    pub(crate) fn into_vec(mut self) -> Vec<Diag> {
        self.list.sort_by_key(|diag| diag.labels.first().map(|(span, _)| span.range().start));
        self.list
    }
}

/// Nobody reads more at once.
const MAX_PROBLEMS: usize = 100;
