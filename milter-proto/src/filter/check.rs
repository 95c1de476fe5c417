//! Texts that a filter may send: nothing that ends early or breaks the line it is put into.

use crate::{ProtocolError, Reply};

/// Refuses a reply with text that an MTA would cut, refuse or turn into two lines.
pub(super) fn check_texts(reply: &Reply) -> Result<(), ProtocolError> {
    let checked = match reply {
        Reply::AddHeader { name, value }
        | Reply::InsertHeader { name, value, .. }
        | Reply::ChangeHeader { name, value, .. } => header_name(name).and_then(|()| header_value(value)),
        Reply::AddRcpt(address) | Reply::DeleteRcpt(address) => plain("the address", address),
        Reply::ChangeFrom { address, args } | Reply::AddRcptPar { address, args } => {
            plain("the address", address).and_then(|()| plain("the parameters", args.as_deref().unwrap_or_default()))
        }
        Reply::Quarantine(reason) => plain("the reason", reason),
        _ => Ok(()),
    };
    checked.map_err(|Bad(field, problem)| ProtocolError::BadText { packet: reply.name(), field, problem })
}

/// A field and what is wrong with it.
struct Bad(&'static str, &'static str);

/// RFC 5322 §3.6.8: printable characters but the colon.
fn header_name(name: &[u8]) -> Result<(), Bad> {
    match name {
        [] => Err(Bad("the name", "is empty")),
        name if name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':') => Ok(()),
        _ => Err(Bad("the name", "has a character that no header name has")),
    }
}

/// Folded lines are joined by LF and begin with white space.
fn header_value(value: &[u8]) -> Result<(), Bad> {
    if value.contains(&b'\r') {
        return Err(Bad("the value", "has a CR: folded lines are joined by LF alone"));
    }
    let mut lines = value.split(|byte| *byte == b'\n');
    plain("the value", lines.next().unwrap_or_default())?;
    for line in lines {
        plain("the value", line)?;
        if line.trim_ascii().is_empty() || !matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(Bad("the value", "has an LF that is not followed by white space and text"));
        }
    }
    Ok(())
}

fn plain(field: &'static str, text: &[u8]) -> Result<(), Bad> {
    if text.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(Bad(field, "has a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(name: &str, value: &str) -> Result<(), String> {
        check_texts(&Reply::AddHeader { name: name.into(), value: value.into() }).map_err(|error| error.to_string())
    }

    #[test]
    fn header_fields_cannot_smuggle_lines() {
        assert_eq!(add("X-A", " folded\n\tvalue"), Ok(()));
        assert_eq!(add("X-A", ""), Ok(()));
        assert_eq!(add("", "a").unwrap_err(), "the name of addheader reply is empty");
        for (name, value) in
            [("X A", ""), ("X:A", ""), ("X\n", ""), ("X", "a\r\n b"), ("X", "a\nb"), ("X", "a\n \n\nb")]
        {
            assert!(add(name, value).is_err(), "{name:?} {value:?}");
        }
        assert!(add("X", "a\0b").is_err() && add("X", "a\x1bb").is_err() && add("X", "a\n").is_err());
    }

    #[test]
    fn addresses_and_reasons_have_no_control_characters() {
        assert!(check_texts(&Reply::AddRcpt(b"<a@b>\r\nX".to_vec())).is_err());
        assert!(check_texts(&Reply::Quarantine(b"a\nb".to_vec())).is_err());
        let args = Some(b"RET=HDRS\0".to_vec());
        assert!(check_texts(&Reply::ChangeFrom { address: b"<>".to_vec(), args }).is_err());
        assert!(check_texts(&Reply::DeleteRcpt("<ü@b>".into())).is_ok());
    }
}
