//! Starting a milter, and what has to run beside it.

use std::{process::ExitStatus, time::Duration};

use tokio::net::{TcpStream, UnixStream};

use super::{Fatal, FatalKind, with_output};
use crate::{
    run::{
        Cancel, MilterAddr, duration_text,
        launch::Launch,
        process::{CommandLine, Process, describe},
    },
    suite::Suite,
};

/// Starts the helpers and then the milter, each when the one before accepts connections, and waits until the milter does.
pub(super) async fn start(
    launch: &Launch,
    suite: &Suite,
    milter: &MilterAddr,
    cancel: &Cancel,
) -> Result<Process, Fatal> {
    let mut helpers = Vec::new();
    for (line, ready) in &launch.helpers {
        helpers.push(start_one(line, suite, "the helper", ready.as_ref(), cancel).await?);
    }
    let started = start_one(&launch.milter, suite, "the milter", Some(milter), cancel).await;
    Ok(started?.with(helpers))
}

/// Starts a program, and waits until it accepts connections, if it is known where.
async fn start_one(
    line: &CommandLine,
    suite: &Suite,
    who: &str,
    ready: Option<&MilterAddr>,
    cancel: &Cancel,
) -> Result<Process, Fatal> {
    let mut process = line.spawn().map_err(|error| cannot_start(line, suite, who, &error))?;
    let Some(ready) = ready else { return Ok(process) };
    let limit = suite.ready_timeout;
    let ended = tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Fatal::new(FatalKind::Cancelled, "stopped")),
        status = process.wait() => Ok(status),
        accepted = tokio::time::timeout(limit, accepts(ready)) => match accepted {
            Ok(()) => return Ok(process),
            Err(_) => Err(silent(who, limit, ready)),
        },
    };
    let fatal = match ended {
        Ok(status) => gone(who, status, process.has_left_others()),
        Err(fatal) => fatal,
    };
    process.stop(suite.stop_signal, suite.stop_timeout.min(GIVE_UP_LIMIT)).await;
    Err(with_output(fatal, &mut process, &line.shown()).await)
}

/// It has ended before it was ready.
fn gone(who: &str, status: ExitStatus, has_left_others: bool) -> Fatal {
    let text = format!("{who} ended before it accepted a connection: {}", describe(status));
    let help = (status.success() || has_left_others).then(|| {
        "has it gone into the background? it has to stay: give it the option for that (-f, -D, --nodaemon, `Foreground yes`, ...)"
            .to_owned()
    });
    Fatal { help, ..Fatal::new(FatalKind::Harness, text) }
}

/// It runs, and is not ready.
fn silent(who: &str, limit: Duration, ready: &MilterAddr) -> Fatal {
    let limit = duration_text(limit);
    let help = "does it listen there? the command, or a file it reads, takes {listen}; if it is slow to start, `ready_timeout` in \
                fake-mta.toml is the limit; if it changes its user, `user` there gives it the folder";
    let fatal = Fatal::new(FatalKind::Harness, format!("{who} runs, but accepted no connection within {limit}"));
    Fatal { notes: vec![format!("tried: {ready}")], help: Some(help.into()), ..fatal }
}

/// Ends when the milter takes a connection; the connection is closed at once, before a packet goes over it.
async fn accepts(milter: &MilterAddr) {
    let mut pause = FIRST_PAUSE;
    loop {
        let connected = match milter {
            MilterAddr::Unix(path) => UnixStream::connect(path).await.is_ok(),
            MilterAddr::Tcp(addr) => TcpStream::connect(addr).await.is_ok(),
        };
        if connected {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

fn cannot_start(line: &CommandLine, suite: &Suite, who: &str, error: &std::io::Error) -> Fatal {
    let program = crate::diag::escape(&line.words[0]).into_owned();
    let (text, help) = match error.kind() {
        std::io::ErrorKind::NotFound if !line.cwd.is_dir() => {
            (format!("cannot start {who}: no folder {}", line.cwd.display()), "see `cwd` in fake-mta.toml")
        }
        std::io::ErrorKind::NotFound if line.words[0].starts_with('.') => (
            format!("cannot start {who}: no program `{program}` in {}", line.cwd.display()),
            "it starts in the folder `cwd` of fake-mta.toml, seen from that file; `build` there makes it before the run",
        ),
        std::io::ErrorKind::NotFound => (
            format!("cannot start {who}: no program `{program}`"),
            "a name without `/` is looked for in PATH; `build` in fake-mta.toml makes it before the run",
        ),
        std::io::ErrorKind::PermissionDenied => {
            (format!("cannot start {who}: `{program}` may not be executed"), "is it a program, and has it the x bit?")
        }
        _ => (format!("cannot start {who}: `{program}`: {error}"), "see `command` in fake-mta.toml"),
    };
    let place = suite.command.first().map(|word| format!("named at {}", word.span()));
    Fatal { notes: place.into_iter().collect(), help: Some(help.into()), ..Fatal::new(FatalKind::Harness, text) }
}

/// The pauses between attempts to connect begin here and double.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause between two attempts to connect.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// How long a milter that did not come up may take to stop.
const GIVE_UP_LIMIT: Duration = Duration::from_secs(2);
