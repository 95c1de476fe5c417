//! What sendmail says and writes: banner, replies, trace header.

use std::net::IpAddr;

use super::{release::Release, session::Sendmail};
use crate::{
    client::{Client, ClientName},
    profile::{Host, host::sendmail_address},
    smtp::Reply,
};

pub(super) const NOT_ACCEPTING: &str = "Command rejected";
pub(super) const REJECTED: &str = "550 5.7.1 Command rejected";
pub(super) const REJECTED_CONTENT: &str = "554 5.7.1 Command rejected";
pub(super) const TRY_LATER: &str = "451 4.3.2 Please try again later";
pub(super) const SHUTTING_DOWN: &str = "421 4.3.0 closing connection";
/// What a filter that failed under `F=4` means where no command has an answer of its own for it.
pub(super) fn host_closing(host: &Host) -> String {
    format!("421 4.7.0 {} closing connection", host.settings.hostname)
}

/// What a client is told whose address has too many connections already, `FEATURE(conncontrol)`.
pub(crate) const TOO_MANY_CONNECTIONS: &str = "421 4.3.2 Too many open connections.";
pub(super) const PROTOCOL_ERROR: &str = "554 5.5.0 SMTP protocol error";
pub(super) const NUL_BYTE: &str = "554 5.6.1 NUL byte not allowed";
pub(super) const NO_DISK_SPACE: &str = "452 4.3.1 Out of disk space for temp file";
pub(super) const GO_AHEAD: &str = "354 End data with <CR><LF>.<CR><LF>";

pub(super) fn greeting(host: &Host, release: &Release) -> Reply {
    let settings = &host.settings;
    let date = settings.clock.rfc5322("GMT");
    let client = &host.client;
    let name = if client.addr.is_none() { String::new() } else { client_name(client) };
    let access = format!("{name}({})-{}", client_resolve(client), client_text(client));
    let versions = format!("{}/{}", release.version, release.config_version);
    Reply::line(format!(
        "220 {} ESMTP Sendmail {versions}; {date}; (No UCE/UBE) logging access from: {access}",
        settings.hostname
    ))
}

pub(super) fn hello(host: &Host, release: &Release, esmtp: bool, rejecting: bool) -> Reply {
    let first = format!("{} Hello {}, pleased to meet you", host.settings.hostname, client_text(&host.client));
    if !esmtp {
        return Reply::line(format!("250 {first}"));
    }
    let mut lines = vec![first, "ENHANCEDSTATUSCODES".to_owned()];
    if !rejecting {
        lines.extend(release.ehlo_first.iter().map(|&keyword| keyword.to_owned()));
        lines.extend(host.settings.auth_mechanisms.as_ref().map(|mechanisms| format!("AUTH {mechanisms}")));
        if host.settings.starttls && host.tls.is_none() {
            lines.push("STARTTLS".to_owned());
        }
        lines.extend(release.ehlo_last.iter().map(|&keyword| keyword.to_owned()));
    }
    Reply::multi("250", &lines)
}

pub(super) fn help(release: &Release) -> Reply {
    Reply::multi("214", release.help)
}

/// `{client_name}`: the verified name, else the address in brackets.
pub(super) fn client_name(client: &Client) -> String {
    client.name.verified().map_or_else(|| bracketed(client), str::to_owned)
}

/// `{client_ptr}`: the name that the reverse look-up gave, confirmed or not, else the address in brackets.
pub(super) fn claimed_name(client: &Client) -> String {
    client.name.claimed().map_or_else(|| bracketed(client), str::to_owned)
}

/// `{client_resolve}`.
pub(super) fn client_resolve(client: &Client) -> &'static str {
    match client.name {
        ClientName::Verified(_) => "OK",
        ClientName::Forged(_) => "FORGED",
        ClientName::Missing => "FAIL",
        ClientName::LocalUser(_) => "",
    }
}

/// The macro `_`: name and address, with a remark if they do not agree.
pub(super) fn client_text(client: &Client) -> String {
    match &client.name {
        ClientName::Verified(name) => format!("{name} {}", bracketed(client)),
        ClientName::Forged(name) => format!("{name} {} (may be forged)", bracketed(client)),
        ClientName::Missing => bracketed(client),
        ClientName::LocalUser(user) => format!("{user}@localhost"),
    }
}

/// The address as the log has it.
pub(super) fn address_text(client: &Client) -> String {
    client.canonical_addr().map_or_else(|| "0".to_owned(), sendmail_address)
}

fn bracketed(client: &Client) -> String {
    client
        .canonical_addr()
        .map_or_else(|| "localhost".to_owned(), |addr: IpAddr| format!("[{}]", sendmail_address(addr)))
}

/// The value of our own Received field. It names the recipient if there is just one.
pub(super) fn received(session: &Sendmail, protocol: &str, recipient: Option<&[u8]>) -> Vec<u8> {
    let (host, release) = (&session.host, session.release);
    let client = client_text(&host.client);
    let name = session.helo.clone().unwrap_or_else(|| client_name(&host.client));
    let mut text = format!("from {name} ({client})\n\t");
    if host.auth.is_some() {
        text.push_str("(authenticated bits=0)\n\t");
    }
    let versions = format!("{}/{}", release.version, release.config_version);
    text.push_str(&format!("by {} ({versions}) with {protocol} id {}", host.settings.hostname, session.queue_id));
    if let Some(tls) = &host.tls {
        let value = |name: &str| tls.values.get(name).map_or("", String::as_str);
        let (version, cipher, bits) = (value("tls_version"), value("cipher"), value("cipher_bits"));
        let verify = tls.values.get("verify").map_or(NOT_VERIFIED, String::as_str);
        text.push_str(&format!("\n\t(version={version} cipher={cipher} bits={bits} verify={verify})"));
    }
    let date = host.settings.clock.rfc5322("GMT");
    match recipient {
        Some(recipient) => text.push_str(&format!("\n\tfor <{}>; {date}", String::from_utf8_lossy(recipient))),
        None => text.push_str(&format!(";\n\t{date}")),
    }
    text.into_bytes()
}

/// `{verify}` of a client without a certificate.
pub(super) const NOT_VERIFIED: &str = "NO";
