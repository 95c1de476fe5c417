//! Rules that make the server misbehave.

mod parse;
mod rule;

pub use parse::FaultError;
pub use rule::{Action, FaultRule, NamePattern, TypePattern, When};
