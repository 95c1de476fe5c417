//! Invented names in the place of real ones: the same one for the same name throughout a run. What cannot be told from a secret goes.

mod names;
mod words;

use milter_proto::{Address, Command, Frame, Reply};

use self::{
    names::Names,
    words::{Words, text},
};
use super::Entry;

/// Replaces addresses, names of hosts and people, and secrets; what stood for what is forgotten with it.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    names: Names,
}

impl Redactor {
    /// The record without what it should not tell.
    pub(super) fn redact(&mut self, entries: &[Entry]) -> Vec<Entry> {
        if self.names.len() > NAMES_MAX {
            self.names = Names::default();
        }
        // The first time tells which names there are: one may stand in a text before it is known for one.
        entries.iter().for_each(|entry| drop(self.entry(entry)));
        entries.iter().map(|entry| self.entry(entry)).collect()
    }

    fn entry(&mut self, entry: &Entry) -> Entry {
        match entry {
            Entry::Sent(frame) => Entry::Sent(self.sent(frame)),
            Entry::Received(frame) => Entry::Received(self.received(frame)),
            Entry::Raw(from_mta, bytes) => Entry::Raw(*from_mta, gone(bytes)),
            Entry::Closed(from_mta) => Entry::Closed(*from_mta),
        }
    }

    fn sent(&mut self, frame: &Frame) -> Frame {
        let Ok(command) = Command::decode(frame) else { return unreadable(frame) };
        let command = match command {
            Command::Body(bytes) => Command::Body(gone(&bytes)),
            Command::BodyEob(bytes) => Command::BodyEob(gone(&bytes)),
            Command::Connect { hostname, address } => {
                Command::Connect { hostname: self.host(&hostname), address: self.address(address) }
            }
            Command::Helo(name) => Command::Helo(self.host(&name)),
            Command::Mail { sender, args } => Command::Mail { sender: self.mailbox(&sender), args: self.args(&args) },
            Command::Rcpt { recipient, args } => {
                Command::Rcpt { recipient: self.mailbox(&recipient), args: self.args(&args) }
            }
            Command::Header { name, value } => {
                let (name, value) = self.field(&name, &value);
                Command::Header { name, value }
            }
            Command::Macro { for_command, pairs } => {
                let pairs = pairs.into_iter().map(|(name, value)| self.macro_pair(&name, &value)).collect();
                Command::Macro { for_command, pairs }
            }
            // It may be anything, a password in the wrong place too.
            Command::Unknown(_) => Command::Unknown(b"REDACTED".to_vec()),
            Command::Negotiate(_) | Command::Data | Command::Eoh | Command::Abort | Command::Quit | Command::QuitNc => {
                return frame.clone();
            }
        };
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        packet(frame, &bytes)
    }

    fn received(&mut self, frame: &Frame) -> Frame {
        let Ok(reply) = Reply::decode(frame) else { return unreadable(frame) };
        let reply = match reply {
            Reply::ReplyCode(said) => Reply::ReplyCode(said_redacted(&said)),
            Reply::Quarantine(_) => Reply::Quarantine(b"redacted".to_vec()),
            Reply::ReplaceBody(bytes) => Reply::ReplaceBody(gone(&bytes)),
            Reply::AddHeader { name, value } => {
                let (name, value) = self.field(&name, &value);
                Reply::AddHeader { name, value }
            }
            Reply::InsertHeader { index, name, value } => {
                let (name, value) = self.field(&name, &value);
                Reply::InsertHeader { index, name, value }
            }
            Reply::ChangeHeader { index, name, value } => {
                let (name, value) = self.field(&name, &value);
                Reply::ChangeHeader { index, name, value }
            }
            Reply::ChangeFrom { address, args } => {
                Reply::ChangeFrom { address: self.mailbox(&address), args: self.joined_args(args) }
            }
            Reply::AddRcpt(address) => Reply::AddRcpt(self.mailbox(&address)),
            Reply::AddRcptPar { address, args } => {
                Reply::AddRcptPar { address: self.mailbox(&address), args: self.joined_args(args) }
            }
            Reply::DeleteRcpt(address) => Reply::DeleteRcpt(self.mailbox(&address)),
            _ => return frame.clone(),
        };
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        packet(frame, &bytes)
    }

    fn host(&mut self, name: &[u8]) -> Vec<u8> {
        self.names.host(&String::from_utf8_lossy(name)).into_bytes()
    }

    fn address(&mut self, address: Address) -> Address {
        match address {
            Address::Inet { port, text } => Address::Inet { port, text: self.host(&text) },
            Address::Inet6 { port, text } => Address::Inet6 { port, text: self.host(&text) },
            Address::Unix { .. } | Address::Unknown => Address::Unknown,
        }
    }

    fn mailbox(&mut self, path: &[u8]) -> Vec<u8> {
        self.names.mailbox(&String::from_utf8_lossy(path)).into_bytes()
    }

    /// ESMTP parameters: only those stay whose values are words of the standards.
    fn args(&mut self, args: &[Vec<u8>]) -> Vec<Vec<u8>> {
        args.iter().map(|arg| self.arg(&String::from_utf8_lossy(arg)).into_bytes()).collect()
    }

    fn joined_args(&mut self, args: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let args = args?;
        let words: Vec<Vec<u8>> = args.split(|&byte| byte == b' ').map(<[u8]>::to_vec).collect();
        Some(self.args(&words).join(&b' '))
    }

    fn arg(&mut self, arg: &str) -> String {
        let (key, value) = arg.split_once('=').unwrap_or((arg, ""));
        if let Some(address) = arg.to_ascii_uppercase().starts_with("ORCPT=RFC822;").then(|| &arg[13..]) {
            return format!("{}{}", &arg[..13], self.names.mailbox(address));
        }
        let is_harmless = value.chars().all(|c| c.is_ascii_alphanumeric() || c == ',');
        match HARMLESS_ARGS.contains(&key.to_ascii_uppercase().as_str()) && is_harmless {
            true => arg.to_owned(),
            false if ["AUTH", "ENVID", "ORCPT"].iter().any(|known| known.eq_ignore_ascii_case(key)) => {
                format!("{key}=redacted")
            }
            false => "REDACTED".to_owned(),
        }
    }

    /// A header field. What is known to hold addresses, dates or words of a program keeps its form; the rest may be anything that
    /// somebody wrote.
    fn field(&mut self, name: &[u8], value: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let is = |names: &[&str]| names.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
        let shown_name = if is(&MAILBOXES) || is(&TECHNICAL) || is(&FREE) { name } else { b"X-Redacted" };
        let value = String::from_utf8_lossy(value);
        let space = if value.starts_with(' ') { " " } else { "" };
        let shown = if value.trim().is_empty() {
            value.into_owned()
        } else if is(&MAILBOXES) {
            format!("{space}{}", self.mailboxes(&value))
        } else if is(&TECHNICAL) {
            text(&mut self.names, &value, Words::Known)
        } else {
            format!("{space}redacted")
        };
        (shown_name.to_vec(), shown.into_bytes())
    }

    /// Addresses without what stands around them: names, comments.
    fn mailboxes(&mut self, value: &str) -> String {
        let words = value.split(|c: char| c.is_whitespace() || "<>(),;:\"".contains(c));
        let addresses = words.filter(|word| word.contains('@'));
        let found: Vec<String> = addresses.map(|address| format!("<{}>", self.names.mailbox(address))).collect();
        if found.is_empty() { "redacted".to_owned() } else { found.join(", ") }
    }

    fn macro_pair(&mut self, name: &[u8], value: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"{}_".contains(byte);
        let shown_name = if name.iter().all(is_name) { name.to_vec() } else { b"{redacted}".to_vec() };
        let bare = String::from_utf8_lossy(name).trim_matches(['{', '}']).to_owned();
        let value = String::from_utf8_lossy(value);
        let shown = match bare.as_str() {
            _ if value.is_empty() => String::new(),
            "j" | "s" | "k" | "client_name" | "client_ptr" | "client_addr" | "if_name" | "if_addr" | "daemon_addr"
            | "mail_host" | "rcpt_host" => self.names.host(&value),
            "f" | "mail_addr" | "rcpt_addr" | "mail_from" | "auth_authen" | "auth_author" => self.names.mailbox(&value),
            _ if bare.starts_with("cert") || bare.starts_with("cn_") => "redacted".to_owned(),
            _ if PLAIN_MACROS.contains(&bare.as_str()) => text(&mut self.names, &value, Words::Stay),
            _ => text(&mut self.names, &value, Words::Known),
        };
        (shown_name, shown.into_bytes())
    }
}

/// A reply of the milter's own: its codes. The words may repeat anything of the message, in any form.
fn said_redacted(said: &[u8]) -> Vec<u8> {
    let said = String::from_utf8_lossy(said);
    said.split("\r\n").map(line_redacted).collect::<Vec<_>>().join("\r\n").into_bytes()
}

fn line_redacted(line: &str) -> String {
    let is_code = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((code, rest)) = line.split_at_checked(3).filter(|(code, _)| is_code(code)) else {
        return "redacted".to_owned();
    };
    let (sign, rest) = rest.split_at_checked(1).filter(|(sign, _)| [" ", "-"].contains(sign)).unwrap_or((" ", rest));
    let status = rest.split(' ').next().unwrap_or_default();
    let is_status = status.split('.').count() == 3 && status.split('.').all(|part| !part.is_empty() && is_code(part));
    if is_status { format!("{code}{sign}{status} redacted") } else { format!("{code}{sign}redacted") }
}

/// A packet of the same kind with other contents; `bytes` begin with a length and a code.
fn packet(frame: &Frame, bytes: &[u8]) -> Frame {
    Frame { code: frame.code, payload: bytes.get(5..).unwrap_or_default().to_vec() }
}

/// What makes no sense may hold anything.
fn unreadable(frame: &Frame) -> Frame {
    Frame { code: frame.code, payload: gone(&frame.payload) }
}

/// What stands for bytes that are nobody's business.
fn gone(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() { Vec::new() } else { format!("[{} bytes]\r\n", bytes.len()).into_bytes() }
}

/// When so many names are known a connection begins with none: a recorder may run for years.
const NAMES_MAX: usize = 100_000;

/// Parameters whose values are numbers or words of the standards.
const HARMLESS_ARGS: [&str; 5] = ["SIZE", "BODY", "SMTPUTF8", "RET", "NOTIFY"];

/// Macros in which the MTA and its administrator speak, not the people who write; addresses and names of hosts in them are replaced.
const PLAIN_MACROS: [&str; 19] = [
    "i",
    "v",
    "daemon_name",
    "daemon_port",
    "client_port",
    "client_connections",
    "client_resolve",
    "mail_mailer",
    "rcpt_mailer",
    "auth_type",
    "auth_ssf",
    "tls_version",
    "cipher",
    "cipher_bits",
    "verify",
    "nrcpts",
    "msg_size",
    "b",
    "t",
];

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

/// Fields that programs write: names and addresses in them are replaced, words that programs use stay.
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

/// Fields of which everybody knows the name, and nobody the value.
const FREE: [&str; 12] = [
    "Subject",
    "Comments",
    "Keywords",
    "Content-Type",
    "Content-Disposition",
    "DKIM-Signature",
    "ARC-Seal",
    "ARC-Message-Signature",
    "ARC-Authentication-Results",
    "List-Id",
    "List-Unsubscribe",
    "User-Agent",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> (String, String) {
        let (name, value) = Redactor::default().field(name.as_bytes(), value.as_bytes());
        (String::from_utf8(name).expect("text"), String::from_utf8(value).expect("text"))
    }

    #[test]
    fn what_somebody_wrote_goes_and_what_programs_wrote_stays() {
        for (name, value, wanted) in [
            ("Subject", " call me: 555 0100, password hunter2", ("Subject", " redacted")),
            ("X-Secret-Project", "Robert'); DROP", ("X-Redacted", "redacted")),
            ("From", " \"Doe, Jane\" <jane@corp.example> (at home)", ("From", " <user2@host1.example>")),
            ("to", "undisclosed recipients:;", ("to", "redacted")),
            ("Received-SPF", "pass (corp.example: ok)", ("Received-SPF", "pass (host1.example: ok)")),
            ("Subject", "", ("Subject", "")),
        ] {
            assert_eq!(field(name, value), (wanted.0.to_owned(), wanted.1.to_owned()));
        }
    }

    fn sent(command: &Command) -> Entry {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        Entry::Sent(Frame { code: bytes[4], payload: bytes[5..].to_vec() })
    }

    fn received(reply: &Reply) -> Entry {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        Entry::Received(Frame { code: bytes[4], payload: bytes[5..].to_vec() })
    }

    #[test]
    fn of_what_the_milter_says_the_codes_stay() {
        for (said, wanted) in [
            ("550 5.7.1 \"plan b\" of Jane? See http://x.example/?a=jane%40corp.example", "550 5.7.1 redacted"),
            ("554-5.7.1 Jane\r\n554 5.7.1 Doe", "554-5.7.1 redacted\r\n554 5.7.1 redacted"),
            ("451 Jane", "451 redacted"),
            ("451 10.1.2", "451 10.1.2 redacted"),
            ("550 10.1.2.3", "550 redacted"),
            ("Jane", "redacted"),
            ("\u{fc}\u{fc}\u{fc}", "redacted"),
        ] {
            let redacted = Redactor::default().redact(&[received(&Reply::ReplyCode(said.as_bytes().to_vec()))]);
            assert_eq!(redacted, [received(&Reply::ReplyCode(wanted.as_bytes().to_vec()))], "{said}");
        }
        let told = Redactor::default().redact(&[received(&Reply::Quarantine(b"Doe (CORP.example)".to_vec()))]);
        assert_eq!(told[0].line(), "< quarantine redacted");
    }

    #[test]
    fn a_name_is_replaced_also_where_it_stands_before_it_is_known() {
        let entries = [
            sent(&Command::Header { name: b"Received".to_vec(), value: b"from laptop-joe by x".to_vec() }),
            sent(&Command::Helo(b"LAPTOP-JOE".to_vec())),
            sent(&Command::Unknown(b"dG9wc2VjcmV0".to_vec())),
            sent(&Command::Mail {
                sender: b"<joe>".to_vec(),
                args: vec![b"SIZE=10".to_vec(), b"AUTH=joe".to_vec(), b"joe".to_vec()],
            }),
        ];
        let mut redactor = Redactor::default();
        let lines: Vec<String> = redactor.redact(&entries).iter().map(Entry::line).collect();
        let wanted = [
            "> header Received: from host1.example by redacted",
            "> helo host1.example",
            "> unknown REDACTED",
            "> mail <user2> SIZE=10 AUTH=redacted REDACTED",
        ];
        assert_eq!(lines, wanted);
        assert_eq!(
            redactor.redact(&entries[1..2])[0].line(),
            "> helo host1.example",
            "it is the same in each connection"
        );
    }
}
