//! A filter's edits at the end of a message, as Postfix makes them.

use std::collections::HashSet;

use milter_proto::Reply;

use super::options;
use crate::{
    message::{Envelope, PostfixHeaders, Recipient, without_cr},
    profile::qualified,
    smtp::address_list,
};

/// The message while filters may still change it.
pub(super) struct Editing {
    pub(super) headers: PostfixHeaders,
    /// The body with LF line ends, if the text did not end in its header.
    pub(super) body: Option<Vec<u8>>,
    pub(super) envelope: Envelope,
    /// The last recipient that the client named, for the log.
    pub(super) last_recipient: Option<Vec<u8>>,
    body_parts: BodyParts,
    /// The recipients that filters have added: each of them only once.
    added: Vec<Vec<u8>>,
    /// The domain of addresses that have none.
    origin: String,
}

/// How far this filter is with a new body: its packets must follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyParts {
    None,
    Coming,
    Ended,
}

impl Editing {
    pub(super) fn new(headers: PostfixHeaders, body: Option<Vec<u8>>, envelope: Envelope, origin: String) -> Self {
        let last_recipient = envelope.recipients.last().map(|recipient| recipient.address.clone());
        let mut editing =
            Self { headers, body, envelope, last_recipient, body_parts: BodyParts::None, added: Vec::new(), origin };
        editing.complete_envelope();
        editing
    }

    /// Every address gets a domain, and who is named twice, letter case apart, is one recipient.
    fn complete_envelope(&mut self) {
        let sender = std::mem::take(&mut self.envelope.sender);
        self.envelope.sender = self.qualified(sender);
        let mut seen = HashSet::new();
        for mut recipient in std::mem::take(&mut self.envelope.recipients) {
            recipient.address = self.qualified(recipient.address);
            let key = (recipient.original.to_ascii_lowercase(), recipient.address.to_ascii_lowercase());
            if seen.insert(key) {
                self.envelope.recipients.push(recipient);
            }
        }
    }

    /// The next filter starts with what the one before left.
    pub(super) fn next_filter(&mut self, leading_space: bool) {
        self.headers.leading_space = leading_space;
        self.body_parts = BodyParts::None;
    }

    /// Something other than a part of the new body came.
    pub(super) fn end_body(&mut self) {
        if self.body_parts == BodyParts::Coming {
            self.body_parts = BodyParts::Ended;
        }
    }

    /// Makes one edit; the error is a request that makes no sense, in Postfix's words.
    pub(super) fn apply(&mut self, edit: &Reply) -> Result<(), &'static str> {
        match edit {
            Reply::AddHeader { name, value } => self.headers.add(name, value),
            Reply::InsertHeader { index, name, value } => self.headers.insert(*index, name, value),
            Reply::ChangeHeader { name, .. } if name.is_empty() => return Err("null change header name"),
            Reply::ChangeHeader { index, name, value } => self.headers.change(*index, name, value),
            Reply::ReplaceBody(part) => return self.replace_body(part),
            Reply::AddRcpt(address) => self.add_recipient(address, None),
            Reply::AddRcptPar { address, args } => self.add_recipient(address, args.as_deref()),
            Reply::DeleteRcpt(list) => {
                if let Some(address) = address_list(list).first() {
                    self.envelope.recipients.retain(|rcpt| rcpt.original != *address);
                }
            }
            Reply::ChangeFrom { address, args } => {
                self.envelope.sender = self.qualified(address_list(address).into_iter().next().unwrap_or_default());
                if let Some(args) = args {
                    self.envelope.set_params(known_args(args, options::is_known_at_mail));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn replace_body(&mut self, part: &[u8]) -> Result<(), &'static str> {
        match self.body_parts {
            BodyParts::Ended => return Err("body replacement requests can't currently be mixed with other requests"),
            BodyParts::None => self.body = None,
            BodyParts::Coming => {}
        }
        self.body_parts = BodyParts::Coming;
        let body = self.body.get_or_insert_default();
        // A CRLF may be cut in two by the packets: the CR at the end of what came before belongs to this LF.
        if part.first() == Some(&b'\n') && body.last() == Some(&b'\r') {
            body.pop();
        }
        body.extend(without_cr(part));
        Ok(())
    }

    /// Only the first address of a list counts.
    fn add_recipient(&mut self, list: &[u8], args: Option<&[u8]>) {
        let Some(first) = address_list(list).into_iter().next() else { return };
        let address = self.qualified(first);
        if self.added.contains(&address) {
            return;
        }
        self.added.push(address.clone());
        let params = args.map(|args| known_args(args, options::is_known_at_rcpt)).unwrap_or_default();
        // The extra recipients stand before those of the client, the last one first.
        self.envelope.recipients.insert(0, Recipient::new(address, params));
    }

    fn qualified(&self, address: Vec<u8>) -> Vec<u8> {
        qualified(address, &self.origin)
    }
}

/// The ESMTP parameters that Postfix takes from a filter; others are passed over.
fn known_args(args: &[u8], is_known: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let words = args.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.filter(|word| is_known(word)).map(<[u8]>::to_vec).collect()
}
