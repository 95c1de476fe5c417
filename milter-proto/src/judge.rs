//! Which reply may answer which command: the rule that both ends share.

use crate::{Actions, Negotiate, Protocol, ProtocolError, Reply, codes, limits, wire};

/// What a reply is to the command it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It ends the wait.
    Final,
    /// It edits the message.
    Modification,
    /// It asks for more time.
    KeepAlive,
}

/// Judges `reply` as an answer to the command with the code `command`.
pub(crate) fn judge(reply: &Reply, command: u8, agreed: &Negotiate) -> Result<Kind, ProtocolError> {
    let kind = kind(reply.code(), command).ok_or_else(|| ProtocolError::Unexpected {
        state: waiting_for(command),
        expected: expected_at(command),
        came: reply.name().to_owned(),
    })?;
    check_flags(reply, agreed)?;
    if let Reply::ReplyCode(text) = reply {
        wire::check_wire_text(text)?;
    }
    Ok(kind)
}

/// A reply that no command waits for.
pub(crate) fn unasked(reply: &Reply) -> ProtocolError {
    ProtocolError::Unexpected {
        state: "no command waits for an answer",
        expected: "nothing",
        came: reply.name().to_owned(),
    }
}

/// The largest payload under what was agreed.
pub(crate) fn payload_max(protocol: Protocol) -> usize {
    if protocol.contains(Protocol::MDS_1M) {
        limits::PAYLOAD_MAX_1M
    } else if protocol.contains(Protocol::MDS_256K) {
        limits::PAYLOAD_MAX_256K
    } else {
        limits::PAYLOAD_MAX
    }
}

/// What a reply is to a command, flags aside; `None` if it has no place there.
fn kind(reply: u8, command: u8) -> Option<Kind> {
    match reply {
        codes::NEGOTIATE => (command == codes::NEGOTIATE).then_some(Kind::Final),
        _ if command == codes::NEGOTIATE => None,
        codes::CONTINUE | codes::ACCEPT | codes::REJECT | codes::TEMPFAIL | codes::REPLY_CODE => Some(Kind::Final),
        // There is no message yet that could be thrown away.
        codes::DISCARD => (!matches!(command, codes::CONNECT | codes::HELO)).then_some(Kind::Final),
        codes::SKIP => (command == codes::BODY).then_some(Kind::Final),
        codes::PROGRESS => (command == codes::BODY_EOB).then_some(Kind::KeepAlive),
        // Both are words that MTAs use among their own parts.
        codes::SHUTDOWN | codes::CONN_FAIL => None,
        _ => (command == codes::BODY_EOB).then_some(Kind::Modification),
    }
}

fn check_flags(reply: &Reply, agreed: &Negotiate) -> Result<(), ProtocolError> {
    let missing = |flag: String| Err(ProtocolError::NotNegotiated { packet: reply.name(), flag });
    if matches!(reply, Reply::Skip) && !agreed.protocol.contains(Protocol::SKIP) {
        return missing(Protocol::SKIP.to_string());
    }
    let needed = reply.needed_action();
    if agreed.actions.contains(needed) { Ok(()) } else { missing(needed.to_string()) }
}

impl Protocol {
    /// The flag by which a filter promises no answer to the command with that code; `None` for commands that are always answered
    /// (negotiation, the end of the message) and those that never are.
    pub fn no_reply_to(command: u8) -> Option<Self> {
        Some(match command {
            codes::CONNECT => Self::NR_CONNECT,
            codes::HELO => Self::NR_HELO,
            codes::MAIL => Self::NR_MAIL,
            codes::RCPT => Self::NR_RCPT,
            codes::DATA => Self::NR_DATA,
            codes::HEADER => Self::NR_HEADER,
            codes::EOH => Self::NR_EOH,
            codes::BODY => Self::NR_BODY,
            codes::UNKNOWN => Self::NR_UNKNOWN,
            _ => return None,
        })
    }
}

impl Reply {
    /// The action that must have been negotiated for an edit; none for every other reply.
    pub fn needed_action(&self) -> Actions {
        match self {
            Self::AddHeader { .. } | Self::InsertHeader { .. } => Actions::ADD_HEADERS,
            Self::ChangeHeader { .. } => Actions::CHANGE_HEADERS,
            Self::ReplaceBody(_) => Actions::CHANGE_BODY,
            Self::ChangeFrom { .. } => Actions::CHANGE_FROM,
            Self::AddRcpt(_) => Actions::ADD_RCPT,
            Self::AddRcptPar { .. } => Actions::ADD_RCPT_PAR,
            Self::DeleteRcpt(_) => Actions::DELETE_RCPT,
            Self::Quarantine(_) => Actions::QUARANTINE,
            _ => Actions::NONE,
        }
    }
}

fn waiting_for(command: u8) -> &'static str {
    match command {
        codes::NEGOTIATE => "negotiate waits for its answer",
        codes::CONNECT => "connect waits for its answer",
        codes::HELO => "helo waits for its answer",
        codes::MAIL => "mail waits for its answer",
        codes::RCPT => "rcpt waits for its answer",
        codes::DATA => "data waits for its answer",
        codes::HEADER => "header waits for its answer",
        codes::EOH => "eoh waits for its answer",
        codes::BODY => "body waits for its answer",
        codes::BODY_EOB => "eom waits for its answer",
        _ => "unknown waits for its answer",
    }
}

fn expected_at(command: u8) -> &'static str {
    match command {
        codes::NEGOTIATE => "negotiate",
        codes::CONNECT | codes::HELO => "continue, accept, reject, tempfail or replycode",
        codes::BODY => "continue, accept, reject, tempfail, discard, replycode or skip",
        codes::BODY_EOB => "edits, progress, or one of continue, accept, reject, tempfail, discard and replycode",
        _ => "continue, accept, reject, tempfail, discard or replycode",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const REPLIES: &[u8] = b"Ocartdysp4fhimbe+2-q";
    const COMMANDS: &[u8] = b"OCHMRTLNBEU";

    #[test]
    fn the_table_of_replies_is_as_written_down() {
        let mut table = String::from("reply  ");
        COMMANDS.iter().for_each(|command| write!(table, "{} ", char::from(*command)).expect("a String"));
        for reply in REPLIES {
            write!(table, "\n{}      ", char::from(*reply)).expect("a String");
            for command in COMMANDS {
                let cell = match kind(*reply, *command) {
                    Some(Kind::Final) => "F ",
                    Some(Kind::Modification) => "e ",
                    Some(Kind::KeepAlive) => "k ",
                    None => ". ",
                };
                table.push_str(cell);
            }
        }
        let lines: Vec<_> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
