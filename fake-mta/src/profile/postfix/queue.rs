//! What `cleanup(8)` adds to a local message, and what leaves the queue.

use super::{address::external, edits::Editing, session::Mail, session::Postfix, text};
use crate::{
    message::{Delivered, Envelope, Header, PostfixHeaders},
    profile::Host,
    settings::Route,
};

/// The header fields that Postfix generates for local mail, if they are missing.
pub(super) struct Generated<'a> {
    pub(super) host: &'a Host,
    pub(super) queue_id: &'a str,
    pub(super) sender: &'a [u8],
    /// The user's name as the password file has it.
    pub(super) full_name: Option<&'a str>,
}

impl Generated<'_> {
    /// Appends Message-Id, Date and From, in this order, as far as they are missing.
    pub(super) fn complete(&self, headers: &mut Vec<Header>) {
        let clock = self.host.settings.clock;
        let hostname = &self.host.settings.hostname;
        let message_id = format!(" <{}.{}@{hostname}>", clock.compact_seconds(), self.queue_id);
        let date = format!(" {}", clock.rfc5322(text::ZONE));
        for (name, value) in
            [("Message-Id", message_id.into_bytes()), ("Date", date.into_bytes()), ("From", self.from())]
        {
            if !headers.iter().any(|header| header.is_named(name.as_bytes())) {
                headers.push(Header::new(name, value));
            }
        }
    }

    fn from(&self) -> Vec<u8> {
        let sender = if self.sender.is_empty() { b"MAILER-DAEMON".to_vec() } else { external(self.sender) };
        match self.full_name.filter(|name| !name.is_empty() && !self.sender.is_empty()) {
            Some(name) => [b" ", name.as_bytes(), b" <", &sender[..], b">"].concat(),
            None => [b" ", &sender[..]].concat(),
        }
    }
}

/// The message as it leaves; `None` if nobody is to get it, or nobody can.
pub(super) fn deliver(session: &Postfix, mail: &Mail, editing: &Editing, held: bool) -> Option<Delivered> {
    let settings = &session.host.settings;
    if editing.envelope.recipients.is_empty() {
        return None;
    }
    // RFC 6531 section 3.2: an international message goes only where it is understood. The bounce is international too.
    if mail.smtputf8 && !settings.next_hop_smtputf8 && !held && is_international(editing) {
        return None;
    }
    let text = session.release.line_breaking.apply(&editing.headers.text(editing.body.as_deref()));
    let is_local = |address: &[u8]| settings.route(address) == Route::Local;
    let held = held.then(Vec::new);
    let mut envelope = with_original_recipients(&editing.envelope);
    envelope.sender = external(&envelope.sender);
    // What the body is was taken for one of two words, and is written anew.
    for param in envelope.params.iter_mut().filter(|param| is_body(param)) {
        param.make_ascii_uppercase();
    }
    for recipient in &mut envelope.recipients {
        recipient.address = external(&recipient.address);
    }
    announce_8bit(&mut envelope, &editing.headers);
    // The queue manager sorts by next hop and then by address, byte by byte.
    envelope
        .recipients
        .sort_by_cached_key(|recipient| (next_hop(session, &recipient.address), recipient.address.clone()));
    Some(envelope.deliver(text, held, is_local))
}

/// Where mail for the address is sent to.
fn next_hop(session: &Postfix, address: &[u8]) -> Vec<u8> {
    let relay_host = session.host.settings.relay_host.as_ref().map(|host| host.clone().into_bytes());
    relay_host.unwrap_or_else(|| crate::smtp::domain_of(address).unwrap_or_default().to_vec())
}

/// Whether an address or a header field is more than ASCII.
fn is_international(editing: &Editing) -> bool {
    let envelope = &editing.envelope;
    let addresses = std::iter::once(&envelope.sender).chain(envelope.recipients.iter().map(|rcpt| &rcpt.address));
    addresses.into_iter().any(|address| !address.is_ascii())
        || editing.headers.visible().any(|header| !header.value.is_ascii())
}

/// A message whose header says that its body is 8-bit is announced so, whatever the client has said of it.
fn announce_8bit(envelope: &mut Envelope, headers: &PostfixHeaders) {
    let encoding = headers.value_of(b"Content-Transfer-Encoding").unwrap_or_default().trim_ascii();
    let is_announced = envelope.params.iter().any(|param| is_body(param));
    if !is_announced && encoding.eq_ignore_ascii_case(b"8bit") {
        envelope.params.push(b"BODY=8BITMIME".to_vec());
    }
}

fn is_body(param: &[u8]) -> bool {
    param.get(..5).is_some_and(|head| head.eq_ignore_ascii_case(b"BODY="))
}

/// To the next host that offers DSN, Postfix names each recipient as it was at first (RFC 3461 section 4.2).
fn with_original_recipients(envelope: &Envelope) -> Envelope {
    let mut envelope = envelope.clone();
    for recipient in &mut envelope.recipients {
        let is_original = |param: &Vec<u8>| param.get(..6).is_some_and(|head| head.eq_ignore_ascii_case(b"ORCPT="));
        let named = recipient.params.iter().any(is_original);
        if !named {
            recipient.params.insert(0, [b"ORCPT=rfc822;", &xtext(&external(&recipient.original))[..]].concat());
        }
        // ORCPT stands first.
        recipient.params.sort_by_key(|param| !is_original(param));
    }
    envelope
}

/// RFC 3461 section 4: what is not printable, `+` and `=` are written as `+` and two hex digits.
fn xtext(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'+' | b'=' => out.extend_from_slice(format!("+{byte:02X}").as_bytes()),
            b'!'..=b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("+{byte:02X}").as_bytes()),
        }
    }
    out
}
