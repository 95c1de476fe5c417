//! Waiting for what the server does.

use std::time::Duration;

/// Waits until it holds; after a minute the test fails with what was waited for.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), waiting).await.is_ok(), "waited a minute until {what}");
}
