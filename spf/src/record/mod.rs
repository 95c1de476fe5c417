//! The SPF record: its terms, its parser with byte offsets, and its printed form.

mod error;
mod mechanism;
mod network;
mod parse;
mod print;
mod terms;

pub use error::{ParseError, ParseErrorKind};
pub use parse::is_spf_record;
pub use terms::{Directive, DualCidr, Mechanism, Modifier, Qualifier, Record, Term, TermRef};
