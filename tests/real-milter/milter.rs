//! The process of spf-milter.

use std::{fs, fs::File, process::Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::{
    net::{TcpStream, UnixStream},
    process::{Child, Command},
};

use crate::world::until;

/// A running spf-milter with a configuration file and a log.
pub(crate) struct Milter {
    child: Child,
    name: &'static str,
}

impl Milter {
    /// Starts it with this configuration, as the user that the systemd unit names; it listens when this is done. Its files are called
    /// after `name`.
    pub(crate) async fn start(name: &'static str, config: &str) -> Result<Self, String> {
        fs::write(config_path(name), config).map_err(|error| error.to_string())?;
        // The user may not be allowed to reach the folder that it was built in.
        fs::copy(env!("CARGO_BIN_EXE_spf-milter-under-test"), program(name)).map_err(|error| error.to_string())?;
        let milter = Self { child: spawn(name)?, name };
        let address = config.lines().find_map(|line| line.strip_prefix("listen = \"")?.strip_suffix('"'));
        let address = address.ok_or("the guide's configuration says where to listen")?.to_owned();
        until("spf-milter listens", async || accepts(&address).await).await.map_err(|late| late + &milter.log())?;
        Ok(milter)
    }

    /// Gives it another configuration, and says so.
    pub(crate) async fn reload(&self, config: &str) -> Result<(), String> {
        fs::write(config_path(self.name), config).map_err(|error| error.to_string())?;
        self.signal("HUP")
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) -> Result<(), String> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).ok_or("spf-milter has ended")?;
        let signal: Signal = format!("SIG{signal}").parse().map_err(|_| format!("no such signal: {signal}"))?;
        kill(Pid::from_raw(id), signal).map_err(|error| error.to_string())
    }

    /// Waits until it has ended, which must be of its own will.
    pub(crate) async fn ended(&mut self) -> Result<(), String> {
        let status = self.child.wait().await.map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("spf-milter ended with {status}\n{}", self.log())) }
    }

    /// Waits until it is gone.
    pub(crate) async fn killed(&mut self) {
        self.child.wait().await.ok();
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log_path(self.name)).unwrap_or_else(|error| error.to_string())
    }
}

fn spawn(name: &str) -> Result<Child, String> {
    let log = File::options().create(true).append(true).open(log_path(name)).map_err(|error| error.to_string())?;
    Command::new("setpriv")
        .args(["--reuid", "spf-milter", "--regid", "spf-milter", "--clear-groups"])
        .arg(program(name))
        .arg("--config")
        .arg(config_path(name))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| error.to_string())
}

async fn accepts(address: &str) -> bool {
    match address.split_once(':') {
        Some(("unix", path)) => UnixStream::connect(path).await.is_ok(),
        Some((_, rest)) => {
            let (port, host) = rest.split_once('@').unwrap_or((rest, "127.0.0.1"));
            TcpStream::connect(format!("{host}:{port}")).await.is_ok()
        }
        None => false,
    }
}

fn program(name: &str) -> String {
    format!("/mnt/{name}")
}

fn config_path(name: &str) -> String {
    format!("/mnt/{name}.toml")
}

fn log_path(name: &str) -> String {
    format!("/mnt/{name}.log")
}
