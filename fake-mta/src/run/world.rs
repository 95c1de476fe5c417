//! The world of one unit: a temporary folder, a fake DNS server and the milter under test, each of its own.

mod again;
mod chain;
mod dns;
mod folder;
mod start;

pub use dns::DnsAddress;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use fake_dns::FakeDns;
use tokio::net::TcpListener;

use self::{folder::Folder, start::start};
use super::{
    Cancel, Fatal, FatalKind, MilterAddr,
    launch::launch,
    process::{Process, describe, is_orderly},
};
use crate::{
    scenario::Unit,
    suite::{SocketKind, Suite},
};

/// Where the milter under test comes from, and what else is the same for all units of a run.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// The milter to start; `None` if `running` names those that run already.
    pub suite: Option<Arc<Suite>>,
    /// Milters that run already, in the order in which the MTA asks them.
    pub running: Vec<MilterAddr>,
    /// The address of the fake DNS server; `None` takes a free port of the loopback address.
    pub dns: Option<DnsAddress>,
    /// What `{bin}` stands for.
    pub bin: PathBuf,
    /// Leave the temporary folder behind.
    pub keep: bool,
}

/// Everything that a unit plays against. [`World::stop`] ends it; dropping it kills what is left.
#[derive(Debug)]
pub struct World {
    // The order of the fields is that of the end: first the milter, then its resolver, then the folder that holds its socket.
    process: Option<Process>,
    /// The milters behind the first one.
    others: Vec<chain::Member>,
    command: String,
    suite: Option<Arc<Suite>>,
    dns: Arc<FakeDns>,
    /// The address that somebody named, for the next world.
    dns_address: Option<DnsAddress>,
    /// Where the milters listen, in the order in which the MTA asks them; there is at least one.
    milters: Vec<MilterAddr>,
    dir: Folder,
}

impl World {
    /// Starts the DNS server, then the milter, and waits until the milter accepts connections.
    ///
    /// # Errors
    /// The first thing that did not start, in words for the author of the suite.
    pub async fn start(unit: &Unit, options: &WorldOptions, cancel: &Cancel) -> Result<Self, Fatal> {
        let dns = dns::start(unit, options.dns.as_ref()).await?;
        let started = Self::start_milters(unit, options, Arc::clone(&dns), cancel).await;
        if started.is_err() {
            dns::end(dns, options.dns.as_ref()).await;
        }
        started
    }

    async fn start_milters(
        unit: &Unit,
        options: &WorldOptions,
        dns: Arc<FakeDns>,
        cancel: &Cancel,
    ) -> Result<Self, Fatal> {
        let dir = Folder::new(options.keep)?;
        let dns_address = options.dns.clone();
        let Some(suite) = options.suite.clone().filter(|_| options.running.is_empty()) else {
            let milters = chain::running(unit, &options.running)?;
            let (command, others) = (String::new(), Vec::new());
            return Ok(Self { process: None, others, command, suite: None, dns, dns_address, milters, dir });
        };
        let mut attempt = 1;
        loop {
            let milter = free_address(suite.socket, dir.path()).await?;
            let launch = launch(&unit.scenario.milter, &suite, options, &milter, dir.path(), dns.addr())?;
            let started = start(&launch, &suite, &milter, cancel).await;
            match started {
                Ok(process) => {
                    let (command, others) = (launch.milter.shown(), Vec::new());
                    let (process, suite) = (Some(process), Some(suite));
                    let milters = vec![milter];
                    let mut world = Self { process, others, command, suite, dns, dns_address, milters, dir };
                    world.start_others(unit, options, cancel).await?;
                    return Ok(world);
                }
                // Between finding a free port and the milter's own bind another process may have taken it.
                Err(fatal) if suite.socket == SocketKind::Inet && attempt < PORT_ATTEMPTS && says_in_use(&fatal) => {
                    attempt += 1;
                }
                Err(mut fatal) => {
                    if options.keep {
                        fatal.notes.push(format!("folder: {}", dir.path().display()));
                    }
                    return Err(fatal);
                }
            }
        }
    }

    /// Where everything is, for people.
    pub(super) fn description(&self) -> Vec<String> {
        let mut lines = vec![format!("folder: {}", self.dir.path().display())];
        if let Some(process) = &self.process {
            lines.push(format!("milter: {} (process {})", self.command, process.id()));
        }
        lines.extend(self.milters.iter().map(|milter| format!("listens on {milter}")));
        lines.push(format!("DNS server: {}", self.dns.addr()));
        lines
    }

    /// The fake DNS server: its log, its steps, its near misses.
    pub fn dns(&self) -> &Arc<FakeDns> {
        &self.dns
    }

    /// Serves the next unit with the milter that runs: the DNS server is another one, on the same sockets.
    ///
    /// # Errors
    /// The DNS server does not start.
    pub(super) async fn serve(&mut self, unit: &Unit) -> Result<(), Fatal> {
        let idle = dns::idle().await?;
        let old = std::mem::replace(&mut self.dns, idle);
        self.dns = dns::follow(unit, old).await?;
        Ok(())
    }

    /// Where the first milter listens.
    #[expect(clippy::missing_panics_doc, reason = "a world is only made with a milter")]
    pub fn milter(&self) -> &MilterAddr {
        self.milters.first().expect("a world has a milter")
    }

    /// Where all milters listen, in the order in which the MTA asks them.
    pub fn milters(&self) -> &[MilterAddr] {
        &self.milters
    }

    /// The unit's temporary folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Says how a milter ended, if one has; to be asked when its connection broke or did not come about.
    pub async fn milter_end(&mut self) -> Option<Fatal> {
        for other in &mut self.others {
            if let Some(fatal) = other.end().await {
                return Some(fatal);
            }
        }
        let process = self.process.as_mut()?;
        // The connection breaks a moment before the process can be waited for.
        let status = tokio::time::timeout(END_LIMIT, process.wait()).await.ok()?;
        let fatal = Fatal::new(FatalKind::Milter, format!("{ENDED}: {}", describe(status)));
        Some(with_output(fatal, process, &self.command).await)
    }

    /// The last lines that the milter wrote.
    pub async fn milter_output(&mut self) -> Vec<String> {
        match &mut self.process {
            Some(process) => process.last_lines().await,
            None => Vec::new(),
        }
    }

    /// Stops the milter and the DNS server, and removes the folder. Says so if the milter had crashed, or had to be killed.
    pub async fn stop(mut self) -> Option<Fatal> {
        let mut fatal = self.stop_milter().await;
        if let Some(suite) = self.suite.clone() {
            for other in self.others.drain(..) {
                fatal = fatal.or(other.stop(&suite).await);
            }
        }
        dns::end(self.dns, self.dns_address.as_ref()).await;
        fatal
    }

    /// Stops everything, and removes the folder even if it was to be kept.
    pub(super) async fn discard(mut self) {
        self.dir.keep(false);
        self.stop().await;
    }

    /// Asks the milter to stop, and says so if it had crashed, or had to be killed.
    pub(crate) async fn stop_milter(&mut self) -> Option<Fatal> {
        let (process, suite) = (self.process.take()?, self.suite.as_ref()?);
        stop(process, suite, &self.command, self.milters.first()?).await
    }
}

/// Asks a milter to stop, and says so if it had crashed, or had to be killed.
async fn stop(mut process: Process, suite: &Suite, command: &str, milter: &MilterAddr) -> Option<Fatal> {
    let had_ended = process.ended().is_some();
    let stopped = tokio::select! {
        biased;
        stopped = process.stop(suite.stop_signal, suite.stop_timeout) => Some(stopped),
        () = nudge(milter) => None,
    };
    let (status, killed) = stopped.expect("nudging never ends");
    let text = if killed {
        let limit = super::duration_text(suite.stop_timeout);
        format!("the milter did not stop within {limit} of {} and was killed", suite.stop_signal)
    } else if had_ended {
        format!("{ENDED}: {}", describe(status))
    } else if is_orderly(status, suite.stop_signal) {
        return None;
    } else {
        format!("the milter crashed when it was asked to stop: {}", describe(status))
    };
    Some(with_output(Fatal::new(FatalKind::Milter, text), &mut process, command).await)
}

fn no_milter() -> Fatal {
    Fatal::new(FatalKind::Harness, "no milter to talk to")
}

/// An address that nothing listens on.
async fn free_address(socket: SocketKind, dir: &Path) -> Result<MilterAddr, Fatal> {
    match socket {
        SocketKind::Unix => Ok(MilterAddr::Unix(dir.join("m.sock"))),
        SocketKind::Inet => {
            let no_port = |error| Fatal::new(FatalKind::Harness, format!("no free TCP port on 127.0.0.1: {error}"));
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(no_port)?;
            listener.local_addr().map(MilterAddr::Tcp).map_err(no_port)
        }
    }
}

/// Connects now and then to a milter that was asked to stop: libmilter looks at its flag every five seconds, or when somebody comes.
async fn nudge(milter: &MilterAddr) {
    loop {
        tokio::time::sleep(NUDGE_PAUSE).await;
        drop(crate::connector::connect(milter).await);
    }
}

/// Adds the command and the last lines it wrote.
async fn with_output(mut fatal: Fatal, process: &mut Process, command: &str) -> Fatal {
    fatal.notes.push(format!("command: {command}"));
    let lines = process.last_lines().await;
    fatal.notes.push(match lines.is_empty() {
        true => "it wrote nothing".to_owned(),
        false => format!("{LAST_LINES}\n  {}", lines.join("\n  ")),
    });
    fatal
}

fn says_in_use(fatal: &Fatal) -> bool {
    fatal.notes.iter().any(|note| note.to_lowercase().contains("in use"))
}

/// What stands above them.
pub(crate) const LAST_LINES: &str = "its last lines:";

/// What is told of a milter that ended by itself begins so.
pub(crate) const ENDED: &str = "the milter ended during the scenario";

/// How long a milter has to stop by itself before it is nudged, and between two nudges.
const NUDGE_PAUSE: Duration = Duration::from_millis(100);

/// How long a milter whose connection broke may take to end.
const END_LIMIT: Duration = Duration::from_millis(500);

/// So often another port is tried if one was taken in between.
const PORT_ATTEMPTS: u32 = 3;
