//! A case: one thing that an MTA may do to a milter.

use std::{fmt, str::FromStr};

use super::{special::Special, step::Step};
use crate::scenario::Unknown;

/// One thing that is tried.
#[derive(Debug)]
pub struct Case {
    /// `group/name`; stable from version to version.
    pub id: String,
    /// How much it matters.
    pub level: Level,
    /// What is done, and what has to come of it, as a sentence without its full stop.
    pub title: String,
    /// Why it matters to somebody who runs the milter.
    pub reason: &'static str,
    /// What libmilter, the library of the reference implementation, does.
    pub standard: &'static str,
    /// Which real MTA does this, and when.
    pub seen: &'static str,
    pub(super) run: Run,
}

/// How much a case matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A milter that fails it breaks with an MTA that is in use, or can be brought down from outside.
    Must,
    /// A milter that fails it breaks in a setting that is rare, or serves worse than it could.
    Should,
    /// No MTA in use does this and milters differ, or both MTAs mend it.
    May,
}

/// How a case is played.
#[derive(Debug)]
pub(super) enum Run {
    /// Step by step over one connection, or one after the other.
    Script(Vec<Step>),
    /// By code of its own.
    Special(Special),
}

impl Case {
    /// The part of the id before the slash.
    pub fn group(&self) -> &str {
        self.id.split_once('/').map_or(self.id.as_str(), |(group, _)| group)
    }

    /// A case that does nothing yet.
    pub(super) fn new(id: impl Into<String>, level: Level, title: impl Into<String>) -> Self {
        let run = Run::Script(Vec::new());
        Self { id: id.into(), level, title: title.into(), reason: "", standard: "", seen: "", run }
    }

    pub(super) fn why(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }

    pub(super) fn standard(self, standard: &'static str) -> Self {
        Self { standard, ..self }
    }

    pub(super) fn seen(self, seen: &'static str) -> Self {
        Self { seen, ..self }
    }

    pub(super) fn script(self, steps: impl Into<Vec<Step>>) -> Self {
        Self { run: Run::Script(steps.into()), ..self }
    }

    pub(super) fn special(self, special: Special) -> Self {
        Self { run: Run::Special(special), ..self }
    }
}

impl Level {
    /// All, with their words.
    pub const ALL: [(&'static str, Self); 3] = [("must", Self::Must), ("should", Self::Should), ("may", Self::May)];
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::ALL.into_iter().find(|(_, level)| level == self).map(|(word, _)| word);
        f.pad(word.unwrap_or_default())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|(word, _)| *word == text);
        known.map(|(_, level)| level).ok_or_else(|| {
            let unknown = Unknown::new("level", text, Self::ALL.map(|(word, _)| word));
            format!("{unknown}, {}", unknown.help)
        })
    }
}
