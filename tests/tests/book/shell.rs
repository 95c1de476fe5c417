//! A shell that takes one command after the other.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use libtest_mimic::Failed;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A running shell. What it has started ends with it.
pub(crate) struct Shell {
    child: Child,
    commands: ChildStdin,
    codes: BufReader<ChildStdout>,
    output: PathBuf,
}

impl Shell {
    /// Starts a shell in `dir`; what commands print goes through the file `output`.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(dir: &Path, path: &str, output: PathBuf) -> Result<Self, Failed> {
        let mut child = Command::new("sh")
            .current_dir(dir)
            // A group of its own, by which everything ends that a page has started.
            .process_group(0)
            .env("PATH", path)
            .envs([("NO_COLOR", "1"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC"), ("COLUMNS", "110")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = child.stdin.take().expect("it is piped");
        let codes = BufReader::new(child.stdout.take().expect("it is piped"));
        Ok(Self { child, commands, codes, output })
    }

    /// Runs a command to its end, or starts it if it ends in `&`; gives its exit code.
    ///
    /// # Errors
    /// The shell is gone.
    pub(crate) fn run(&mut self, command: &str) -> Result<i32, Failed> {
        let output = self.output.display();
        fs::write(&self.output, "")?;
        writeln!(self.commands, "{{\n{command}\n}} >>{output} 2>&1 </dev/null\necho $?")?;
        self.commands.flush()?;
        let mut code = String::new();
        self.codes.read_line(&mut code)?;
        Ok(code.trim().parse().map_err(|_| format!("the shell ended at `{command}`"))?)
    }

    /// What the last command has printed up to now.
    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output).unwrap_or_default()).into_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // SIGTERM first, so that milters and servers can clean up; none of them is waited for.
        let group = i32::try_from(self.child.id()).map(Pid::from_raw);
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            let _ = group.map(|group| killpg(group, signal));
        }
        let _ = self.child.wait();
    }
}
