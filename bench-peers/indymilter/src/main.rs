//! A filter on indymilter that does nothing: `bare-indymilter unix:/path`.

use indymilter::{Callbacks, Config, run};
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let addr = std::env::args().nth(1).unwrap_or_default();
    let path = addr.strip_prefix("unix:").unwrap_or(&addr);
    let _ = std::fs::remove_file(path);
    let mut terminate = signal(SignalKind::terminate())?;
    run(UnixListener::bind(path)?, Callbacks::<()>::new(), Config::default(), terminate.recv()).await
}
