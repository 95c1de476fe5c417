//! What is told of a replay: a line for each capture, and a summary by group.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde_json::{Value, json};

use super::{
    Capture, Replayed,
    known::{self, Respect},
};
use crate::diag::escape;

/// One capture and what became of it.
#[derive(Debug)]
pub struct Judged {
    mta: String,
    name: String,
    group: String,
    replayed: Replayed,
    /// Why packets, replies or messages are known to differ.
    known: Option<&'static str>,
    /// Why the log is known to differ.
    log_known: Option<&'static str>,
}

/// How a capture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Packets, replies and messages are equal.
    Equal,
    /// It differs, as the list of known differences says.
    Known,
    /// It differs.
    Differs,
    /// It is on the list of known differences, and is equal all the same.
    KnownIsEqual,
}

/// All captures of a run.
#[derive(Debug, Default)]
pub(super) struct Report {
    judged: Vec<Judged>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    total: usize,
    equal: usize,
    known: usize,
    log_equal: usize,
}

impl Judged {
    /// The capture's name, and why it is known to differ if it is.
    pub(super) fn new(capture: &Capture, replayed: Replayed) -> Self {
        Self {
            mta: capture.mta.clone(),
            name: capture.name.clone(),
            group: capture.group.clone(),
            replayed,
            known: known::reason(&capture.mta, &capture.name, Respect::Session),
            log_known: known::reason(&capture.mta, &capture.name, Respect::Log),
        }
    }

    /// How it stands.
    pub fn verdict(&self) -> Verdict {
        match (self.replayed.is_equal(), self.known) {
            (true, None) => Verdict::Equal,
            (true, Some(_)) => Verdict::KnownIsEqual,
            (false, Some(_)) => Verdict::Known,
            (false, None) => Verdict::Differs,
        }
    }

    /// Whether the log lines about filters are equal too.
    pub fn log_is_equal(&self) -> bool {
        self.replayed.log_is_equal()
    }

    /// Whether the log lines are as they should be: equal, or different for a reason that is known.
    pub fn log_is_good(&self) -> bool {
        self.log_is_equal() || self.log_known.is_some()
    }

    fn to_json(&self) -> Value {
        let differences: Vec<Value> = self.replayed.differences.iter().map(super::Difference::to_json).collect();
        json!({
            "mta": self.mta,
            "name": self.name,
            "group": self.group,
            "verdict": self.verdict().name(),
            "equal": self.replayed.is_equal(),
            "log_equal": self.replayed.log_is_equal(),
            "not_modelled": self.replayed.not_modelled,
            "known": self.known,
            "differences": differences,
        })
    }
}

impl fmt::Display for Judged {
    /// The capture's line, and what differs below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log =
            if self.replayed.log_is_equal() || self.replayed.not_modelled.is_some() { "" } else { ", log differs" };
        // A capture may come from anywhere.
        write!(f, "{}/{}: {}{log}", escape(&self.mta), escape(&self.name), self.verdict().name())?;
        if let Some(key) = &self.replayed.not_modelled {
            write!(f, "\n    not modelled: {}", escape(key))?;
        }
        if let (Verdict::Known | Verdict::KnownIsEqual, Some(reason)) = (self.verdict(), self.known) {
            write!(f, "\n    known: {reason}")?;
        }
        self.replayed.differences.iter().try_for_each(|difference| write!(f, "\n    {difference}"))
    }
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Known => "differs, as is known",
            Self::Differs => "differs",
            Self::KnownIsEqual => "equal, though it is listed as a known difference",
        }
    }

    /// Whether all is as it should be.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Equal | Self::Known)
    }
}

impl Report {
    pub(super) fn push(&mut self, judged: Judged) {
        self.judged.push(judged);
    }

    /// Whether no capture differs but those that are known to.
    pub(super) fn is_good(&self) -> bool {
        self.judged.iter().all(|judged| judged.verdict().is_good())
    }

    /// The captures of each group by MTA, and the last line: all of them.
    pub(super) fn summary(&self) -> String {
        let mut groups: BTreeMap<(&str, &str), Tally> = BTreeMap::new();
        let mut all = Tally::default();
        for judged in &self.judged {
            groups.entry((&judged.mta, &judged.group)).or_default().count(judged);
            all.count(judged);
        }
        let mut text = String::from("mta       group              captures  equal  known  log equal\n");
        for ((mta, group), tally) in &groups {
            let Tally { total, equal, known, log_equal } = tally;
            let (mta, group) = (escape(mta), escape(group));
            let _ = writeln!(text, "{mta:<8}  {group:<18} {total:>8}  {equal:>5}  {known:>5}  {log_equal:>9}");
        }
        let differ = all.total - all.equal - all.known;
        let _ = writeln!(
            text,
            "{} captures: {} equal, {} differ as is known, {differ} differ; logs: {} equal",
            all.total, all.equal, all.known, all.log_equal
        );
        text
    }

    /// The whole report for programs.
    pub(super) fn to_json(&self) -> Value {
        let mut all = Tally::default();
        self.judged.iter().for_each(|judged| all.count(judged));
        let captures: Vec<Value> = self.judged.iter().map(Judged::to_json).collect();
        json!({
            "captures": captures,
            "total": all.total,
            "equal": all.equal,
            "known": all.known,
            "log_equal": all.log_equal,
        })
    }
}

impl Tally {
    fn count(&mut self, judged: &Judged) {
        self.total += 1;
        self.equal += usize::from(judged.replayed.is_equal());
        self.known += usize::from(judged.verdict() == Verdict::Known);
        self.log_equal += usize::from(judged.replayed.log_is_equal());
    }
}
