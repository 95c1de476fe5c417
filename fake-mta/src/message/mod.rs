//! The queued message: its headers under each MTA's rules, its body, and its envelope.

mod complete;
mod content;
mod delivery;
mod envelope;
mod postfix;
mod sendmail;

pub(crate) use complete::complete_addresses;
pub(crate) use content::{Content, Header, postfix_lines, sendmail_lines, with_crlf, without_cr};
pub(crate) use delivery::LineBreaking;
pub use envelope::Delivered;
pub(crate) use envelope::{Envelope, Recipient};
pub(crate) use postfix::PostfixHeaders;
pub(crate) use sendmail::{Change, Generated, SendmailHeaders};
