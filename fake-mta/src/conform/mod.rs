//! The conformance and robustness battery: `fake-mta conform --milter ADDR`.
//!
//! It talks to a milter as MTAs do, and then as no MTA should, and says how the milter takes it. Each [`Case`] is one thing
//! that an MTA may send, with the reason why it matters, what the standard behaviour is and which MTA does this. A case does
//! not ask what the milter decides: every verdict that the protocol allows will do. The same battery therefore fits every milter.
//!
//! | file | what |
//! | --- | --- |
//! | `cases/` | what is tried, group by group |
//! | `step.rs`, `letter.rs` | what a case is made of |
//! | `talk.rs`, `talk/`, `script.rs` | one connection, and the steps played over it |
//! | `special.rs` | what takes many connections, or the process itself |
//! | `answer.rs`, `manners.rs` | what counts as an answer, and what is wrong with one that counts |
//! | `leak.rs`, `growth.rs` | what is kept of what is over, and what takes longer the longer it goes on |
//! | `correspondent.rs`, `state.rs` | letters sent command by command, and what one leaves behind for another |
//! | `target.rs`, `surroundings.rs`, `habits.rs`, `usage.rs` | the milter under test, its DNS, what it always does, and what it holds |
//! | `battery.rs` | all cases over all milters |
//! | `report/` | what came of it |

mod answer;
mod battery;
mod case;
mod cases;
mod command;
mod correspondent;
mod exchange;
mod growth;
mod habits;
mod leak;
mod letter;
mod manners;
mod report;
mod script;
mod special;
mod state;
mod step;
mod surroundings;
mod talk;
mod target;
mod trouble;
mod usage;

pub use battery::{Battery, CaseResult, MilterResult, Verdict, run_case};
pub use case::{Case, Level};
pub use cases::all as cases;
pub use command::{ConformArgs, HELP, run};
pub use report::Format;
pub use surroundings::surroundings;
pub use target::Target;

pub use crate::under_test::Origin;
