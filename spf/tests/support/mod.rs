//! What several test programs need.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a future that waits for nothing but tables.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
