//! `fake-dns serve`.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use crate::{Builder, FakeDns, Lines, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::Serve;
use super::load::load;
use super::{EXIT_BAD_FILE, EXIT_CANNOT_BIND, complain};

/// Serves until a signal comes.
pub(crate) fn run(args: Serve) -> ExitCode {
    let lines = Lines::new(io::stdout());
    let Some(builder) = builder(args, &lines) else { return ExitCode::from(EXIT_BAD_FILE) };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("cannot start: {error}"));
            return ExitCode::from(EXIT_CANNOT_BIND);
        }
    };
    runtime.block_on(serve(builder, &lines))
}

/// `None` if a file is bad; all files are read before that is said.
fn builder(args: Serve, lines: &Lines) -> Option<Builder> {
    let files: Vec<_> = args.zones.iter().map(|path| load(path, &args.reading)).collect();
    let mut builder = FakeDns::builder().listen(args.listen).faults(args.faults).mode(args.mode.into());
    for file in files {
        builder = builder.records(file?.records);
    }
    if !args.log {
        // Nobody can read it.
        return Some(builder.log_capacity(1));
    }
    let lines = lines.clone();
    Some(builder.observe(move |entry| lines.put(format!("{entry}\n"))))
}

async fn serve(builder: Builder, lines: &Lines) -> ExitCode {
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
    lines.put(format!("{}\n", dns.addr()));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    dns.shutdown().await;
    lines.settle(LAST_LINES);
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

/// How long a reader has for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);
