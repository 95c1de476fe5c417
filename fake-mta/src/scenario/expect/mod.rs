//! What happened, compared with what the lines of a scenario expect.
//!
//! - `S:` If a step has one, the step's `S:` lines are all of its reply lines, in order. A line `...` stands for any number of them.
//! - `M:` If a step has one, the step's `M:` lines are all that the milter answered and edited, in order; only `continue`, `progress`
//!   and `negotiate` may be left out. `M: none` means that it said nothing at all.
//! - `D:` If a step has one, the step's `D:` lines are all questions asked, in any order.
//! - `L:` The lines come in the log in this order; others may come before, between and after them.
//! - In an envelope the recipients of a message come in any order.
//! - `none` behind any letter claims that nothing of the kind comes in the step.
//!
//! The lines of one kind that hold in the profile are looked at together; a kind without lines is not checked.

mod align;
mod compare;
mod envelope;
mod events;
mod lists;
mod step;

pub use compare::{Mismatch, Subject, compare, compare_instead};
pub use events::{SessionEvents, StepEvents};

pub(super) use envelope::in_order;
pub(super) use step::actual;
