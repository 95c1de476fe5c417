//! The two file formats as data: which tables there are, which keys each has, of which shape, and what a key means.
//!
//! The readers take their lists of known keys and words from here, `fake-mta schema` prints it as a JSON schema, and the tables of
//! `scenarios/README.md` are these; a test holds the three together.

mod json;
mod scenario;
mod suite;
mod table;

use clap::ValueEnum;

pub use json::{schema, schema_text};
pub use table::{Key, Shape, Table};

pub(crate) use scenario::{
    CHAINED, DNS, MACROS, MACROS_OF_ADDRESSES, MESSAGE, MILTER, MTA, SCENARIO, SESSION, TIMEOUTS,
};
pub(crate) use suite::{HELPER, OPENSPF, SUITE, SUITE_MILTER};

/// The kinds of files that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileKind {
    /// Scenario files.
    Scenario,
    /// fake-mta.toml
    Suite,
}

impl FileKind {
    /// The table that a whole file is.
    pub fn table(self) -> &'static Table {
        match self {
            Self::Scenario => &SCENARIO,
            Self::Suite => &SUITE,
        }
    }
}

/// The names of all profiles.
pub(crate) fn profiles() -> Vec<&'static str> {
    table::words(&crate::scenario::ProfileName::ALL)
}

/// The tables that the reference shows, in its order.
pub const REFERENCE: [&Table; 10] = [
    &SCENARIO,
    &DNS,
    &MTA,
    &MILTER,
    &scenario::CHAINED_MORE,
    &SESSION,
    &scenario::VARIANT,
    &SUITE_MILTER,
    &HELPER,
    &OPENSPF,
];
