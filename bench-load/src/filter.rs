//! The filters as processes, and the DNS server of the one that asks.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fake_dns::FakeDns;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{Done, load::Socket};

/// A folder, a DNS server and the filter on libmilter.
pub struct World {
    dir: TempDir,
    dns: FakeDns,
    /// Kept: the DNS server lives in it.
    _runtime: Runtime,
}

/// A filter that listens.
pub struct Running {
    child: Child,
    address: String,
    name: &'static str,
}

impl World {
    /// Starts the DNS server, and compiles the filter.
    pub fn new() -> Done<Self> {
        let dir = tempfile::tempdir()?;
        compile(dir.path())?;
        let runtime = Runtime::new()?;
        let dns = runtime.block_on(FakeDns::builder().zone_text("load", ZONE)?.start())?;
        Ok(Self { dir, dns, _runtime: runtime })
    }

    fn address(&self, name: &str, socket: Socket) -> Done<String> {
        match socket {
            Socket::Unix => {
                let path = self.dir.path().join(format!("{name}.sock")).display().to_string();
                fs::remove_file(&path).ok();
                Ok(format!("unix:{path}"))
            }
            Socket::Tcp => {
                let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                Ok(format!("inet:{port}@127.0.0.1"))
            }
        }
    }
}

/// Compiles the filter that does nothing.
pub fn compile(dir: &Path) -> Done<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("do-nothing.c");
    let program = dir.join("do-nothing");
    let compiled =
        Command::new("cc").arg("-O2").arg("-o").arg(&program).arg(source).args(["-lmilter", "-pthread"]).status()?;
    if !compiled.success() {
        return Err("the filter on libmilter does not compile: is libmilter-dev installed (.ci/install-peers)?".into());
    }
    Ok(program)
}

impl Running {
    /// The filter that does nothing, with further arguments, and its address.
    pub fn do_nothing(program: &Path, socket: &Path, arguments: &[&str]) -> Done<(Self, String)> {
        let word = format!("unix:{}", socket.display());
        let running = Self::start("libmilter", Command::new(program).arg(&word).args(arguments), &word)?;
        Ok((running, word))
    }

    /// The filter that does nothing.
    pub fn libmilter(world: &World, socket: Socket) -> Done<Self> {
        let word = world.address("libmilter", socket)?;
        Self::start("libmilter", Command::new(world.dir.path().join("do-nothing")).arg(&word), &word)
    }

    /// spf-milter, as its package runs it, but for the addresses. Its log goes into a file.
    pub fn spf_milter(world: &World, socket: Socket, program: &str) -> Done<Self> {
        let word = world.address("spf-milter", socket)?;
        let log = fs::File::create(world.dir.path().join("log"))?;
        let mut command = Command::new(program);
        command.args(["--listen", &word, "--resolver", &world.dns.addr().to_string()]).stderr(log);
        Self::start("spf-milter", &mut command, &word)
    }

    fn start(name: &'static str, command: &mut Command, address: &str) -> Done<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut running = Self { child, address: address.to_owned(), name };
        loop {
            if accepts(address) {
                return Ok(running);
            }
            if let Some(status) = running.child.try_wait()? {
                return Err(format!("{name} ended with {status}").into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The processor time that all its threads, ended ones too, have used, of the program and the kernel for it.
    pub fn cpu(&self) -> Done<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in parentheses, may hold anything.
        let (_, fields) = text.rsplit_once(") ").ok_or("/proc/PID/stat has a name")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        // Linux gives these times in hundredths of a second, whatever the machine.
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Its memory now and at the most, in KiB.
    pub fn memory_kib(&self) -> Done<(u64, u64)> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let value = |key: &str| -> Done<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(key)).ok_or("/proc/PID/status has it")?;
            Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
        };
        Ok((value("VmRSS:")?, value("VmHWM:")?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Whether somebody listens at an address that this file has written.
fn accepts(address: &str) -> bool {
    let port = || address.strip_prefix("inet:")?.split_once('@')?.0.parse::<u16>().ok();
    match address.strip_prefix("unix:") {
        Some(path) => UnixStream::connect(path).is_ok(),
        None => port().is_some_and(|port| TcpStream::connect(("127.0.0.1", port)).is_ok()),
    }
}

/// The one sender's domain: after the first message its record is in the filter's cache.
const ZONE: &str = ".\t86400 SOA . . 1 1 1 1 86400\nexample.com. 86400 TXT \"v=spf1 ip4:192.0.2.10 -all\"\n";
