//! What a run comes to.

use std::time::Duration;

use super::{Difference, FatalKind, Played};
use crate::{
    diag::Diag,
    lint::Finding,
    scenario::{LineKind, Mismatch, SessionEvents, Unit},
};

/// A unit that was run, and its judgement.
#[derive(Clone, Debug)]
pub struct UnitResult {
    /// What was run.
    pub unit: Unit,
    /// How long it took, from the start of its world to its end.
    pub elapsed: Duration,
    /// What happened.
    pub played: Played,
    /// What is not as the scenario says.
    pub mismatches: Vec<Mismatch>,
    /// What is wrong with what the milter sent, where the scenario does not say that it knows.
    pub warnings: Vec<Warning>,
    /// What may lie behind a failure.
    pub hint: Option<Diag>,
    /// Where the other MTA parts from this one. It stands with the later of the two.
    pub difference: Option<Difference>,
    /// Where the milter answered the other MTA differently though it was told the same, macros apart. With the later of the two too.
    pub milter_differs: Vec<String>,
    /// Whether both MTAs have played the scenario to its end, and this is the later of the two.
    pub is_compared: bool,
    /// Whether warnings and differences are failures.
    pub strict: bool,
    /// The command that runs it alone.
    pub rerun: String,
    /// In how many rounds it failed, and in how many it passed; both 0 if there was one round alone.
    pub rounds: Rounds,
}

/// What a unit came to in the rounds of `--repeat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rounds {
    /// So often it passed.
    pub passed: u32,
    /// So often it failed.
    pub failed: u32,
}

/// Something that the milter did, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it did.
    pub finding: Finding,
    /// The session and the step, both from 0.
    pub at: (usize, usize),
}

impl Warning {
    /// The warnings about a unit, without those of steps whose `W:` lines say what comes.
    pub(super) fn of(unit: &Unit, sessions: &[SessionEvents]) -> Vec<Self> {
        let mut warnings = Vec::new();
        for (number, (session, events)) in unit.scenario.sessions.iter().zip(sessions).enumerate() {
            for (index, (step, events)) in session.steps.iter().zip(&events.steps).enumerate() {
                if !step.expected(&unit.profile).any(|line| line.kind == LineKind::Warning) {
                    let warning = |finding: &Finding| Self { finding: finding.clone(), at: (number, index) };
                    warnings.extend(events.warnings.iter().map(warning));
                }
            }
        }
        warnings
    }
}

/// Whether a unit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Everything was as the scenario says.
    Passed,
    /// Something was not, or it broke off.
    Failed,
    /// It was not run: it cannot be, or the run was stopped before.
    Skipped,
}

impl UnitResult {
    /// Whether it passed.
    pub fn status(&self) -> Status {
        match &self.played.fatal {
            Some(fatal) if fatal.kind == FatalKind::Cancelled => Status::Skipped,
            None if self.played.skipped.is_some() => Status::Skipped,
            None if self.mismatches.is_empty() && !self.fails_by_warnings() => Status::Passed,
            _ => Status::Failed,
        }
    }

    /// Whether it passed in some rounds and failed in others. Its status is that of a failure.
    pub fn is_flaky(&self) -> bool {
        self.rounds.passed > 0 && self.rounds.failed > 0
    }

    /// Takes in what it came to in another round; the first failure is what is told.
    pub(super) fn take_round(&mut self, other: Self) {
        let is_second = self.rounds == Rounds::default();
        for status in [self.status(), other.status()].into_iter().skip(usize::from(!is_second)) {
            self.rounds.passed += u32::from(status == Status::Passed);
            self.rounds.failed += u32::from(status == Status::Failed);
        }
        if self.status() != Status::Failed && other.status() == Status::Failed {
            *self = Self { rounds: self.rounds, ..other };
        }
    }

    /// Whether it has warnings, or a difference, that are failures.
    pub fn fails_by_warnings(&self) -> bool {
        self.strict && (!self.warnings.is_empty() || self.untold_difference().is_some())
    }

    /// Where the other MTA parts from this one, if the scenario does not say that it knows.
    pub fn untold_difference(&self) -> Option<&Difference> {
        self.difference.as_ref().filter(|_| self.unit.scenario.differs.is_none())
    }
}

/// What a whole run comes to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Every unit that was run, in the order of the plan.
    pub results: Vec<UnitResult>,
    /// How many units the options left out.
    pub deselected: usize,
    /// The exit code.
    pub exit: Exit,
}

impl Summary {
    /// How many units came to `status`.
    pub fn count(&self, status: Status) -> usize {
        let counted = self.results.iter().filter(|result| result.status() == status).count();
        counted + if status == Status::Skipped { self.deselected } else { 0 }
    }

    /// How many failed that pass in some rounds.
    pub fn flaky(&self) -> usize {
        self.results.iter().filter(|result| result.is_flaky()).count()
    }

    /// How many passed with a deviation that the scenario knows of.
    pub fn known(&self) -> usize {
        self.results.iter().filter(|result| result.played.known_deviation.is_some()).count()
    }
}

/// The exit code of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// All passed.
    pub const PASSED: Self = Self(0);
    /// An expectation failed.
    pub const FAILED: Self = Self(1);
    /// A file could not be read or parsed.
    pub const UNREADABLE: Self = Self(2);
    /// The harness failed.
    pub const HARNESS: Self = Self(3);
    /// The milter crashed or broke the protocol.
    pub const MILTER: Self = Self(4);
    /// A wait ran out.
    pub const TIMEOUT: Self = Self(5);
    /// The command line was wrong.
    pub const USAGE: Self = Self(64);
    /// Stopped by Ctrl-C, as shells report it.
    pub const CANCELLED: Self = Self(130);

    /// The code of a run: what makes its other results doubtful comes first.
    pub(super) fn of(results: &[UnitResult]) -> Self {
        let has =
            |kind| results.iter().any(|result| result.played.fatal.as_ref().is_some_and(|fatal| fatal.kind == kind));
        let kinds = [
            (FatalKind::Cancelled, Self::CANCELLED),
            (FatalKind::Harness, Self::HARNESS),
            (FatalKind::Milter, Self::MILTER),
            (FatalKind::Timeout, Self::TIMEOUT),
        ];
        if let Some((_, exit)) = kinds.into_iter().find(|(kind, _)| has(*kind)) {
            return exit;
        }
        if results.iter().any(|result| !result.mismatches.is_empty() || result.fails_by_warnings()) {
            Self::FAILED
        } else {
            Self::PASSED
        }
    }
}
