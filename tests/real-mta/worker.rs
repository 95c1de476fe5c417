//! Processes that play units through a real MTA, each in namespaces of its own; this side starts and asks them.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use libtest_mimic::Failed;

use crate::{
    inside,
    installed::{Installed, UNSHARE},
    record::{Answer, Record},
    units::Kind,
};

/// Starts workers when they are needed, and keeps them for the next unit.
pub(crate) struct Pool {
    installed: Installed,
    idle: Idle,
}

type Idle = Arc<Mutex<Vec<Worker>>>;

/// A worker that has been asked.
pub(crate) struct Asked {
    worker: Worker,
    idle: Idle,
}

struct Worker {
    kind: Kind,
    child: Child,
    /// `None` once the worker was told that no more comes.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Pool {
    /// A pool without workers yet.
    pub(crate) fn new(installed: Installed) -> Self {
        Self { installed, idle: Idle::default() }
    }

    /// Has the unit of that name played. The answer comes later.
    pub(crate) fn ask(&self, kind: Kind, name: &str) -> Result<Asked, Failed> {
        let mut worker = match self.idle_worker(kind) {
            Some(worker) => worker,
            None => Worker::start(kind, &self.installed)?,
        };
        let questions = worker.questions.as_mut().expect("a worker in the pool takes questions");
        writeln!(questions, "{name}")?;
        Ok(Asked { worker, idle: Arc::clone(&self.idle) })
    }

    fn idle_worker(&self, kind: Kind) -> Option<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let index = idle.iter().position(|worker| worker.kind == kind)?;
        Some(idle.swap_remove(index))
    }
}

impl Asked {
    /// Waits for the answer.
    pub(crate) fn answer(mut self) -> Result<Record, Failed> {
        let mut line = String::new();
        self.worker.answers.read_line(&mut line)?;
        if line.is_empty() {
            return Err(Failed::from("the process that plays the real MTA has ended; what it wrote stands above"));
        }
        let answer: Answer = serde_json::from_str(&line)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.worker);
        match answer {
            Answer::Played(record) => Ok(record),
            Answer::Failed(reason) => Err(Failed::from(format!("the real MTA could not play: {reason}"))),
        }
    }
}

impl Worker {
    fn start(kind: Kind, installed: &Installed) -> Result<Self, Failed> {
        let mut child = Command::new("unshare")
            .args(UNSHARE)
            .arg(env::current_exe()?)
            .env(inside::KIND, kind.word())
            .env(inside::SENDMAIL, &installed.sendmail)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output was asked for"));
        Ok(Self { kind, child, questions, answers })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // At the end of its input it goes, and everything in its namespaces with it. One that is busy is killed.
        self.questions.take();
        if std::thread::panicking() {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}
