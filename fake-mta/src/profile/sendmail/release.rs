//! What differs from release to release, as data: another release is another table.

use crate::message::LineBreaking;

/// One release of sendmail.
#[derive(Debug)]
pub(super) struct Release {
    /// The profile that names it: `sendmail-8.17`.
    pub(super) profile: &'static str,
    /// The macro `v`.
    pub(super) version: &'static str,
    /// The macro `Z`: the version of the configuration file.
    pub(super) config_version: &'static str,
    /// The protocol version that is offered to filters, if the administrator does not set it.
    pub(super) milter_protocol: u32,
    /// The largest payload that is sent to a filter (`MilterMaxDataSize`), bytes.
    pub(super) milter_payload_max: usize,
    /// EHLO keywords before and after those that depend on the session.
    pub(super) ehlo_first: &'static [&'static str],
    pub(super) ehlo_last: &'static [&'static str],
    /// The lines of HELP.
    pub(super) help: &'static [&'static str],
    /// The size of the buffer that a reply is made in, bytes.
    pub(super) reply_buffer: usize,
    /// The longest address that a reply shows whole, bytes.
    pub(super) shown_address_max: usize,
    /// The largest header that is taken (`MaxHeadersLength`), bytes.
    pub(super) headers_max: usize,
    /// How the mailer for the relay breaks long lines.
    pub(super) line_breaking: LineBreaking,
    /// How many macros a filter may ask for at one stage (`MAXFILTERMACROS`).
    pub(super) asked_macros_max: usize,
    /// The `confMILTER_MACROS_*` of the stock configuration.
    pub(super) macros: MacroLists,
}

/// The default macro lists, by the stage they are sent at.
#[derive(Debug)]
pub(super) struct MacroLists {
    pub(super) connect: &'static [&'static str],
    pub(super) helo: &'static [&'static str],
    pub(super) envfrom: &'static [&'static str],
    pub(super) envrcpt: &'static [&'static str],
    pub(super) data: &'static [&'static str],
    pub(super) eoh: &'static [&'static str],
    pub(super) eom: &'static [&'static str],
}

/// sendmail 8.17.1.9, as Debian 12 packages it.
pub(super) static SENDMAIL_8_17: Release = Release {
    profile: "sendmail-8.17",
    version: "8.17.1.9",
    config_version: "8.17.1.9/Debian-2+deb12u2",
    milter_protocol: 6,
    milter_payload_max: 65_535,
    ehlo_first: &["PIPELINING", "EXPN", "VERB", "8BITMIME", "SIZE", "DSN", "ETRN"],
    ehlo_last: &["DELIVERBY", "HELP"],
    help: &[
        "2.0.0 This is sendmail version 8.17.1.9",
        "2.0.0 Topics:",
        "2.0.0 \tHELO\tEHLO\tMAIL\tRCPT\tDATA",
        "2.0.0 \tRSET\tNOOP\tQUIT\tHELP\tVRFY",
        "2.0.0 \tEXPN\tVERB\tETRN\tDSN\tAUTH",
        "2.0.0 \tSTARTTLS",
        "2.0.0 For more info use \"HELP <topic>\".",
        "2.0.0 To report bugs in the implementation see",
        "2.0.0 \thttp://www.sendmail.org/email-addresses.html",
        "2.0.0 For local information send email to Postmaster at your site.",
        "2.0.0 End of HELP info",
    ],
    reply_buffer: 16_384,
    shown_address_max: 203,
    headers_max: 32_768,
    line_breaking: LineBreaking::Marked { line_max: 2040, chunk_max: 2047 },
    asked_macros_max: 50,
    macros: MacroLists {
        connect: &["j", "_", "{daemon_name}", "{if_name}", "{if_addr}"],
        helo: &["{tls_version}", "{cipher}", "{cipher_bits}", "{cert_subject}", "{cert_issuer}"],
        envfrom: &[
            "i",
            "{auth_type}",
            "{auth_authen}",
            "{auth_ssf}",
            "{auth_author}",
            "{mail_mailer}",
            "{mail_host}",
            "{mail_addr}",
        ],
        envrcpt: &["{rcpt_mailer}", "{rcpt_host}", "{rcpt_addr}"],
        data: &[],
        eoh: &[],
        eom: &["{msg_id}"],
    },
};
