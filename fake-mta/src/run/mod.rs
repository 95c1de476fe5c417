//! Running scenarios: find and read the files, start a world for each unit, have it played, judge it, report.

mod address;
mod bless;
mod build;
mod cancel;
mod console;
mod difference;
mod discover;
mod family;
mod kept;
mod launch;
mod netns;
mod options;
mod plan;
mod played;
mod player;
mod pool;
mod process;
mod result;
mod run_all;
mod scripted;
mod settings;
mod tail;
mod transcript;
mod watch;
mod wire;
mod world;

pub use address::{MilterAddr, MilterAddrError};
pub use cancel::Cancel;
pub use console::{Console, Recorded};
pub use difference::Difference;
pub use options::{Again, BlessMode, Keep, Options, Part, Shard};
pub use plan::{check, list, wants_namespaces};
pub use played::{Fatal, FatalKind, Played, Player};
pub use result::{Exit, Rounds, Status, Summary, UnitResult, Warning};
pub use run_all::run;
pub use scripted::ScriptedPlayer;
pub use watch::watch;
pub use world::{DnsAddress, World, WorldOptions};

pub(crate) use crate::scenario::print_duration as duration_text;
pub(crate) use discover::with_suites as find_files;
pub(crate) use netns::{enter as enter_namespaces, is_inside as is_in_namespaces};
pub(crate) use process::quoted;
pub(crate) use scripted::{explain, play_unit};
pub(crate) use settings::{LOCAL_IPV4, LOCAL_IPV6};
pub(crate) use transcript::{Transcript, envelope_lines};
