//! The checks that a MAIL command asks for, and which of them decides.
//!
//! | module     | holds                                                  |
//! | ---------- | ------------------------------------------------------ |
//! | `check`    | one check: identity, request, outcome                  |
//! | `findings` | the checks of one message, and which of them decides   |
//! | `records`  | records of the administrator's own                     |
//! | `address`  | the sender without what surrounds it                   |

mod address;
mod check;
mod findings;
mod records;

pub(crate) use address::bare_address;
pub(crate) use check::{Check, CheckSettings, Envelope, Identity, ReceivedSpfKeys, ShownKeys};
pub(crate) use findings::Findings;
pub(crate) use records::LocalRecords;
