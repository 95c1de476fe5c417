//! Scenario files: what they say, how they are read, and how the lines in them are compared.
//!
//! The format is described for its authors in `scenarios/README.md`.

mod bless;
mod dialogue;
mod duration;
mod expand;
mod expect;
mod matcher;
mod model;
mod node;
mod problems;
mod profile_name;
mod read;
mod vocabulary;
mod wire;

pub use bless::{Blessing, Judged, bless, diff};
pub use dialogue::{Line, LineKind};
pub use expect::{Mismatch, SessionEvents, StepEvents, Subject, compare, compare_instead};
pub use model::{
    Action, Client, DefaultAction, Dns, DnsMode, KnownDeviation, Located, LogFormat, MacroStage, Message,
    MilterSection, Mta, Scenario, Session, Step, Timeouts, Unit, ZoneText,
};
pub use profile_name::{ProfileKind, ProfileName};
pub use read::{parse, units};
pub use vocabulary::Unknown;
pub use wire::{Packet, Wire};

pub(crate) use dialogue::is_milter_answer;
pub(crate) use duration::{parse as parse_duration, print as print_duration};
pub(crate) use matcher::literal;
pub(crate) use node::{Entry, Node, Value};
pub(crate) use problems::Problems;
pub(crate) use read::{Fields, to_toml_table};
pub(crate) use vocabulary::did_you_mean;
