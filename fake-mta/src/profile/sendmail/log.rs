//! What sendmail's log says of a filter that fails.

use crate::{
    link::LinkError,
    profile::{Host, errno},
};

/// The program's name in the log.
pub(super) const PROGRAM: &str = "sendmail";

/// Writes a line about a message. One that is too long becomes several, numbered, cut behind a space if there is one.
pub(super) fn write(host: &Host, queue_id: &str, text: &str) {
    if text.len() <= WHOLE_MAX {
        return host.log(PROGRAM, Some(queue_id), text);
    }
    let mut rest = text;
    for number in 1.. {
        if rest.len() <= PIECE_MAX {
            return host.log(PROGRAM, Some(&format!("{queue_id}[{number}]")), rest);
        }
        // Log lines are ASCII: what is not was escaped before.
        let limit = (0..=PIECE_MAX).rev().find(|&end| rest.is_char_boundary(end)).unwrap_or(rest.len());
        let end = rest[..limit].rfind(' ').map_or(limit, |space| space + 1);
        host.log(PROGRAM, Some(&format!("{queue_id}[{number}]")), &format!("{} ...", &rest[..end]));
        rest = &rest[end..];
    }
}

/// The lines about a filter that cannot be connected to, to be put after its name. `address` is `inet:host:port` or
/// `unix:/path`.
pub(super) fn connect_failure(address: &str, error: &LinkError) -> Vec<String> {
    let host = address.strip_prefix("inet:").map(|rest| rest.rsplit_once(':').map_or(rest, |(host, _)| host));
    let reason = match error {
        LinkError::Connect(error) => errno(error),
        other => other.to_string(),
    };
    match host {
        Some(host) => {
            vec![
                format!(": open {host} failed: {reason} by {host}"),
                format!(": error connecting to filter: {reason} by {host}"),
            ]
        }
        None => vec![format!(": error connecting to filter: {reason}")],
    }
}

/// The line about an answer that did not come, or not whole.
pub(super) fn read_failure(name: &str, action: &str, error: &LinkError) -> String {
    match error {
        LinkError::Timeout { unfinished, .. } => {
            // Length and code are read together, and then the rest.
            let begun = !matches!(unfinished.came, 0 | HEAD_SIZE);
            let when = if begun { "during" } else { "before" };
            format!("Milter ({name}): timeout {when} data read, where={action}")
        }
        LinkError::Eof(unfinished) if unfinished.came < HEAD_SIZE => {
            format!("milter_sys_read({name}): cmd read returned {}, expecting {HEAD_SIZE}", unfinished.came)
        }
        LinkError::Eof(unfinished) => {
            let expected = unfinished.length.map_or(0, |length| length.saturating_sub(1));
            let came = unfinished.came.saturating_sub(HEAD_SIZE);
            format!("milter_sys_read({name}): cmd read returned {came}, expecting {expected}")
        }
        LinkError::Io(error) => {
            format!("milter_sys_read({name}): cmd read returned -1, expecting {HEAD_SIZE}: {}", errno(error))
        }
        other => format!("milter_sys_read({name}): cmd read: {other}"),
    }
}

/// The longest text that is written whole, bytes: what syslog takes, without the queue id.
const WHOLE_MAX: usize = 1007;
/// The longest piece of a text that is not, bytes.
const PIECE_MAX: usize = 956;
/// Length word and code.
const HEAD_SIZE: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Unfinished;

    fn eof(came: usize, length: Option<u32>) -> String {
        read_failure("f", "mail", &LinkError::Eof(Unfinished { came, length }))
    }

    #[test]
    fn what_came_of_a_packet_is_told_part_by_part() {
        assert_eq!(eof(0, None), "milter_sys_read(f): cmd read returned 0, expecting 5");
        assert_eq!(eof(3, None), "milter_sys_read(f): cmd read returned 3, expecting 5");
        assert_eq!(eof(8, Some(16)), "milter_sys_read(f): cmd read returned 3, expecting 15");
        assert_eq!(eof(5, Some(16)), "milter_sys_read(f): cmd read returned 0, expecting 15");
    }
}
