//! The keys that make the service: socket, process, limits, log, metrics.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use milter::{Action, ListenAddr, SocketOptions};
use nix::unistd::{Group, User};
use tracing::Level;

use super::read::parse_listen;
use super::table::TableReader;
use crate::diagnostic::Problem;
use crate::log::{Format, LogConfig, Target};

/// How the daemon runs. Nothing of it but the log's level can change while it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceConfig {
    /// Owner and permissions of a unix socket.
    pub(crate) socket: SocketOptions,
    /// What the process is.
    pub(crate) process: ProcessConfig,
    /// How much it takes on.
    pub(crate) limits: ServiceLimits,
    /// How it logs.
    pub(crate) log: LogConfig,
    /// Where metrics can be read.
    pub(crate) metrics: Option<ListenAddr>,
}

/// What the process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessConfig {
    /// Who it becomes.
    pub(crate) user: Option<User>,
    /// Its group; without one that of the user.
    pub(crate) group: Option<Group>,
    /// Where its number is written.
    pub(crate) pid_file: Option<PathBuf>,
    /// Whether it gives up what it does not need of the file system, where the kernel can do that.
    pub(crate) landlock: bool,
}

/// How much the daemon takes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceLimits {
    /// Connections at a time.
    pub(crate) connections: usize,
    /// Messages at a time.
    pub(crate) messages: usize,
    /// What clients and senders over these two are told.
    pub(crate) over: Action,
    /// How long a stage may take; without one a little longer than the DNS may.
    pub(crate) stage: Option<Duration>,
    /// How long to wait for the MTA's next word.
    pub(crate) idle: Duration,
    /// How long to wait for the MTA to take an answer.
    pub(crate) write: Duration,
    /// How long sessions may go on after the signal to stop.
    pub(crate) drain: Duration,
}

/// Reads all of it.
pub(super) fn read_service(reader: &mut TableReader<'_>) -> ServiceConfig {
    ServiceConfig {
        socket: read_socket(reader),
        process: read_process(reader),
        limits: read_limits(reader),
        log: read_log(reader),
        metrics: reader.parsed("metrics", parse_metrics),
    }
}

fn read_socket(reader: &mut TableReader<'_>) -> SocketOptions {
    let mut socket = SocketOptions { mode: Some(SOCKET_MODE_DEFAULT), owner: None, group: None };
    let Some(mut table) = reader.table("socket") else { return socket };
    socket.mode = table.parsed("mode", parse_mode).or(socket.mode);
    socket.owner = table.parsed("owner", find_user).map(|user| user.uid.as_raw());
    socket.group = table.parsed("group", find_group).map(|group| group.gid.as_raw());
    table.finish();
    socket
}

fn read_process(reader: &mut TableReader<'_>) -> ProcessConfig {
    let mut process = ProcessConfig { user: None, group: None, pid_file: None, landlock: true };
    let Some(mut table) = reader.table("process") else { return process };
    process.user = table.parsed("user", find_user);
    process.group = table.parsed("group", find_group);
    process.pid_file = table.parsed("pid_file", find_path);
    process.landlock = table.boolean("landlock").unwrap_or(true);
    table.finish();
    process
}

fn read_limits(reader: &mut TableReader<'_>) -> ServiceLimits {
    let seconds = |seconds: u64| Duration::from_secs(seconds);
    let mut limits = ServiceLimits {
        connections: 1024,
        messages: 1024,
        over: Action::Tempfail,
        stage: None,
        idle: seconds(7210),
        write: seconds(60),
        drain: seconds(10),
    };
    let Some(mut table) = reader.table("limits") else { return limits };
    let mut count = |key, usual: usize| table.number(key, 1..=100_000).map_or(usual, |number| number as usize);
    limits.connections = count("connections", limits.connections);
    limits.messages = count("messages", limits.messages);
    let mut time = |key, usual: Duration| table.number(key, 1..=86_400).map_or(usual, |number| seconds(number.into()));
    limits.idle = time("idle_s", limits.idle);
    limits.write = time("write_s", limits.write);
    limits.drain = time("drain_s", limits.drain);
    limits.stage = table.number("stage_ms", 100..=600_000).map(|ms| Duration::from_millis(ms.into()));
    let words = [("tempfail", false), ("accept", true)];
    if table.choice("over", &words) == Some(true) {
        limits.over = Action::Accept;
    }
    table.finish();
    limits
}

fn read_log(reader: &mut TableReader<'_>) -> LogConfig {
    let mut log = LogConfig { target: Target::Stderr, format: None, level: Level::INFO };
    let Some(mut table) = reader.table("log") else { return log };
    log.target = table.choice("target", &Target::WORDS).unwrap_or(log.target);
    log.format = table.choice("format", &Format::WORDS);
    log.level = table.choice("level", &LEVELS).unwrap_or(log.level);
    let place = table.place("format");
    match (log.target, log.format, place) {
        (Target::Journald, Some(_), Some(place)) => {
            let problem = Problem::new(place, "the journal has fields of its own: there is no format to choose");
            table.problem(problem.hint("take this key away"));
        }
        (Target::Syslog, Some(Format::Systemd), Some(place)) => {
            let problem = Problem::new(place, "\"systemd\" is the form of lines on stderr, and these go to syslog");
            table.problem(problem.hint("set format = \"text\" or \"json\", or target = \"stderr\""));
        }
        _ => {}
    }
    table.finish();
    log
}

/// Permissions in octal digits.
fn parse_mode(text: &str, span: Range<usize>) -> Result<u32, Problem> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o777);
    let Some(mode) = mode else {
        let problem = Problem::new(span, "`socket.mode` must be permissions in octal digits");
        return Err(problem.hint("as in \"660\": owner and group may connect"));
    };
    if mode & 0o600 != 0o600 {
        let problem = Problem::new(span, "with these permissions the socket's own owner cannot connect");
        return Err(problem.hint("as in \"660\""));
    }
    Ok(mode)
}

fn find_path(text: &str, span: Range<usize>) -> Result<PathBuf, Problem> {
    if text.starts_with('/') && !text.contains('\0') {
        return Ok(PathBuf::from(text));
    }
    Err(Problem::new(span, "the path must be absolute").hint("as in \"/run/spf-milter/spf-milter.pid\""))
}

/// Reads the path of a pid file.
///
/// # Errors
/// It is not absolute.
pub(crate) fn parse_path(text: &str) -> Result<PathBuf, String> {
    find_path(text, 0..0).map_err(|problem| problem.in_one_line())
}

/// Reads the name or number of a user of this machine.
///
/// # Errors
/// There is none.
pub(crate) fn parse_user(text: &str) -> Result<User, String> {
    find_user(text, 0..0).map_err(|problem| problem.in_one_line())
}

/// Reads the name or number of a group of this machine.
///
/// # Errors
/// There is none.
pub(crate) fn parse_group(text: &str) -> Result<Group, String> {
    find_group(text, 0..0).map_err(|problem| problem.in_one_line())
}

/// An address with its port, or a socket as `listen` writes it.
fn parse_metrics(text: &str, span: Range<usize>) -> Result<ListenAddr, Problem> {
    let address = text.parse::<SocketAddr>().map(|address| match address {
        SocketAddr::V4(v4) => ListenAddr::Inet { host: Some(v4.ip().to_string()), port: v4.port() },
        SocketAddr::V6(v6) => ListenAddr::Inet6 { host: Some(v6.ip().to_string()), port: v6.port() },
    });
    address.or_else(|_| parse_listen(text)).map_err(|_| {
        let problem = Problem::new(span, "`metrics` must be an address to listen on");
        problem.hint("as in \"127.0.0.1:9742\" or \"unix:/run/spf-milter/metrics.sock\"")
    })
}

fn find_user(text: &str, span: Range<usize>) -> Result<User, Problem> {
    let found = text.parse().map_or_else(|_| User::from_name(text), |uid: u32| User::from_uid(uid.into()));
    found.ok().flatten().ok_or_else(|| missing("user", text, span, "adduser --system --group"))
}

fn find_group(text: &str, span: Range<usize>) -> Result<Group, Problem> {
    let found = text.parse().map_or_else(|_| Group::from_name(text), |gid: u32| Group::from_gid(gid.into()));
    found.ok().flatten().ok_or_else(|| missing("group", text, span, "addgroup --system"))
}

fn missing(what: &str, name: &str, span: Range<usize>, command: &str) -> Problem {
    let name = name.escape_default();
    Problem::new(span, format!("this machine has no {what} `{name}`")).hint(format!("make it with `{command} {name}`"))
}

const LEVELS: [(&str, Level); 5] = [
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

/// Owner and group may connect, and nobody else.
const SOCKET_MODE_DEFAULT: u32 = 0o660;
