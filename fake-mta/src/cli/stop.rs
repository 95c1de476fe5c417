//! Work that ends by itself, or at a signal.

use tokio::runtime::{Builder, Runtime};

use crate::{
    diag::Diag,
    run::{Cancel, Console, Exit, remove_remains},
};

/// Does something on all processors.
pub(super) fn until_stopped(console: &mut Console, work: impl AsyncFnOnce(&Cancel, &mut Console) -> Exit) -> Exit {
    with(Builder::new_multi_thread(), console, work)
}

/// Does something on one thread.
pub(super) fn on_one_thread(console: &mut Console, work: impl AsyncFnOnce(&Cancel, &mut Console) -> Exit) -> Exit {
    with(Builder::new_current_thread(), console, work)
}

fn with(mut builder: Builder, console: &mut Console, work: impl AsyncFnOnce(&Cancel, &mut Console) -> Exit) -> Exit {
    let runtime: Runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.diags(&[Diag::error(format!("cannot start the runtime: {error}"))]);
            return Exit::HARNESS;
        }
    };
    let cancel = Cancel::new();
    runtime.spawn(watch_signals(cancel.clone()));
    runtime.block_on(work(&cancel, console))
}

/// Raises the flag at the first signal. At the second one nothing is waited for any more: what was started is killed, and the program
/// ends.
async fn watch_signals(cancel: Cancel) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return;
    };
    loop {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
        if cancel.is_cancelled() {
            remove_remains();
            std::process::exit(Exit::CANCELLED.0.into());
        }
        cancel.cancel();
    }
}
