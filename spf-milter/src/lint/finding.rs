//! A finding: how bad, what, where, and what to do.

use std::ops::Range;
use std::sync::Arc;

use spf::Name;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Could be better.
    Advice,
    /// Works, and is probably not what was meant, or is dangerous.
    Warning,
    /// Receivers will not be able to use the record.
    Error,
}

impl Severity {
    /// Its word in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The text of a record, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The domain that publishes it; a name for the text where it was given by hand.
    pub(crate) owner: String,
    /// The record's bytes, each byte that is no printable ASCII shown as `?`, so that offsets stay right.
    pub(crate) shown: String,
}

impl Text {
    /// Makes the text of a record.
    pub(crate) fn new(owner: &Name, record: &[u8]) -> Arc<Self> {
        let shown = record.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '?' });
        Arc::new(Self { owner: owner.to_string(), shown: shown.collect() })
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// A short name that stays the same from version to version.
    pub(crate) code: &'static str,
    /// What was found.
    pub(crate) what: String,
    /// What to do.
    pub(crate) advice: String,
    /// The record and the bytes in it; none where the finding is about the domain.
    pub(crate) place: Option<(Arc<Text>, Range<usize>)>,
}

/// All that was found out about a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// The findings, in the order in which they were made; at most [`FINDINGS_MAX`] of each severity.
    pub(crate) findings: Vec<Finding>,
    /// How many there are of each severity, those that were left out included.
    counts: [usize; 3],
    /// Receivers cannot use the record.
    pub(crate) broken: bool,
    /// The tree of records, outermost first.
    pub(crate) tree: Vec<TreeLine>,
    /// Terms that cause lookups, in all records of the tree.
    pub(crate) lookups: u32,
    /// Terms whose lookups find nothing for an IPv4 client.
    pub(crate) voids_ipv4: Vec<String>,
    /// Terms whose lookups find nothing for an IPv6 client.
    pub(crate) voids_ipv6: Vec<String>,
    /// A lookup failed, so that the report is not complete.
    pub(crate) incomplete: bool,
}

/// One record of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeLine {
    /// How deep it is nested; 0 for the record itself.
    pub(crate) depth: usize,
    /// The domain.
    pub(crate) domain: Name,
    /// Its own terms that cause lookups.
    pub(crate) lookups: u32,
    /// Those and all of the records below.
    pub(crate) lookups_below: u32,
}

impl Report {
    /// Adds a finding about some bytes of a record.
    pub(super) fn at(
        &mut self,
        severity: Severity,
        code: &'static str,
        place: (&Arc<Text>, Range<usize>),
        what: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let place = Some((Arc::clone(place.0), place.1));
        self.push(Finding { severity, code, what: what.into(), advice: advice.into(), place });
    }

    /// Adds a finding about the domain.
    pub(super) fn about(
        &mut self,
        severity: Severity,
        code: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.push(Finding { severity, code, what: what.into(), advice: advice.into(), place: None });
    }

    /// Adds a finding, unless there are too many: records may be somebody else's, and have thousands of mistakes.
    pub(super) fn push(&mut self, finding: Finding) {
        self.broken |= finding.severity == Severity::Error && finding.code != LOOKUP_FAILED;
        let count = &mut self.counts[finding.severity as usize];
        *count += 1;
        if *count <= FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    /// How many findings are of a severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.counts[severity as usize]
    }

    /// How many of them were left out.
    pub(crate) fn left_out(&self, severity: Severity) -> usize {
        self.count(severity).saturating_sub(FINDINGS_MAX)
    }
}

/// Findings of one severity that are kept.
pub(crate) const FINDINGS_MAX: usize = 50;

/// The code of what could not be found out, which says nothing about the record.
pub(super) const LOOKUP_FAILED: &str = "lookup-failed";
