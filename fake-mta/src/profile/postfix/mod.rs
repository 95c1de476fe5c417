//! Postfix as `smtpd(8)`, `milter8.c` and `cleanup(8)` look from outside.
//!
//! | file | what |
//! | --- | --- |
//! | `release` | what differs from release to release, as a table |
//! | `session` | one SMTP session: state, dispatch, verdicts |
//! | `helo`, `envelope`, `data`, `auth`, `proxy` | the SMTP commands |
//! | `address`, `options` | addresses and ESMTP parameters, and how they are refused |
//! | `submission` | mail that does not come over SMTP |
//! | `filters`, `filter`, `exchange` | the filters of a session; one filter; what its answers mean |
//! | `packet`, `buffer` | packets from a filter, what is wrong with them, and the memory they are read into |
//! | `content`, `edits`, `queue` | the message after the final dot, what filters change in it, what leaves |
//! | `macros` | macro lists and values |
//! | `text` | replies, log lines, trace header |

mod address;
mod auth;
mod buffer;
mod content;
mod counts;
mod data;
mod edits;
mod envelope;
mod exchange;
mod filter;
mod filters;
mod helo;
mod macros;
mod options;
mod packet;
mod proxy;
mod queue;
mod release;
mod session;
mod submission;
mod text;

pub(crate) use macros::mailer;
pub(crate) use session::{LINE_RULES, Postfix};
pub(crate) use text::too_many_connections;

/// The profile of the release that is played.
pub(crate) fn profile_name() -> &'static str {
    release::POSTFIX_3_7.profile
}

/// The macros that it sends at a stage if nobody has set others.
pub(super) fn default_macros(stage: milter_proto::MacroStage) -> &'static [&'static str] {
    macros::default_list(&release::POSTFIX_3_7, stage)
}
