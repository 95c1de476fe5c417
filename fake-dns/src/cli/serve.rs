//! `fake-dns serve`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::{Builder, FakeDns, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::Serve;
use super::load::load;
use super::{EXIT_BAD_FILE, EXIT_CANNOT_BIND, complain};

/// Serves until a signal comes.
pub(crate) fn run(args: Serve) -> ExitCode {
    let Some(builder) = builder(args) else { return ExitCode::from(EXIT_BAD_FILE) };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("cannot start: {error}"));
            return ExitCode::from(EXIT_CANNOT_BIND);
        }
    };
    runtime.block_on(serve(builder))
}

/// `None` if a file is bad; all files are read before that is said.
fn builder(args: Serve) -> Option<Builder> {
    let files: Vec<_> = args.zones.iter().map(|path| load(path, &args.reading)).collect();
    let mut builder = FakeDns::builder().listen(args.listen).faults(args.faults).mode(args.mode.into());
    for file in files {
        builder = builder.records(file?.records);
    }
    if !args.log {
        // Nobody can read it.
        return Some(builder.log_capacity(1));
    }
    Some(builder.observe(|entry| {
        // A reader that went away does not stop the server.
        let _ = writeln!(io::stdout(), "{entry}");
    }))
}

async fn serve(builder: Builder) -> ExitCode {
    // Before the address is told: whoever knows it may send a signal at once.
    let (mut interrupt, mut terminate) = match signals() {
        Ok(signals) => signals,
        Err(error) => {
            complain(format_args!("cannot wait for signals: {error}"));
            return ExitCode::from(EXIT_CANNOT_BIND);
        }
    };
    let dns = match builder.start().await {
        Ok(dns) => dns,
        Err(error) => return refuse(&error),
    };
    let _ = writeln!(io::stdout(), "{}", dns.addr());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    dns.shutdown().await;
    ExitCode::SUCCESS
}

fn signals() -> io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
}

fn refuse(error: &StartError) -> ExitCode {
    complain(error);
    match error {
        StartError::Bind { .. } => ExitCode::from(EXIT_CANNOT_BIND),
        StartError::Zone(_) | StartError::Record { .. } => ExitCode::from(EXIT_BAD_FILE),
    }
}
