//! Invented names in the place of real ones: the same one for the same name throughout a record.

use std::collections::BTreeMap;

use milter_proto::{Address, Command, Frame, Reply};
use regex_lite::{Captures, Regex};

use super::Entry;

/// Replaces addresses, host names and IP addresses; what stood for what is forgotten with it.
pub(super) struct Redactor {
    pattern: Regex,
    names: BTreeMap<String, String>,
}

impl Redactor {
    pub(super) fn new() -> Self {
        let pattern = r"(?i)([a-z0-9._%+=-]+@)?(\d{1,3}(\.\d{1,3}){3}|([a-z0-9_-]+\.)+[a-z]{2,})|([0-9a-f]{0,4}:){3,}[0-9a-f]{0,4}";
        let pattern = Regex::new(pattern).expect("the pattern is one");
        Self { pattern, names: BTreeMap::new() }
    }

    /// The record without what it should not tell.
    pub(super) fn redact(&mut self, entries: &[Entry]) -> Vec<Entry> {
        entries.iter().map(|entry| self.entry(entry)).collect()
    }

    fn entry(&mut self, entry: &Entry) -> Entry {
        match entry {
            Entry::Sent(frame) => Entry::Sent(self.sent(frame)),
            Entry::Received(frame) => Entry::Received(Frame { code: frame.code, payload: self.received(frame) }),
            Entry::Raw(from_mta, bytes) => Entry::Raw(*from_mta, gone(bytes)),
            Entry::Closed(from_mta) => Entry::Closed(*from_mta),
        }
    }

    fn received(&mut self, frame: &Frame) -> Vec<u8> {
        let encoded = |reply: &Reply| {
            let mut bytes = Vec::new();
            reply.encode(&mut bytes);
            bytes.get(5..).unwrap_or_default().to_vec()
        };
        match Reply::decode(frame) {
            Ok(Reply::ReplaceBody(bytes)) => gone(&bytes),
            Ok(Reply::AddHeader { name, value }) => {
                let value = self.field(&name, &value);
                encoded(&Reply::AddHeader { name, value })
            }
            Ok(Reply::InsertHeader { index, name, value }) => {
                let value = self.field(&name, &value);
                encoded(&Reply::InsertHeader { index, name, value })
            }
            Ok(Reply::ChangeHeader { index, name, value }) => {
                let value = self.field(&name, &value);
                encoded(&Reply::ChangeHeader { index, name, value })
            }
            _ => self.strings(&frame.payload),
        }
    }

    /// The value of a header field. What is known to hold addresses, dates or words of a program keeps its form; the rest may be
    /// anything that somebody wrote.
    fn field(&mut self, name: &[u8], value: &[u8]) -> Vec<u8> {
        let is = |names: &[&str]| names.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
        if is(&MAILBOXES) {
            return self.mailboxes(value);
        }
        if is(&TECHNICAL) {
            return self.text(value);
        }
        let space: &[u8] = if value.starts_with(b" ") { b" " } else { b"" };
        if value.trim_ascii().is_empty() { value.to_vec() } else { [space, b"redacted"].concat() }
    }

    /// Addresses without what stands around them: names, comments.
    fn mailboxes(&mut self, value: &[u8]) -> Vec<u8> {
        let text: String = value.iter().copied().map(char::from).collect();
        let names = &mut self.names;
        let found: Vec<String> = self
            .pattern
            .captures_iter(&text)
            .filter(|found| found.get(1).is_some())
            .map(|found| format!("<{}>", invented(names, &found)))
            .collect();
        let space = if value.starts_with(b" ") { " " } else { "" };
        format!("{space}{}", if found.is_empty() { "redacted".to_owned() } else { found.join(", ") }).into_bytes()
    }

    fn sent(&mut self, frame: &Frame) -> Frame {
        let encoded = |command: &Command| {
            let mut bytes = Vec::new();
            command.encode(&mut bytes);
            Frame { code: frame.code, payload: bytes.get(5..).unwrap_or_default().to_vec() }
        };
        match Command::decode(frame) {
            Ok(Command::Body(bytes)) => encoded(&Command::Body(gone(&bytes))),
            Ok(Command::BodyEob(bytes)) => encoded(&Command::BodyEob(gone(&bytes))),
            // Port and address stand side by side in the packet: they are told apart here alone.
            Ok(Command::Connect { hostname, address }) => {
                let address = match address {
                    Address::Inet { port, text } => Address::Inet { port, text: self.text(&text) },
                    Address::Inet6 { port, .. } => Address::Inet6 { port, text: b"IPv6:2001:db8::1".to_vec() },
                    other => other,
                };
                encoded(&Command::Connect { hostname: self.text(&hostname), address })
            }
            Ok(Command::Header { name, value }) => {
                let value = self.field(&name, &value);
                encoded(&Command::Header { name, value })
            }
            Ok(Command::Macro { for_command, pairs }) => {
                let pairs = pairs.into_iter().map(|(name, value)| {
                    let is_secret =
                        name.starts_with(b"{auth") || name.starts_with(b"{cert") || name.starts_with(b"{cn_");
                    let value = if is_secret { b"redacted".to_vec() } else { self.text(&value) };
                    (name, value)
                });
                encoded(&Command::Macro { for_command, pairs: pairs.collect() })
            }
            _ => Frame { code: frame.code, payload: self.strings(&frame.payload) },
        }
    }

    /// A payload of strings: their ends stay where they are.
    fn strings(&mut self, payload: &[u8]) -> Vec<u8> {
        let parts: Vec<Vec<u8>> = payload.split(|&byte| byte == 0).map(|part| self.text(part)).collect();
        parts.join(&0)
    }

    /// Text with other names in it. Bytes that are no UTF-8 are taken one by one for characters and back.
    fn text(&mut self, bytes: &[u8]) -> Vec<u8> {
        let text: String = bytes.iter().copied().map(char::from).collect();
        let names = &mut self.names;
        let replaced = self.pattern.replace_all(&text, |found: &Captures<'_>| invented(names, found));
        replaced.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
    }
}

fn invented(names: &mut BTreeMap<String, String>, found: &Captures<'_>) -> String {
    let whole = found[0].to_ascii_lowercase();
    let Some(host) = found.get(2) else {
        return "2001:db8::1".to_owned();
    };
    let mut name = |real: String, make: &dyn Fn(usize) -> String| {
        let next = names.len() + 1;
        names.entry(real).or_insert_with(|| make(next)).clone()
    };
    let is_ip = host.as_str().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let host = name(host.as_str().to_ascii_lowercase(), &|number| match is_ip {
        true => format!("192.0.2.{}", number % 256),
        false => format!("host{number}.example"),
    });
    match found.get(1) {
        Some(_) => format!("{}@{host}", name(whole, &|number| format!("user{number}"))),
        None => host,
    }
}

/// Fields of addresses with the names of people.
const MAILBOXES: [&str; 11] = [
    "From",
    "Sender",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Errors-To",
];

/// Fields that programs write: names and addresses in them are replaced, their other words stay.
const TECHNICAL: [&str; 14] = [
    "Received",
    "Received-SPF",
    "Authentication-Results",
    "Return-Path",
    "Message-Id",
    "In-Reply-To",
    "References",
    "Date",
    "Resent-Date",
    "Resent-Message-Id",
    "MIME-Version",
    "Content-Transfer-Encoding",
    "Delivered-To",
    "Precedence",
];

/// What stands for bytes that are nobody's business.
fn gone(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() { Vec::new() } else { format!("[{} bytes]\r\n", bytes.len()).into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_becomes_the_same_and_nothing_else_is_touched() {
        let mut redactor = Redactor::new();
        let text = redactor.text(b"from a@b.example.com ([10.1.2.3]) by A@b.example.com, not 1.2 or x@y\xe9");
        assert_eq!(text, b"from user2@host1.example ([192.0.2.3]) by user2@host1.example, not 1.2 or x@y\xe9");
    }

    #[test]
    fn what_somebody_wrote_goes_and_what_programs_wrote_stays() {
        let mut redactor = Redactor::new();
        let mut field = |name: &str, value: &[u8]| {
            String::from_utf8(redactor.field(name.as_bytes(), value)).expect("what is left is text")
        };
        assert_eq!(field("Subject", b" call me: 555 0100, password hunter2"), " redacted");
        assert_eq!(field("X-Anything", b"Robert'); DROP"), "redacted");
        assert_eq!(field("From", b" \"Doe, Jane\" <jane@corp.example.com> (at home)"), " <user2@host1.example>");
        assert_eq!(field("to", b"undisclosed recipients:;"), "redacted");
        assert_eq!(field("Received-SPF", b"pass (corp.example.com: ok)"), "pass (host1.example: ok)");
        assert_eq!(field("Subject", b""), "");
    }
}
