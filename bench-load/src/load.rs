//! The load: `fake-mta bench` at an MTA's pace, a process of its own.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Done;

/// What is done to a filter.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    /// The program fake-mta.
    pub fake_mta: &'a str,
    /// Whether connections are kept.
    pub reuse: Reuse,
    /// How many messages.
    pub messages: usize,
    /// How many connections at a time.
    pub connections: usize,
}

/// Whether a connection serves one message or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    Never,
    Always,
}

/// The kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Socket {
    Unix,
    Tcp,
}

/// What the load found, for whole messages.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub messages: usize,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Load<'_> {
    /// Hands in all messages.
    ///
    /// # Errors
    /// The filter broke off, or an answer was another than at first.
    pub fn run(&self, address: &str) -> Done<Found> {
        let share = self.messages.div_ceil(self.connections);
        let reuse = if self.reuse == Reuse::Never { 1 } else { share };
        let output = Command::new(self.fake_mta)
            .args(["bench", concat!(env!("CARGO_MANIFEST_DIR"), "/cost.toml"), "--milter", address])
            .args(["--connections", &self.connections.to_string(), "--messages", &self.messages.to_string()])
            .args(["--reuse", &reuse.to_string(), "--report", "json"])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{}: {error}", self.fake_mta))?;
        let told =
            || format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).map_err(|_| told())?;
        found(&report).ok_or_else(|| told().into())
    }
}

/// The figures of a report without errors.
fn found(report: &Value) -> Option<Found> {
    let milter = &report["milters"][0];
    let is_clean = milter["errors"] == 0 && milter["unlike"] == 0;
    let whole = milter["stages"].as_array()?.iter().find(|stage| stage["stage"] == "message")?;
    let ms = |name: &str| whole["ms"][name].as_f64();
    let found = Found {
        messages: usize::try_from(milter["messages"].as_u64()?).ok()?,
        per_second: milter["messages_per_second"].as_f64()?,
        p50_ms: ms("p50")?,
        p99_ms: ms("p99")?,
        max_ms: ms("max")?,
    };
    is_clean.then_some(found)
}
