//! The envelope of a message, and the message as it left the MTA.

use crate::smtp::split_at_byte;

/// One recipient of the message in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// The address without angle brackets.
    pub(crate) address: Vec<u8>,
    /// The address as it was named first, before it was completed.
    pub(crate) original: Vec<u8>,
    /// ESMTP parameters: `NOTIFY=…`, `ORCPT=…`.
    pub(crate) params: Vec<Vec<u8>>,
}

impl Recipient {
    /// A recipient who is called as he was named.
    pub(crate) fn new(address: Vec<u8>, params: Vec<Vec<u8>>) -> Self {
        Self { original: address.clone(), address, params }
    }
}

/// Sender and recipients of the message in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Envelope {
    /// The sender without angle brackets; empty for the null sender.
    pub(crate) sender: Vec<u8>,
    /// ESMTP parameters of MAIL: `BODY=8BITMIME`, `RET=…`.
    pub(crate) params: Vec<Vec<u8>>,
    /// The recipients, in the order in which the next hop gets them.
    pub(crate) recipients: Vec<Recipient>,
}

/// A message as it left the MTA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The sender's path: `<a@example.org>`.
    pub sender: Vec<u8>,
    /// ESMTP parameters of MAIL, without SIZE.
    pub sender_params: Vec<Vec<u8>>,
    /// Each recipient's path with its ESMTP parameters.
    pub recipients: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    /// The paths of those recipients that have their mailbox on this host; all others are sent on.
    pub local: Vec<Vec<u8>>,
    /// The message with LF line ends.
    pub message: Vec<u8>,
    /// It waits in the hold queue or in quarantine, for the reason given, and was not sent on.
    pub held: Option<Vec<u8>>,
}

impl Envelope {
    /// The value of a parameter of MAIL.
    pub(crate) fn param(&self, name: &str) -> Option<&[u8]> {
        let found = self.params.iter().find(|param| keyword(param).eq_ignore_ascii_case(name.as_bytes()))?;
        Some(split_at_byte(found, b'=').1)
    }

    /// Sets parameters of MAIL; those of another keyword stay as they are.
    pub(crate) fn set_params(&mut self, params: impl IntoIterator<Item = Vec<u8>>) {
        for param in params {
            self.params.retain(|known| !keyword(known).eq_ignore_ascii_case(keyword(&param)));
            self.params.push(param);
        }
    }

    /// The message that leaves with this envelope. `is_local` tells which addresses have their mailbox on this host.
    ///
    /// Parameters are written in the order in which both MTAs write them, and those that are for this hop alone are left out.
    pub(crate) fn deliver(
        &self,
        message: Vec<u8>,
        held: Option<Vec<u8>>,
        is_local: impl Fn(&[u8]) -> bool,
    ) -> Delivered {
        let recipients = self.recipients.iter().map(|rcpt| {
            let params = rcpt.params.iter().map(|param| written(param));
            (bracketed(&rcpt.address), params.collect())
        });
        let local = self.recipients.iter().filter(|rcpt| is_local(&rcpt.address));
        let of_keyword = |wanted: &[u8]| {
            let params = self.params.iter().filter(move |param| keyword(param).eq_ignore_ascii_case(wanted));
            params.map(|param| written(param)).collect::<Vec<_>>()
        };
        Delivered {
            sender: bracketed(&self.sender),
            sender_params: FORWARDED.iter().flat_map(|wanted| of_keyword(wanted.as_bytes())).collect(),
            recipients: recipients.collect(),
            local: local.map(|rcpt| bracketed(&rcpt.address)).collect(),
            message,
            held,
        }
    }
}

/// The parameters of MAIL that the next hop gets too. It is not authenticated to, and is told a SIZE of its own.
const FORWARDED: [&str; 4] = ["BODY", "ENVID", "RET", "SMTPUTF8"];

/// A parameter as MTAs write it: keywords, and values that are keywords, in upper case; what the body is, is written as it came.
fn written(param: &[u8]) -> Vec<u8> {
    let (keyword, value) = split_at_byte(param, b'=');
    let keyword = keyword.to_ascii_uppercase();
    if keyword.len() == param.len() {
        return keyword;
    }
    let is_word = matches!(&keyword[..], b"RET" | b"NOTIFY");
    let value = if is_word { value.to_ascii_uppercase() } else { value.to_vec() };
    [&keyword[..], b"=", &value].concat()
}

fn keyword(param: &[u8]) -> &[u8] {
    split_at_byte(param, b'=').0
}

fn bracketed(address: &[u8]) -> Vec<u8> {
    [b"<", address, b">"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_replaced_by_keyword_and_only_some_are_forwarded() {
        let params = ["SIZE=10", "AUTH=<>", "RET=FULL", "body=8BITMIME"].map(|param| param.as_bytes().to_vec());
        let mut envelope = Envelope { params: params.to_vec(), ..Envelope::default() };
        envelope.set_params([b"ret=hdrs".to_vec(), b"ENVID=x".to_vec()]);
        let delivered = envelope.deliver(Vec::new(), None, |_| false);
        assert_eq!(delivered.sender_params, ["BODY=8BITMIME", "ENVID=x", "RET=HDRS"].map(str::as_bytes));
    }
}
