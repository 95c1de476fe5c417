//! What macros tell of a session that no packet does.

use milter_proto::Protocol;

use super::{Said, Story, UNSEEN_HELO, UNSEEN_RCPT, UNSEEN_UNKNOWN, host_name};
use crate::record::{Entry, mta};

type Pairs = [(Vec<u8>, Vec<u8>)];

impl Story {
    /// The macros that go with the next command; `next` is what comes behind them.
    pub(super) fn macros(&mut self, for_command: u8, pairs: &Pairs, next: &[Entry]) {
        self.security(for_command, pairs);
        self.forged(for_command, pairs);
        if let Some(id) = macro_value(pairs, &["i"]) {
            self.queue_id = id.to_vec();
        }
        self.is_unknown_next = for_command == b'R' && macro_value(pairs, &["{rcpt_mailer}"]) == Some(b"error");
        self.negotiated_away(for_command, pairs, next);
    }

    /// Macros tell of STARTTLS and AUTH, which are no packets, with the command that comes next.
    fn security(&mut self, for_command: u8, pairs: &Pairs) {
        let value = |name: &str| {
            let found = pairs.iter().find(|(given, _)| mta::bare(&String::from_utf8_lossy(given)) == name);
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).filter(|value| !value.is_empty())
        };
        // With a message nothing of the kind can come any more.
        if !matches!(for_command, b'C' | b'H' | b'M' | b'R') {
            return;
        }
        let steps = self.sessions.last().map_or(&[][..], |session| &session.steps);
        let has_tls = steps.iter().any(|step| matches!(step.said, Said::Tls(_)));
        let has_auth = steps.iter().any(|step| matches!(step.said, Said::Auth { .. }));
        if value("tls_version").is_some() && !has_tls {
            let named = |name: &str| Some(((*name).to_owned(), value(name)?));
            self.say(Said::Tls(TLS_MACROS.iter().filter_map(|name| named(name)).collect()));
        }
        if let (Some(mechanism), Some(user), false) = (value("auth_type"), value("auth_authen"), has_auth) {
            self.say(Said::Auth { mechanism, user });
        }
    }

    /// The macro `_` tells what the reverse look-up gave, and that nothing confirms it.
    fn forged(&mut self, for_command: u8, pairs: &Pairs) {
        let (Some(session), Some(client)) = (self.sessions.last_mut(), macro_value(pairs, &["_"])) else { return };
        let client = String::from_utf8_lossy(client);
        if for_command == b'C' && client.ends_with("(may be forged)") {
            session.is_forged = true;
            session.hostname = client.split_once(" [").and_then(|(name, _)| host_name(name));
        }
    }

    /// Of a header that the filter did not want to see the message id is told.
    fn unseen_header(&mut self, message_id: Option<Vec<u8>>) {
        if let Some(message_id) = message_id {
            let field = [b"Message-Id: ", &message_id[..], b"\n"].concat();
            self.text().splice(..0, field);
        }
    }

    /// Macros tell what the filter has negotiated away.
    fn negotiated_away(&mut self, for_command: u8, pairs: &Pairs, next: &[Entry]) {
        let value = |wanted: &[&str]| macro_value(pairs, wanted).map(<[u8]>::to_vec);
        let is_told =
            next.first().is_some_and(|entry| matches!(entry, Entry::Sent(frame) if frame.code == for_command));
        match for_command {
            b'C' if self.protocol.contains(Protocol::NO_CONNECT) => {
                let (Some(session), Some(client)) = (self.sessions.last_mut(), value(&["_"])) else { return };
                let client = String::from_utf8_lossy(&client).into_owned();
                let (name, ip) = client.split_once('[').unwrap_or(("", &client));
                session.hostname = host_name(name.trim());
                session.ip = ip.split(']').next().map(|ip| ip.trim_start_matches("IPv6:").to_owned());
            }
            b'H' if self.protocol.contains(Protocol::NO_HELO) => self.say(Said::Line(UNSEEN_HELO.to_vec())),
            b'M' if self.protocol.contains(Protocol::NO_MAIL) => {
                let sender = value(&["{mail_addr}", "f"]).unwrap_or_default();
                self.mail([b"MAIL FROM:<", &sender[..], b">"].concat());
            }
            // sendmail sends the macros of a recipient whom it refuses even where it does not tell of him.
            b'R' if self.is_unknown_next && !is_told => {
                self.recipient(format!("RCPT TO:<{UNSEEN_UNKNOWN}>").into_bytes());
            }
            b'R' if self.protocol.contains(Protocol::NO_RCPT) => {
                let recipient = value(&["{rcpt_addr}"]).map(|address| [b"RCPT TO:<", &address[..], b">"].concat());
                self.recipient(recipient.unwrap_or_else(|| UNSEEN_RCPT.to_vec()));
            }
            b'U' if self.protocol.contains(Protocol::NO_UNKNOWN) => self.say(Said::Line(b"UNKNOWN".to_vec())),
            b'E' if self.protocol.contains(Protocol::NO_HEADERS) => self.unseen_header(value(&["{msg_id}"])),
            _ => {}
        }
    }
}

/// The value of the first macro that has one of these names.
fn macro_value<'a>(pairs: &'a Pairs, names: &[&str]) -> Option<&'a [u8]> {
    let found = pairs.iter().find(|(given, _)| names.iter().any(|name| name.as_bytes() == given));
    found.map(|(_, value)| value.as_slice())
}

/// What macros tell of TLS.
const TLS_MACROS: [&str; 8] =
    ["tls_version", "cipher", "cipher_bits", "verify", "cert_subject", "cert_issuer", "cn_subject", "cn_issuer"];
