//! Calling code that may panic or never return.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

/// Why a method of a filter gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It panicked with this message.
    Panic(String),
    /// It took too long.
    Timeout,
}

/// Runs `future` for at most `limit`, and survives its panic.
pub(crate) async fn guarded<T>(limit: Duration, future: impl Future<Output = T>) -> Result<T, Failure> {
    match tokio::time::timeout(limit, caught(future)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::Timeout),
    }
}

/// Runs `call` and survives its panic.
pub(crate) fn guarded_call<T>(call: impl FnOnce() -> T) -> Result<T, Failure> {
    // Whatever the panic left half done is dropped by the caller, never looked at.
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| Failure::Panic(message(&*panic)))
}

async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let mut future = pin!(future);
    poll_fn(|cx| match guarded_call(|| future.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(failure) => Poll::Ready(Err(failure)),
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panic without a message").escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn panics_and_endless_waits_come_back_as_failures() {
        let limit = Duration::from_secs(1);
        assert_eq!(guarded(limit, async { 1 }).await, Ok(1));
        assert_eq!(guarded(limit, std::future::pending::<()>()).await, Err(Failure::Timeout));
        let panics = async {
            tokio::task::yield_now().await;
            panic!("a\nb {}", 1)
        };
        assert_eq!(guarded::<()>(limit, panics).await, Err(Failure::Panic("a\\nb 1".to_owned())));
    }
}
