//! What Postfix says and writes: replies, log lines, trace header.

use std::net::IpAddr;

use milter_proto::FrameError;

use super::{address::external, filter::Answer, release::Release};
use crate::{
    client::{Client, ClientName},
    link::LinkError,
    profile::{self, Host},
    settings::Settings,
    smtp::Reply,
};

pub(super) const REJECTED: &str = "550 5.7.1 Command rejected";
pub(super) const UNAVAILABLE: &str = "451 4.7.1 Service unavailable - try again later";
pub(super) const SERVER_CLOSING: &str = "421 4.7.0 Server closing connection";
pub(super) const GO_AHEAD: &str = "354 End data with <CR><LF>.<CR><LF>";
pub(super) const QUEUE_WRITE_ERROR: &str = "451 4.3.0 Error: queue file write error";
pub(super) const UNKNOWN_COMMAND: &str = "500 5.5.2 Error: command not recognized";

pub(super) fn greeting(host: &Host) -> Reply {
    let usual = || format!("{} ESMTP Postfix", host.settings.hostname);
    Reply::line(format!("220 {}", host.settings.banner.clone().unwrap_or_else(usual)))
}

/// What a client is told whose address has too many connections already.
pub(crate) fn too_many_connections(settings: &Settings, client: IpAddr) -> String {
    format!("421 4.7.0 {} Error: too many connections from {}", settings.hostname, client.to_canonical())
}

pub(super) fn no_messages(host: &Host) -> Reply {
    Reply::line(format!("554 {} ESMTP not accepting connections", host.settings.hostname))
}

/// `refused`: the banner or a filter has refused the client, which is told the bare minimum.
pub(super) fn hello(host: &Host, release: &Release, esmtp: bool, refused: bool) -> Reply {
    let hostname = host.settings.hostname.clone();
    if !esmtp {
        return Reply::line(format!("250 {hostname}"));
    }
    let mut lines = vec![hostname];
    if refused {
        lines.push("ENHANCEDSTATUSCODES".to_owned());
        return Reply::multi("250", &lines);
    }
    let size_max = release.message_size_max(&host.settings);
    lines.extend(release.ehlo_first.iter().map(|&keyword| match (keyword, size_max) {
        ("SIZE", Some(max)) => format!("SIZE {max}"),
        _ => keyword.to_owned(),
    }));
    if host.settings.starttls && host.tls.is_none() {
        lines.push("STARTTLS".to_owned());
    }
    lines.extend(host.settings.auth_mechanisms.as_ref().map(|mechanisms| format!("AUTH {mechanisms}")));
    let client = host.client.canonical_addr();
    let authorized = |hosts: &[IpAddr]| client.is_some_and(|addr| hosts.contains(&addr));
    if authorized(&host.settings.xclient_hosts) {
        lines.push("XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT".to_owned());
    }
    if authorized(&host.settings.xforward_hosts) {
        lines.push("XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT".to_owned());
    }
    lines.extend(release.ehlo_last.iter().map(|&keyword| keyword.to_owned()));
    Reply::multi("250", &lines)
}

/// The verified name, else `unknown`.
pub(super) fn client_name(client: &Client) -> &str {
    client.name.verified().unwrap_or("unknown")
}

pub(super) fn client_resolve(client: &Client) -> &'static str {
    match client.name {
        ClientName::Verified(_) => "OK",
        ClientName::Forged(_) => "FORGED",
        ClientName::Missing | ClientName::LocalUser(_) => "FAIL",
    }
}

/// The macro `_`.
pub(super) fn client_macro(client: &Client) -> String {
    let remark = if matches!(client.name, ClientName::Forged(_)) { " (may be forged)" } else { "" };
    format!("{} [{}]{remark}", client.name.claimed().unwrap_or("unknown"), address(client))
}

/// `name[address]`, as the log has the client.
pub(super) fn client_log(client: &Client) -> String {
    format!("{}[{}]", client_name(client), address(client))
}

/// The client's address without any prefix.
pub(super) fn address(client: &Client) -> String {
    client.canonical_addr().map_or_else(|| "unknown".to_owned(), |addr| addr.to_string())
}

/// The client's address, with a tag if it is an IPv6 one: RFC 5321 section 4.1.3.
pub(super) fn tagged_address(client: &Client) -> String {
    let tag = if client.canonical_addr().is_some_and(|addr| addr.is_ipv6()) { "IPv6:" } else { "" };
    format!("{tag}{}", address(client))
}

/// The value of our own Received field. It names the recipient if there is just one.
pub(super) fn received(
    host: &Host,
    helo: Option<&str>,
    protocol: &str,
    queue_id: &str,
    recipient: Option<&[u8]>,
) -> Vec<u8> {
    let client = &host.client;
    let name = client_name(client);
    let from = format!(" from {} ({name} [{}])", helo.unwrap_or(name), tagged_address(client));
    let by = format!("by {} (Postfix) with {protocol} id {queue_id}", host.settings.hostname);
    let date = host.settings.clock.rfc5322(ZONE);
    let end = match recipient {
        Some(recipient) => format!("\n\tfor <{}>; {date}", String::from_utf8_lossy(&external(recipient))),
        None => format!(";\n\t{date}"),
    };
    format!("{from}\n\t{by}{end}").into_bytes()
}

/// The value of the Received field of a message that a user of this host gave to the `sendmail` command.
pub(super) fn received_locally(host: &Host, user_id: u32, queue_id: &str) -> Vec<u8> {
    let (hostname, date) = (&host.settings.hostname, host.settings.clock.rfc5322(ZONE));
    format!(" by {hostname} (Postfix, from userid {user_id})\n\tid {queue_id}; {date}").into_bytes()
}

/// The text of an SMFIR_REPLYCODE as Postfix takes it, with its `%` un-doubled; `None` if it is malformed.
pub(super) fn check_reply_text(payload: &[u8]) -> Option<Vec<u8>> {
    let end = payload.iter().position(|&byte| byte == 0).unwrap_or(payload.len());
    let text = &payload[..end];
    let &[first @ (b'4' | b'5'), second, third, separator, ref rest @ ..] = text else { return None };
    let code = second.is_ascii_digit() && third.is_ascii_digit() && matches!(separator, b' ' | b'-');
    let class = rest.first().is_none_or(|digit| !digit.is_ascii_digit() || *digit == first);
    (code && class).then(|| undouble(text))
}

/// `%%` is `%`; a single `%` is dropped.
fn undouble(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().peekable();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
        } else if bytes.next_if(|&&next| next == b'%').is_some() {
            out.push(b'%');
        }
    }
    out
}

/// Action and text of the log line about a filter's verdict.
pub(super) fn verdict_log(answer: &Answer) -> (&'static str, String) {
    match answer {
        Answer::Reply(reply) => ("reject", log_text(reply)),
        Answer::Shutdown => ("reject", SERVER_CLOSING.to_owned()),
        Answer::Hold => ("hold", "milter triggers HOLD action".to_owned()),
        Answer::Discard => ("discard", "milter triggers DISCARD action".to_owned()),
    }
}

/// `from=<…> to=<…> proto=… helo=<…>`: the end of the log lines about a verdict.
pub(super) fn describe_session(
    sender: Option<&[u8]>,
    recipient: Option<&[u8]>,
    esmtp: bool,
    helo: Option<&str>,
) -> String {
    let mut parts = vec![describe_envelope(sender, recipient)];
    parts.retain(|part| !part.is_empty());
    parts.push(format!("proto={}", if esmtp { "ESMTP" } else { "SMTP" }));
    parts.extend(helo.map(|helo| format!("helo=<{}>", log_text(helo.as_bytes()))));
    parts.join(" ")
}

/// `from=<…> to=<…>`.
pub(super) fn describe_envelope(sender: Option<&[u8]>, recipient: Option<&[u8]>) -> String {
    let sender = sender.map(|sender| format!("from=<{}>", log_text(sender)));
    let recipient = recipient.map(|recipient| format!("to=<{}>", log_text(recipient)));
    sender.into_iter().chain(recipient).collect::<Vec<_>>().join(" ")
}

/// The reply as it is while every refusal is for now alone: 5xx becomes 4xx, and so does its enhanced code.
pub(super) fn softened(mut reply: Reply) -> Reply {
    for line in &mut reply.lines {
        if line.first() == Some(&b'5') {
            line[0] = b'4';
            if line.get(4..6) == Some(b"5.") {
                line[4] = b'4';
            }
        }
    }
    reply
}

/// Whether the session ends with this reply.
pub(super) fn ends_session(reply: &[u8]) -> bool {
    reply.starts_with(b"421") || reply.starts_with(b"521")
}

/// Text of a peer as Postfix logs it: what is neither printable nor UTF-8 is a question mark.
pub(super) fn log_text(text: &[u8]) -> String {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    printable(&text[..end], '?')
}

/// A HELO name that may stand in a header field: what means something there is a question mark.
pub(super) fn neutered(name: &str) -> String {
    name.replace([' ', '<', '>', '(', ')', '\\', '"', ';', '@'], "?")
}

/// The text of a reply that `cleanup(8)` hands back to `smtpd(8)`: what is neither printable nor UTF-8 is a space, but for line ends.
pub(super) fn content_reply(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|&byte| byte == b'\n').map(|line| {
        let (line, end) = line.strip_suffix(b"\r").map_or((line, ""), |line| (line, "\r"));
        [printable(line, ' ').as_bytes(), end.as_bytes()].concat()
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

fn printable(text: &[u8], replacement: char) -> String {
    let mut out = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        out.extend(chunk.valid().chars().map(|c| if c.is_ascii_control() { replacement } else { c }));
        out.extend(chunk.invalid().iter().map(|_| replacement));
    }
    out
}

pub(super) fn event_name(code: u8) -> &'static str {
    match code {
        b'C' => "SMFIC_CONNECT",
        b'H' => "SMFIC_HELO",
        b'M' => "SMFIC_MAIL",
        b'R' => "SMFIC_RCPT",
        b'T' => "SMFIC_DATA",
        b'L' => "SMFIC_HEADER",
        b'N' => "SMFIC_EOH",
        b'B' => "SMFIC_BODY",
        b'E' => "SMFIC_BODYEOB",
        b'U' => "SMFIC_UNKNOWN",
        b'A' => "SMFIC_ABORT",
        b'O' => "SMFIC_OPTNEG",
        _ => "(unknown MTA event)",
    }
}

/// The warning about an answer that did not come.
pub(super) fn read_error(code: u8, error: &LinkError) -> String {
    match error {
        LinkError::Frame(FrameError::Empty) => "bad packet length: 0".to_owned(),
        LinkError::Frame(FrameError::TooLong { length, limit }) => {
            format!("unreasonable packet length: {length} > {limit}")
        }
        LinkError::Eof(unfinished) | LinkError::Timeout { unfinished, .. } if unfinished.came >= LENGTH_SIZE => {
            let what = match (unfinished.came, code) {
                (LENGTH_SIZE, _) => "command code",
                // The offer's answer is read number by number.
                (_, b'O') => "network long",
                _ => "data",
            };
            format!("EOF while reading {what}: {}", errno(error))
        }
        other => format!("can't read {} reply packet header: {}", event_name(code), errno(other)),
    }
}

/// What the C library calls the error.
pub(super) fn errno(error: &LinkError) -> String {
    match error {
        LinkError::Timeout { .. } => "Connection timed out".to_owned(),
        LinkError::Eof(_) => "Application error".to_owned(),
        LinkError::Connect(error) | LinkError::Io(error) => profile::errno(error),
        other => other.to_string(),
    }
}

/// How Postfix writes the time zone of a machine that lives in UTC.
pub(super) const ZONE: &str = "+0000 (UTC)";
/// The length word before each packet.
const LENGTH_SIZE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_text_is_taken_or_is_malformed() {
        for (text, taken) in [
            (&b"550 5.7.1 100%% sure\0"[..], Some(&b"550 5.7.1 100% sure"[..])),
            (b"550 5.7.1 100% sure\0", Some(b"550 5.7.1 100 sure")),
            (b"550 100 sure\0", None),
            (b"550 \0", Some(b"550 ")),
            (b"451-4.1.1 a\r\n451 b\0", Some(b"451-4.1.1 a\r\n451 b")),
            (b"550 4.7.1 mismatch\0", None),
            (b"550\0", None),
            (b"5505.7.1 x\0", None),
            (b"250 ok\0", None),
            (b"\0", None),
        ] {
            assert_eq!(check_reply_text(text).as_deref(), taken, "{}", log_text(text));
        }
    }
}
