//! sendmail as `srvrsmtp.c` and `milter.c` look from outside.
//!
//! | file | what |
//! | --- | --- |
//! | `release` | what differs from release to release, as a table |
//! | `session` | one SMTP session: state, dispatch, unknown commands |
//! | `helo`, `envelope`, `data`, `auth` | the SMTP commands |
//! | `address` | addresses and ESMTP parameters, and how they are refused |
//! | `access` | what an earlier refusal does to the commands after it |
//! | `filters`, `filter`, `negotiate`, `exchange` | the filters of a session; one filter; its first packets; what its answers mean |
//! | `content`, `eom`, `edits` | the message after the final dot, the filters' last words, what they change |
//! | `macros` | macro lists and values |
//! | `reply_text` | what becomes of a filter's reply text |
//! | `text`, `log` | banner, EHLO, trace header; log lines about filters that fail |

mod access;
mod address;
mod auth;
mod content;
mod data;
mod edits;
mod envelope;
mod eom;
mod exchange;
mod filter;
mod filters;
mod helo;
mod log;
mod macros;
mod negotiate;
mod release;
mod reply_text;
mod session;
mod text;

pub(crate) use macros::mailer;
pub(crate) use session::{LINE_RULES, Sendmail};
pub(crate) use text::TOO_MANY_CONNECTIONS;

/// The profile of the release that is played.
pub(crate) fn profile_name() -> &'static str {
    release::SENDMAIL_8_17.profile
}

/// The macros that it sends at a stage if nobody has set others.
pub(super) fn default_macros(stage: milter_proto::MacroStage) -> &'static [&'static str] {
    macros::default_list(&release::SENDMAIL_8_17, stage)
}
