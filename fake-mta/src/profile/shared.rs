//! What both MTAs take the same way.

use std::io::{self, ErrorKind};

use milter_proto::Command;

use crate::smtp::domain_of;

/// Whether the event is about the content of a message.
pub(crate) fn is_content(command: &Command) -> bool {
    matches!(command, Command::Header { .. } | Command::Eoh | Command::Body(_) | Command::BodyEob(_))
}

/// What the C library calls the error.
pub(crate) fn errno(error: &io::Error) -> String {
    let known = match error.kind() {
        ErrorKind::ConnectionRefused => "Connection refused",
        ErrorKind::ConnectionReset => "Connection reset by peer",
        ErrorKind::BrokenPipe => "Broken pipe",
        ErrorKind::NotFound => "No such file or directory",
        ErrorKind::PermissionDenied => "Permission denied",
        _ => return error.to_string(),
    };
    known.to_owned()
}

/// An address without a domain is one of the host `origin`; the null address stays what it is.
pub(crate) fn qualified(address: Vec<u8>, origin: &str) -> Vec<u8> {
    if address.is_empty() || domain_of(&address).is_some() {
        return address;
    }
    [&address, &b"@"[..], origin.as_bytes()].concat()
}
