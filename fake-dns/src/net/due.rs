//! Things to do later.

use std::collections::BTreeMap;
use std::future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Items with the time at which they are due; bounded.
pub(crate) struct Due<T> {
    items: BTreeMap<(Instant, u64), T>,
    /// Keeps items of one instant in the order in which they came.
    next: u64,
    capacity: usize,
}

impl<T> Due<T> {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { items: BTreeMap::new(), next: 0, capacity }
    }

    /// Keeps the item until `delay` from now; `false` if there is no room.
    pub(crate) fn push(&mut self, delay: Duration, item: T) -> bool {
        if self.items.len() >= self.capacity {
            return false;
        }
        self.items.insert((Instant::now() + delay, self.next), item);
        self.next += 1;
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Waits for the next item; forever while there is none. Nothing is lost when the wait is given up.
    pub(crate) async fn next(&mut self) -> T {
        match self.items.first_key_value() {
            Some((&(at, _), _)) => sleep_until(at).await,
            None => future::pending().await,
        }
        let (_, item) = self.items.pop_first().expect("only an item's time ends the wait");
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn items_come_by_time_and_then_in_order() {
        let mut due = Due::new(3);
        assert!(due.push(Duration::from_secs(9), 'c'));
        assert!(due.push(Duration::from_secs(5), 'a'));
        assert!(due.push(Duration::from_secs(5), 'b'));
        assert!(!due.push(Duration::ZERO, 'd'));
        assert_eq!([due.next().await, due.next().await, due.next().await], ['a', 'b', 'c']);
        assert!(due.is_empty());
    }
}
