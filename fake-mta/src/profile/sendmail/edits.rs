//! A filter's edits at the end of a message, as sendmail makes them.

use milter_proto::{Actions, Reply};

use super::{address, filter::Filter, log};
use crate::{
    message::{Change, Envelope, Recipient, SendmailHeaders, without_cr},
    profile::{Host, host::printable, qualified},
    smtp::{address_list, bare_address},
};

/// The message while filters may still change it.
pub(super) struct Editing {
    pub(super) headers: SendmailHeaders,
    /// The body with LF line ends.
    pub(super) body: Vec<u8>,
    pub(super) envelope: Envelope,
    pub(super) quarantine: Option<Vec<u8>>,
    /// This filter has sent a part of a new body.
    body_replaced: bool,
    /// The recipients that filters have deleted, each with its place.
    deleted: Vec<(usize, Recipient)>,
    /// What sendmail says to the client in between, for each recipient whose parameters make no sense.
    pub(super) outbursts: Vec<String>,
    /// This filter has sent a new body that cannot be taken.
    pub(super) replacement_failed: bool,
}

impl Editing {
    /// The message as it came.
    pub(super) fn new(
        headers: SendmailHeaders,
        body: Vec<u8>,
        envelope: Envelope,
        quarantine: Option<Vec<u8>>,
    ) -> Self {
        Self {
            headers,
            body,
            envelope,
            quarantine,
            body_replaced: false,
            deleted: Vec::new(),
            outbursts: Vec::new(),
            replacement_failed: false,
        }
    }

    /// The next filter starts with what the one before left.
    pub(super) fn next_filter(&mut self, leading_space: bool) {
        self.headers.leading_space = leading_space;
        self.body_replaced = false;
        self.replacement_failed = false;
    }

    /// Makes one edit and writes it into the log.
    pub(super) fn apply(&mut self, edit: &Reply, filter: &Filter, host: &Host, queue_id: &str) {
        self.note_lie(edit, filter, host, queue_id);
        let said = match edit {
            Reply::AddHeader { name, value } if !name.is_empty() => self.add_header(name, value),
            Reply::InsertHeader { index, name, value } if !name.is_empty() => {
                self.headers.insert(*index, name, value);
                let index = i32::from_be_bytes(index.to_be_bytes());
                Some(format!(" insert ({index}): header: {}: {}", printable(name), printable(value)))
            }
            Reply::ChangeHeader { index, name, value } if !name.is_empty() => {
                Some(self.change_header(*index, name, value))
            }
            Reply::ReplaceBody(_) if !filter.announced(Actions::CHANGE_BODY) => {
                self.replacement_failed = true;
                None
            }
            Reply::ReplaceBody(part) => self.replace_body(part),
            Reply::AddRcpt(address) if !address.is_empty() => {
                self.add_recipients(address, None);
                Some(format!(" add: rcpt: {}", printable(address)))
            }
            Reply::AddRcptPar { address, args } if !address.is_empty() => {
                match args.as_ref().and_then(|args| address::refuse_recipient_args(&words(args))) {
                    Some(_) => {
                        let errors = self.outbursts.len();
                        self.outbursts.push(format!("olderrors={errors}, Errors={}", errors + 1));
                    }
                    None => self.add_recipients(address, args.as_deref()),
                }
                Some(format!(" add: rcpt: {}", printable(address)))
            }
            Reply::DeleteRcpt(address) if !address.is_empty() => {
                let deleted = self.delete_recipient(address);
                Some(format!(" delete: rcpt {}, naddrs={deleted}", printable(address)))
            }
            Reply::ChangeFrom { address, args } if !address.is_empty() => {
                self.envelope.sender = qualified(bare_address(address).to_vec(), &host.settings.hostname);
                if let Some(args) = args {
                    self.envelope
                        .set_params(words(args).into_iter().filter(|param| is_mail_param(param)).map(full_return));
                }
                Some(format!(" chgfrom: {}", printable(address)))
            }
            Reply::Quarantine(reason) => {
                self.quarantine = Some(reason.clone());
                filter.log_action(host, queue_id, &format!("quarantine={}", printable(reason)));
                None
            }
            _ => None,
        };
        if let Some(said) = said {
            filter.log(host, queue_id, &said);
        }
    }

    fn add_header(&mut self, name: &[u8], value: &[u8]) -> Option<String> {
        let (shown_name, shown) = (printable(name), printable(&escaped(value)));
        Some(match self.headers.add(name, value) {
            Change::DefaultFilled(own) => format!(" change: default header {} value with {shown}", printable(&own)),
            _ => format!(" add: header: {shown_name}: {shown}"),
        })
    }

    fn change_header(&mut self, index: u32, name: &[u8], value: &[u8]) -> String {
        let (shown_name, shown) = (printable(name), printable(&escaped(value)));
        let old_text = |old: Option<Vec<u8>>| old.map_or_else(|| "<NULL>".to_owned(), |old| printable(&old));
        match self.headers.change(index, name, value) {
            Change::Changed { default: true, old } => {
                format!(" change: header (default header) {shown_name}: from {} to {shown}", old_text(old))
            }
            Change::Changed { default: false, old } => {
                format!(" change: header {shown_name}: from {} to {shown}", old_text(old))
            }
            Change::Deleted { default: true, old } => {
                format!(" delete: header (default header) {shown_name}:{}", old_text(old))
            }
            Change::Deleted { default: false, old } => format!(" delete: header {shown_name}:{}", old_text(old)),
            Change::NothingToDelete => format!(" delete (noop): header: {shown_name}"),
            Change::Added | Change::DefaultFilled(_) => format!(" change (add): header: {shown_name}: {shown}"),
        }
    }

    /// The first part throws the old body away, the others are appended.
    fn replace_body(&mut self, part: &[u8]) -> Option<String> {
        let first = !std::mem::replace(&mut self.body_replaced, true);
        if first {
            self.body.clear();
        }
        // A CRLF may be cut in two by the packets: the CR at the end of what came before belongs to this LF.
        if part.first() == Some(&b'\n') && self.body.last() == Some(&b'\r') {
            self.body.pop();
        }
        self.body.extend(without_cr(part));
        first.then(|| " message: body replaced".to_owned())
    }

    fn add_recipients(&mut self, list: &[u8], args: Option<&[u8]>) {
        // Each new recipient goes before the others, and a list is read from its end.
        for address in address_list(list).into_iter().rev() {
            let known = self.envelope.recipients.iter().any(|rcpt| rcpt.address == address);
            // Who was deleted is still in the queue, and comes back to the old place.
            if let Some(found) = self.deleted.iter().position(|(_, deleted)| deleted.address == address) {
                let (place, recipient) = self.deleted.swap_remove(found);
                let place = place.min(self.envelope.recipients.len());
                self.envelope.recipients.insert(place, recipient);
            } else if !known {
                let params = args.map(words).unwrap_or_default();
                self.envelope.recipients.insert(0, Recipient::new(address, params));
            }
        }
    }

    fn delete_recipient(&mut self, address: &[u8]) -> usize {
        let addresses = address_list(address);
        let all = std::mem::take(&mut self.envelope.recipients);
        let before = self.deleted.len();
        for (place, recipient) in all.into_iter().enumerate() {
            if addresses.contains(&recipient.address) {
                self.deleted.push((place, recipient));
            } else {
                self.envelope.recipients.push(recipient);
            }
        }
        self.deleted.len() - before
    }

    /// A filter that asks for what it did not negotiate is written down, and gets it all the same; but no new body.
    fn note_lie(&self, edit: &Reply, filter: &Filter, host: &Host, queue_id: &str) {
        const HONOURED: &str = "honoring request anyway";
        let (needed, what, then) = match edit {
            Reply::AddHeader { .. } | Reply::InsertHeader { .. } => {
                (Actions::ADD_HEADERS, ": lied about adding headers", HONOURED)
            }
            Reply::ChangeHeader { .. } => (Actions::CHANGE_HEADERS, ": lied about changing headers", HONOURED),
            Reply::ReplaceBody(_) => {
                (Actions::CHANGE_BODY, ": lied about replacing body", "rejecting request and tempfailing message")
            }
            Reply::Quarantine(_) => (Actions::QUARANTINE, ": lied about quarantining", HONOURED),
            Reply::ChangeFrom { .. } => (Actions::CHANGE_FROM, " lied about changing sender", HONOURED),
            Reply::AddRcpt(_) => (Actions::ADD_RCPT, " lied about adding recipients", HONOURED),
            Reply::AddRcptPar { .. } => {
                (Actions::ADD_RCPT_PAR, " lied about adding recipients with parameters", HONOURED)
            }
            Reply::DeleteRcpt(_) => (Actions::DELETE_RCPT, ": lied about removing recipients", HONOURED),
            _ => return,
        };
        if !filter.announced(needed) {
            let line = format!("milter_data({}){what}, {then}", filter.settings.name);
            host.log(log::PROGRAM, Some(queue_id), &line);
        }
    }
}

/// A new value as sendmail keeps it: bytes that would mean something to it inside have a mark before them.
fn escaped(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        out.extend(matches!(byte, 0x80..=0x9f).then_some(0xff));
        out.push(byte);
    }
    out
}

/// What should be sent back is the whole message, unless it is said that the header is enough.
fn full_return(param: Vec<u8>) -> Vec<u8> {
    let is_return = param.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"RET="));
    if is_return && !param.eq_ignore_ascii_case(b"RET=HDRS") { b"RET=FULL".to_vec() } else { param }
}

/// The ESMTP parameters of MAIL that sendmail knows; others are passed over.
fn is_mail_param(param: &[u8]) -> bool {
    let keyword = crate::smtp::split_at_byte(param, b'=').0;
    ["AUTH", "BODY", "BY", "ENVID", "RET", "SIZE"].iter().any(|name| name.as_bytes().eq_ignore_ascii_case(keyword))
}

fn words(text: &[u8]) -> Vec<Vec<u8>> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
}
