//! A real MTA that runs.

use std::{fs, io, os::unix::process::ExitStatusExt as _, path::Path, process::Stdio, time::Duration};

use fake_mta::scenario::{MacroStage, Unit};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::{postfix::Postfix, sendmail::Sendmail, units::Kind};

/// One of the two, started for one unit.
pub(crate) enum RealMta {
    Sendmail(Sendmail),
    Postfix(Postfix),
}

impl RealMta {
    /// Starts it with the unit's configuration and the milter at that port of 127.0.0.1; it listens when this is done.
    pub(crate) async fn start(kind: Kind, unit: &Unit, milter_port: u16) -> Result<Self, String> {
        Ok(match kind {
            Kind::Sendmail => Self::Sendmail(Sendmail::start(unit, milter_port).await?),
            Kind::Postfix => Self::Postfix(Postfix::start(unit, milter_port).await?),
        })
    }

    /// Waits until every message that was taken has gone where it goes.
    pub(crate) async fn drain(&mut self) -> Result<(), String> {
        match self {
            // sendmail delivers before it replies.
            Self::Sendmail(_) => Ok(()),
            Self::Postfix(postfix) => postfix.drain().await,
        }
    }

    /// Lets go of messages in quarantine, and waits until they have arrived. `false` if there are none.
    pub(crate) async fn release_held(&mut self) -> Result<bool, String> {
        match self {
            Self::Sendmail(sendmail) => sendmail.release_held().await,
            Self::Postfix(postfix) => postfix.release_held().await,
        }
    }

    /// Ends it; what it logged comes back.
    pub(crate) async fn stop(self) -> String {
        match self {
            Self::Sendmail(sendmail) => sendmail.stop().await,
            Self::Postfix(postfix) => postfix.stop().await,
        }
    }
}

/// Starts the MTA's daemon in a process group of its own, and waits until it listens on both addresses.
///
/// # Errors
/// It ended, or did not listen in time.
pub(crate) async fn start_daemon(command: &mut Command) -> Result<Child, String> {
    command.process_group(0).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("cannot start the MTA: {error}"))?;
    let deadline = Instant::now() + START_LIMIT;
    while !is_listening() {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("the MTA ended at once: {status}"));
        }
        if Instant::now() > deadline {
            return Err(format!("the MTA does not listen after {} s", START_LIMIT.as_secs()));
        }
        sleep(PAUSE).await;
    }
    Ok(child)
}

/// Ends the daemon and its children.
pub(crate) async fn stop_daemon(mut child: Child) {
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()) {
        killpg(Pid::from_raw(group), Signal::SIGTERM).ok();
    }
    if tokio::time::timeout(STOP_LIMIT, child.wait()).await.is_err() {
        child.kill().await.ok();
    }
    // The next one binds the same port: this one's listening sockets must be gone.
    let deadline = Instant::now() + STOP_LIMIT;
    while is_anything_listening() && Instant::now() < deadline {
        sleep(PAUSE).await;
    }
}

/// Whether the port of SMTP is open at both addresses. A connection would tell too, but the milter would see it.
fn is_listening() -> bool {
    listening_sockets("/proc/self/net/tcp").any(|address| address == LISTENING_V4)
        && listening_sockets("/proc/self/net/tcp6").next().is_some()
}

fn is_anything_listening() -> bool {
    listening_sockets("/proc/self/net/tcp").chain(listening_sockets("/proc/self/net/tcp6")).next().is_some()
}

/// The local addresses of sockets that listen on port 25, as the kernel writes them.
fn listening_sockets(table: &str) -> impl Iterator<Item = String> + use<> {
    let text = fs::read_to_string(table).unwrap_or_default();
    let lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    lines.into_iter().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (local, _, state) = (words.next()?, words.next()?, words.next()?);
        (state == "0A" && local.ends_with(":0019")).then(|| local.to_owned())
    })
}

/// Runs a program of the MTA to its end.
///
/// # Errors
/// It failed, with what it wrote.
pub(crate) async fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.stdin(Stdio::null()).output().await.map_err(|error| error.to_string())?;
    if output.status.success() || output.status.signal().is_some_and(|signal| signal == 0) {
        return Ok(output.stdout);
    }
    Err(format!("{:?}: {}{}", command.as_std(), output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Whether there is a file in the folder or below whose name begins so.
pub(crate) fn has_file(dir: &Path, prefix: &str) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let found = match entry.file_type() {
            Ok(kind) if kind.is_dir() => has_file(&entry.path(), prefix)?,
            Ok(_) => entry.file_name().to_string_lossy().starts_with(prefix),
            // It went away while this looked.
            Err(_) => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Asks again and again, until the answer is yes.
///
/// # Errors
/// It never was; `what` says what was waited for.
pub(crate) async fn wait_until(what: &str, mut is_done: impl FnMut() -> io::Result<bool>) -> Result<(), String> {
    let deadline = Instant::now() + DELIVERY_LIMIT;
    while !is_done().map_err(|error| error.to_string())? {
        if Instant::now() > deadline {
            return Err(format!("{what}: not within {} s", DELIVERY_LIMIT.as_secs()));
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// The scenario's own macro lists.
pub(crate) fn macro_lists(unit: &Unit) -> impl Iterator<Item = (MacroStage, &str)> {
    unit.scenario.mta.macros.iter().map(|(stage, names)| (*stage, names.value.as_str()))
}

/// 192.0.2.25, port 25, as the kernel writes it.
const LISTENING_V4: &str = "190200C0:0019";

/// How long an MTA may take to listen.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long it may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How long the delivery of a message may take.
const DELIVERY_LIMIT: Duration = Duration::from_secs(30);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);
