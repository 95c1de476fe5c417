//! The reader's machine: a folder, our programs in the PATH, and a shell.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::{root, shell::Shell};

/// Where one page is tried.
pub(crate) struct World {
    // Ends before the folders go.
    shell: Shell,
    dir: TempDir,
    _bin: TempDir,
    loopback: String,
}

impl World {
    /// A folder with what the reader has.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new(page: &str, uses: &[String]) -> Result<Self, Failed> {
        let bin = programs(uses.iter().any(|folder| folder == "bin"))?;
        let dir = tempfile::Builder::new().prefix("book-").tempdir()?;
        for folder in uses.iter().filter(|folder| *folder != "bin") {
            copy(&root().join(folder), &dir.path().join(folder))
                .map_err(|error| format!("{page}: uses {folder}: {error}"))?;
        }
        let path = format!("{}:{}", bin.path().display(), search_path());
        let shell = Shell::start(dir.path(), &path, bin.path().join("output"))?;
        Ok(Self { shell, dir, _bin: bin, loopback: loopback() })
    }

    /// Writes a file of the reader's.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<(), Failed> {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in the folder"))?;
        Ok(fs::write(path, text.replace(LOOPBACK, &self.loopback))?)
    }

    /// Runs a command and gives what the reader sees; of one that goes on, the first lines.
    ///
    /// # Errors
    /// The shell is gone, or a command that goes on does not get ready.
    pub(crate) fn run(&mut self, command: &str, lines: usize) -> Result<Vec<String>, Failed> {
        let command = command.replace(LOOPBACK, &self.loopback);
        let code = self.shell.run(&command)?;
        if command.ends_with('&') {
            self.wait_until_ready(&command, lines)?;
        }
        let printed = self.shell.printed().replace(&self.loopback, LOOPBACK);
        let mut shown: Vec<String> = printed.lines().map(|line| line.trim_end().to_owned()).collect();
        if code != 0 {
            shown.push(format!("[exit code {code}]"));
        }
        Ok(shown)
    }

    /// What goes on is ready when it has printed what is shown of it; if that is nothing, when its sockets accept connections.
    fn wait_until_ready(&self, command: &str, lines: usize) -> Result<(), Failed> {
        let words = command.split(|letter: char| letter.is_whitespace() || letter == '=' || letter == '\'');
        let addrs: Vec<Addr> = words.filter_map(|word| Addr::parse(word, self.dir.path())).collect();
        let ready = || match lines {
            0 => addrs.iter().all(Addr::accepts),
            _ => self.shell.printed().lines().count() >= lines,
        };
        until(ready).map_err(|()| Failed::from(format!("`{command}` does not get ready: {}", self.shell.printed())))
    }

    /// Waits until something in the background has written a file.
    ///
    /// # Errors
    /// It does not come.
    pub(crate) fn wait_for(&self, path: &str) -> Result<(), Failed> {
        let file = self.dir.path().join(path);
        let is_written = || fs::metadata(&file).is_ok_and(|file| file.len() > 0);
        until(is_written).map_err(|()| Failed::from(format!("{path} does not come")))
    }
}

/// Looks again and again; the patience is for a machine that has much to do.
fn until(done: impl Fn() -> bool) -> Result<(), ()> {
    let end = Instant::now() + PATIENCE;
    while !done() {
        if Instant::now() > end {
            return Err(());
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Whether a command succeeds, as in `needs: go version`.
pub(crate) fn is_there(command: &str) -> bool {
    let run = Command::new("sh")
        .args(["-c", command])
        .env("PATH", search_path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    run.is_ok_and(|status| status.success())
}

/// The system's own programs go first: its Python is the one that has the system's modules.
fn search_path() -> String {
    format!("/usr/bin:/bin:{}", std::env::var("PATH").unwrap_or_default())
}

/// Our programs under their real names. `{bin}` in suite files is the folder that they are in, so these must not be symbolic links.
///
/// Links cost nothing, but a repository may be in a folder that not every user can look into; a page that becomes another user has copies.
fn programs(copies: bool) -> Result<TempDir, Failed> {
    let place = if copies { std::env::temp_dir() } else { PathBuf::from(env!("CARGO_TARGET_TMPDIR")) };
    let bin = tempfile::Builder::new().prefix("bin-").tempdir_in(place)?;
    fs::set_permissions(bin.path(), fs::Permissions::from_mode(0o755))?;
    for (name, built) in [
        ("fake-mta", env!("CARGO_BIN_EXE_fake-mta-under-test")),
        ("fake-dns", env!("CARGO_BIN_EXE_fake-dns-under-test")),
        ("spf-milter", env!("CARGO_BIN_EXE_spf-milter-under-test")),
    ] {
        let path = bin.path().join(name);
        let link = if copies { Err(std::io::ErrorKind::Unsupported.into()) } else { fs::hard_link(built, &path) };
        link.or_else(|_| fs::copy(built, &path).map(drop))?;
    }
    Ok(bin)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().expect("it is in the folder"))?;
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// A loopback address for this page alone, so that the ports in its commands are free. Where there is one such address only, it is that.
fn loopback() -> String {
    static PAGES: AtomicU8 = AtomicU8::new(0);
    if !cfg!(target_os = "linux") {
        return LOOPBACK.to_owned();
    }
    let [_, _, high, low] = std::process::id().to_be_bytes();
    format!("127.{}.{high}.{low}", 100 + PAGES.fetch_add(1, Ordering::Relaxed) % 100)
}

/// Where something listens, as commands name it.
enum Addr {
    Unix(PathBuf),
    Inet(SocketAddr),
}

impl Addr {
    fn parse(word: &str, dir: &Path) -> Option<Self> {
        if let Some(path) = word.strip_prefix("unix:") {
            return Some(Self::Unix(dir.join(path)));
        }
        match word.strip_prefix("inet:").and_then(|rest| rest.split_once('@')) {
            Some((port, host)) => format!("{host}:{port}").parse().ok().map(Self::Inet),
            None => word.parse().ok().map(Self::Inet),
        }
    }

    fn accepts(&self) -> bool {
        match self {
            Self::Unix(path) => UnixStream::connect(path).is_ok(),
            Self::Inet(addr) => TcpStream::connect(addr).is_ok(),
        }
    }
}

const LOOPBACK: &str = "127.0.0.1";

const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(10);
