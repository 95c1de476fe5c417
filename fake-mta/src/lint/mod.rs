//! What is wrong with what a filter sends, and what each MTA makes of it.
//!
//! A [`Linter`] follows the packets of one SMTP session, knows what was negotiated and which answer is due, and names what a
//! careful filter would not do. It is pure: events in, findings out. That an MTA puts up with something is no excuse: the other
//! one may not.

mod address;
mod advice;
mod catalog;
mod conversation;
mod finding;
mod header;
mod linter;
mod negotiation;
mod reply_text;

pub use catalog::{Lint, MtaKind};
pub use finding::Finding;
pub use linter::Linter;
