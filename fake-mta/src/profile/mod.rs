//! The MTAs that can be played: what each sends to its filters, and what it says to its clients.

mod host;
mod macros;
mod mta;
mod postfix;
mod sendmail;
mod shared;

pub(crate) use host::{Auth, Host, Tls, printable};
pub(crate) use macros::MacroTable;
pub use mta::{Mta, Personality, Submission};
pub(crate) use shared::{errno, is_content, qualified};
