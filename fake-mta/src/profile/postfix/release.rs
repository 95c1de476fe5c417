//! What differs from release to release, as data: another release is another table.

use crate::{message::LineBreaking, settings::Settings};

/// One release of Postfix.
#[derive(Debug)]
pub(super) struct Release {
    /// The profile that names it: `postfix-3.7`.
    pub(super) profile: &'static str,
    /// `mail_version`.
    pub(super) mail_version: &'static str,
    /// `milter_protocol`, if the administrator does not set it.
    pub(super) milter_protocol: u32,
    /// `message_size_limit`, if the administrator does not set it, bytes.
    pub(super) message_size_max: usize,
    /// `smtpd_recipient_limit`, if the administrator does not set it.
    pub(super) recipients_max: usize,
    /// `smtpd_recipient_overshoot_limit`: so many recipients beyond that are no error of the client.
    pub(super) overshoot_max: usize,
    /// The longest header field with its name while there are filters, bytes: `header_size_limit` is larger.
    pub(super) header_max: usize,
    /// `hopcount_limit`.
    pub(super) hops_max: usize,
    /// EHLO keywords before and after those that depend on the session.
    pub(super) ehlo_first: &'static [&'static str],
    pub(super) ehlo_last: &'static [&'static str],
    /// How the SMTP client breaks long lines.
    pub(super) line_breaking: LineBreaking,
    /// The `milter_*_macros` that an administrator may change.
    pub(super) macros: MacroLists,
}

impl Release {
    /// The largest message that is taken, bytes; `None` if any is.
    pub(super) fn message_size_max(&self, settings: &Settings) -> Option<usize> {
        Some(settings.message_size_limit.unwrap_or(self.message_size_max)).filter(|&max| max > 0)
    }
}

/// The default macro lists, by the parameter that sets them.
#[derive(Debug)]
pub(super) struct MacroLists {
    pub(super) connect: &'static [&'static str],
    pub(super) helo: &'static [&'static str],
    pub(super) mail: &'static [&'static str],
    pub(super) rcpt: &'static [&'static str],
    pub(super) data: &'static [&'static str],
    pub(super) end_of_header: &'static [&'static str],
    pub(super) end_of_data: &'static [&'static str],
}

/// Postfix 3.7.11, as Debian 12 packages it.
pub(super) static POSTFIX_3_7: Release = Release {
    profile: "postfix-3.7",
    mail_version: "3.7.11",
    milter_protocol: 6,
    message_size_max: 10_240_000,
    recipients_max: 1000,
    overshoot_max: 1000,
    header_max: 60_000,
    hops_max: 50,
    ehlo_first: &["PIPELINING", "SIZE", "VRFY", "ETRN"],
    ehlo_last: &["ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING"],
    line_breaking: LineBreaking::Spaced { line_max: 998 },
    macros: MacroLists {
        connect: &["j", "{daemon_name}", "{daemon_addr}", "v", "_"],
        helo: &["{tls_version}", "{cipher}", "{cipher_bits}", "{cert_subject}", "{cert_issuer}"],
        mail: &["i", "{auth_type}", "{auth_authen}", "{auth_author}", "{mail_addr}", "{mail_host}", "{mail_mailer}"],
        rcpt: &["i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"],
        data: &["i"],
        end_of_header: &["i"],
        end_of_data: &["i"],
    },
};
