//! The MTAs that can be played: what each sends to its filters, and what it says to its clients.

mod host;
mod mta;
mod postfix;
mod sendmail;

pub(crate) use host::{Auth, Host, Tls, printable};
pub use mta::{Mta, Personality, Submission};
