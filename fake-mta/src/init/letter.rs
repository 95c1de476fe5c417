//! A scenario from a message and its envelope.

use std::{fmt::Write as _, path::Path};

use crate::{diag::Diag, smtp::address_list};

/// Who sends the message, and to whom; what is not said is taken from the message.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// `MAIL FROM`, without angle brackets; empty for the null sender.
    pub(super) sender: Option<String>,
    /// `RCPT TO`, without angle brackets.
    pub(super) recipients: Vec<String>,
    /// `name [address]`.
    pub(super) client: Option<String>,
}

/// The text of a scenario that sends the message in `file`, which lies beside it.
///
/// # Errors
/// What cannot stand in a dialogue, or a message that names nobody to send it to.
pub(super) fn scenario(file: &Path, message: &[u8], envelope: &Envelope) -> Result<String, Diag> {
    let message = String::from_utf8_lossy(message);
    let sender = match &envelope.sender {
        Some(sender) => bare(sender).to_owned(),
        None => addresses(&message, &["return-path", "from"]).into_iter().next().unwrap_or_default(),
    };
    let recipients = if envelope.recipients.is_empty() {
        addresses(&message, &["to", "cc"])
    } else {
        envelope.recipients.iter().map(|recipient| bare(recipient).to_owned()).collect()
    };
    if recipients.is_empty() {
        let title = format!("{} names no recipient", crate::diag::shown(file));
        return Err(Diag::error(title).help("name one: --rcpt bob@example.net"));
    }
    let client = envelope.client.as_deref().unwrap_or(CLIENT);
    let helo = client.split(['[', ' ']).next().filter(|name| name.contains('.')).unwrap_or("client.example.org");
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let string = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let (mut commands, mut delivered) =
        (String::new(), format!("    {},\n", string(&format!("MAIL FROM:<{sender}>[..]"))));
    for recipient in &recipients {
        let _ = writeln!(commands, "C: RCPT TO:<{recipient}>");
        let _ = writeln!(delivered, "    {},", string(&format!("RCPT TO:<{recipient}>[..]")));
    }
    let text = format!(
        "name = {title}\n\n[messages]\nletter = {{ file = {file} }}\n\n\
         # `M: continue` says that the milter neither refuses nor changes the message; `--bless` writes what it does in that place.\n\
         [[session]]\nclient = {client}\ndialogue = '''\nC: EHLO {helo}\nC: MAIL FROM:<{sender}>\n{commands}C: [message letter]\n\
         M: continue\nC: QUIT\n'''\nenvelope = [\n{delivered}]\n",
        title = string(&format!("what becomes of {name}")),
        file = string(&name),
        client = string(client),
    );
    let odd = [&sender, helo].into_iter().chain(recipients.iter().map(String::as_str)).find(|text| is_odd(text));
    match odd {
        Some(odd) => Err(Diag::error(format!("`{}` cannot stand in a dialogue", crate::diag::escape(odd)))),
        None => Ok(text),
    }
}

/// Whether it would break a line of a block, or the block itself.
fn is_odd(text: &str) -> bool {
    text.contains("'''") || text.chars().any(char::is_control)
}

fn bare(address: &str) -> &str {
    let address = address.trim();
    address.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(address)
}

/// The addresses of the first of these fields that has any, and of the ones behind it of the same list for recipients.
fn addresses(message: &str, fields: &[&str]) -> Vec<String> {
    let header = message.split("\n\n").next().unwrap_or_default().split("\r\n\r\n").next().unwrap_or_default();
    let unfolded = header.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    let mut found: Vec<String> = Vec::new();
    for field in fields {
        let values = unfolded.lines().filter_map(|line| line.split_once(':'));
        let values = values.filter(|(name, _)| name.trim().eq_ignore_ascii_case(field)).map(|(_, value)| value);
        for address in values.flat_map(|value| address_list(value.as_bytes())).filter_map(address) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
    }
    found
}

/// An address of a list, if mail can go to it.
fn address(item: Vec<u8>) -> Option<String> {
    String::from_utf8(item).ok().filter(|address| address.contains('@'))
}

/// Who connects if nobody is named.
const CLIENT: &str = "client.example.org [192.0.2.1]";

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &[u8] = b"Return-Path: <bounce@example.org>\r\nFrom: Alice <alice@example.org>\r\n\
        To: Bob <bob@example.net>,\r\n carol@example.net (Carol)\r\nSubject: x\r\n\r\nTo: <nobody@example.net>\r\n";

    fn lines(envelope: &Envelope) -> Vec<String> {
        let text = scenario(Path::new("a/letter.eml"), LETTER, envelope).unwrap_or_else(|diag| panic!("{diag}"));
        text.lines()
            .filter(|line| line.starts_with("C: MAIL") || line.starts_with("C: RCPT"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_envelope_comes_from_the_header_unless_it_is_named() {
        let from_header =
            ["C: MAIL FROM:<bounce@example.org>", "C: RCPT TO:<bob@example.net>", "C: RCPT TO:<carol@example.net>"];
        assert_eq!(lines(&Envelope::default()), from_header);
        let named = Envelope { sender: Some(String::new()), recipients: vec!["<x@example.net>".into()], client: None };
        assert_eq!(lines(&named), ["C: MAIL FROM:<>", "C: RCPT TO:<x@example.net>"]);
    }

    #[test]
    fn what_no_dialogue_can_hold_is_refused() {
        let envelope = Envelope { sender: Some("a\r\nRCPT TO:<b>".into()), ..Envelope::default() };
        assert!(scenario(Path::new("x.eml"), LETTER, &envelope).is_err());
        assert!(scenario(Path::new("x.eml"), b"Subject: x\n\nx\n", &Envelope::default()).is_err());
    }
}
