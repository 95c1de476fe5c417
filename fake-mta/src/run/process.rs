//! A child process with everything that it started in turn.

use std::{
    io,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{family, remains, tail::Tail};
use crate::suite::StopSignal;

/// What to start.
#[derive(Clone, Debug)]
pub(super) struct CommandLine {
    /// What the command is started by, as `unshare`; it is not shown.
    pub(super) wrapper: Vec<String>,
    /// The program and its arguments; at least one word.
    pub(super) words: Vec<String>,
    /// Environment beside our own.
    pub(super) env: Vec<(String, String)>,
    /// The folder it starts in.
    pub(super) cwd: PathBuf,
}

/// A running process in a process group of its own. Dropping it kills the group, and what has left the group since.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Pid,
    /// Its group ends even if the program ends at once; nothing once it has ended.
    remains: Option<remains::Group>,
    mark: String,
    /// What it needs beside it: ended when it has ended.
    helpers: Vec<Self>,
    output: Tail,
    readers: Vec<JoinHandle<()>>,
    status: Option<ExitStatus>,
    left_behind: usize,
}

impl CommandLine {
    /// The words as one would type them.
    pub(super) fn shown(&self) -> String {
        self.words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// Starts it, with no input and its output kept.
    ///
    /// # Errors
    /// What the system says, as a rule that there is no such program.
    pub(super) fn spawn(&self) -> io::Result<Process> {
        let mut words = self.wrapper.iter().chain(&self.words);
        let mut command = Command::new(words.next().expect("a command has at least one word"));
        let mark = family::mark();
        command.args(words).env(family::MARK, &mark).envs(self.env.iter().cloned()).current_dir(&self.cwd);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Its own group: a shell script's children go with it, and a Ctrl-C at the terminal reaches us alone.
        command.process_group(0).kill_on_drop(true);
        let (mut child, remains) = remains::spawn(&mut command)?;
        let (group, remains) = (remains.id(), Some(remains));
        let output = Tail::default();
        let mut readers = Vec::new();
        readers.extend(child.stdout.take().map(|stream| output.follow(stream)));
        readers.extend(child.stderr.take().map(|stream| output.follow(stream)));
        Ok(Process { child, group, remains, mark, helpers: Vec::new(), output, readers, status: None, left_behind: 0 })
    }
}

impl Process {
    /// Waits for its end. May be called again.
    pub(super) async fn wait(&mut self) -> ExitStatus {
        if let Some(status) = self.status {
            return status;
        }
        // Waiting for a child of our own only fails if it is not one; then there is nothing left to wait for.
        let status = self.child.wait().await.unwrap_or_else(|_| ExitStatus::from_raw(0));
        self.has_ended(status)
    }

    fn has_ended(&mut self, status: ExitStatus) -> ExitStatus {
        self.status = Some(status);
        // What it started may outlive it.
        self.left_behind = family::beyond(&self.mark, self.group);
        self.kill_family();
        self.remains = None;
        self.helpers.clear();
        status
    }

    /// Gives it what has to run beside it.
    pub(super) fn with(mut self, helpers: Vec<Self>) -> Self {
        self.helpers = helpers;
        self
    }

    /// Whether it left processes behind in sessions or groups of their own, as one does that goes into the background.
    pub(super) fn has_left_others(&self) -> bool {
        self.left_behind > 0
    }

    fn kill_family(&self) {
        self.signal(Signal::SIGKILL);
        family::kill(&self.mark);
    }

    /// Its id, which is that of its group too.
    pub(super) fn id(&self) -> u32 {
        self.group.as_raw().unsigned_abs()
    }

    /// Ends it with everything that it started.
    pub(super) async fn kill(&mut self) {
        self.kill_family();
        self.wait().await;
    }

    /// Its end, if it has ended.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.has_ended(status);
        }
        self.status
    }

    /// Asks it to stop, and kills it if it has not within `limit`; the second value says whether that was needed.
    pub(super) async fn stop(&mut self, signal: StopSignal, limit: Duration) -> (ExitStatus, bool) {
        if self.ended().is_none() {
            self.signal(signal_number(signal));
        }
        if let Ok(status) = timeout(limit, self.wait()).await {
            return (status, false);
        }
        self.signal(Signal::SIGKILL);
        (self.wait().await, true)
    }

    /// The last lines it wrote; waits a moment for what is still in the pipe if it has ended.
    pub(super) async fn last_lines(&mut self) -> Vec<String> {
        if self.status.is_some() {
            for reader in self.readers.drain(..) {
                // A grandchild in a group of its own could hold the pipe open for ever.
                let _ = timeout(PIPE_LIMIT, reader).await;
            }
        }
        self.output.lines()
    }

    fn signal(&self, signal: Signal) {
        // It fails if the group is gone, which is what was wanted.
        let _ = killpg(self.group, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.kill_family();
        }
        self.readers.iter().for_each(JoinHandle::abort);
    }
}

/// An exit status in words: `exit status 3`, `signal 11 (SIGSEGV)`.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(number)) => match Signal::try_from(number) {
            Ok(signal) => format!("signal {number} ({})", signal.as_str()),
            Err(_) => format!("signal {number}"),
        },
        (None, None) => "an unknown end".to_owned(),
    }
}

/// Whether a process ended as one that was asked to by `signal`.
pub(super) fn is_orderly(status: ExitStatus, signal: StopSignal) -> bool {
    status.code().is_some() || status.signal() == Some(signal_number(signal) as i32)
}

fn signal_number(signal: StopSignal) -> Signal {
    match signal {
        StopSignal::Term => Signal::SIGTERM,
        StopSignal::Int => Signal::SIGINT,
        StopSignal::Quit => Signal::SIGQUIT,
        StopSignal::Hup => Signal::SIGHUP,
    }
}

/// A word as a shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", crate::diag::escape(word).replace('\'', r"'\''"))
}

/// How long the rest of a dead process's output is waited for.
const PIPE_LIMIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CommandLine {
        let words = vec!["sh".into(), "-c".into(), script.into()];
        CommandLine { wrapper: Vec::new(), words, env: Vec::new(), cwd: ".".into() }
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let words = vec!["a b".into(), "--x=1".into(), "it's".into()];
        let line = CommandLine { wrapper: vec!["unshare".into()], words, env: vec![], cwd: ".".into() };
        assert_eq!(line.shown(), r"'a b' --x=1 'it'\''s'");
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_told_with_its_last_words() {
        let mut process = shell("echo out; echo err >&2; exit 3").spawn().expect("a shell");
        let status = process.wait().await;
        assert_eq!(describe(status), "exit status 3");
        let mut lines = process.last_lines().await;
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
    }

    #[tokio::test]
    async fn a_signal_is_named() {
        let mut process = shell("kill -SEGV $$").spawn().expect("a shell");
        assert_eq!(describe(process.wait().await), "signal 11 (SIGSEGV)");
    }

    /// The child holds the pipe open as long as it lives: the reader's end is its end.
    #[tokio::test]
    async fn what_a_script_started_ends_with_it_however_its_end_is_noticed() {
        let started = "while :; do read x </dev/zero; done & exit 0";
        let mut waited = shell(started).spawn().expect("a shell");
        waited.wait().await;
        let mut asked = shell(started).spawn().expect("a shell");
        let ended = async {
            while asked.ended().is_none() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(60), ended).await.expect("the shell ends");
        for process in [&mut waited, &mut asked] {
            for reader in process.readers.drain(..) {
                timeout(Duration::from_secs(60), reader).await.expect("the pipe is closed").expect("no panic");
            }
        }
    }

    /// As daemons do: a session of its own, and nothing of the first process is left.
    #[tokio::test]
    async fn what_has_gone_into_the_background_ends_with_it_too() {
        // The shell waits until the other one has its session, and lets go of the pipe of the substitution.
        let started = "x=$(setsid sh -c 'exec >&2; while :; do read x </dev/zero; done' &); exit 0";
        let mut process = shell(started).spawn().expect("a shell");
        process.wait().await;
        for reader in process.readers.drain(..) {
            timeout(Duration::from_secs(60), reader).await.expect("the pipe is closed").expect("no panic");
        }
        assert!(process.has_left_others());
    }

    #[tokio::test]
    async fn a_process_that_ignores_the_signal_is_killed() {
        let mut process =
            shell("trap '' TERM; echo ready; while :; do read x </dev/zero; done").spawn().expect("a shell");
        let ready = async {
            while process.output.lines().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), ready).await.expect("it says so");
        let (status, killed) = process.stop(StopSignal::Term, Duration::from_millis(1)).await;
        assert_eq!((describe(status).as_str(), killed), ("signal 9 (SIGKILL)", true));
    }
}
