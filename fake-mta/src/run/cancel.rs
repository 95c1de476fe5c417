//! Stopping from outside: Ctrl-C, or the end of the run.

use std::future::Future;

use tokio::sync::watch;

/// A flag that is raised once and that any number of tasks can wait for. Clones share it.
#[derive(Clone, Debug)]
pub struct Cancel {
    flag: watch::Sender<bool>,
}

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self { flag: watch::Sender::new(false) }
    }

    /// Raises it.
    pub fn cancel(&self) {
        self.flag.send_replace(true);
    }

    /// Whether it is raised.
    pub fn is_cancelled(&self) -> bool {
        *self.flag.borrow()
    }

    /// Ends when it is raised.
    pub async fn cancelled(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.flag.subscribe().wait_for(|raised| *raised).await;
    }

    /// What the future comes to, or `None` if the flag is raised before.
    pub async fn or<F: Future>(&self, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.cancelled() => None,
            output = future => Some(output),
        }
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn raising_it_ends_every_wait() {
        let cancel = Cancel::new();
        assert_eq!(cancel.or(async { 1 }).await, Some(1));
        let other = cancel.clone();
        let waiting = tokio::spawn(async move { other.or(std::future::pending::<()>()).await });
        cancel.cancel();
        assert_eq!(waiting.await.expect("the task ends"), None);
        assert!(cancel.is_cancelled());
    }
}
