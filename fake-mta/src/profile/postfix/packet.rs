//! Packets from a filter, read as `milter8` reads them, and its complaints in its own words.

use milter_proto::{Command, Frame, Negotiate, Reply, mta::Received};

/// An answer to the negotiation that Postfix can work with.
pub(super) struct Agreement {
    pub(super) agreed: Negotiate,
    /// What is odd in it, for the log.
    pub(super) remarks: Vec<Problem>,
    /// It could not be read to its end.
    pub(super) cut: Option<Cut>,
}

/// Where an answer to the negotiation ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    InNumbers,
    InMacroLists,
}

/// Judges the filter's answer to the offer; the error is the text of the warning.
pub(super) fn negotiation(frame: &Frame, offer: &Negotiate) -> Result<Agreement, String> {
    if frame.code != b'O' {
        let shown = crate::profile::printable(&[frame.code]);
        return Err(format!("unexpected reply \"{shown}\" in initial handshake"));
    }
    if frame.payload.len() < 12 {
        let remarks = vec![Problem::new(TOO_SHORT)];
        return Ok(Agreement { agreed: Negotiate::default(), remarks, cut: Some(Cut::InNumbers) });
    }
    let (agreed, mut remarks, cut) = macro_lists(frame);
    if agreed.version > offer.version {
        let (theirs, ours) = (agreed.version, offer.version);
        return Err(format!("protocol version {theirs} conflict with MTA protocol version {ours}"));
    }
    let (theirs, ours) = (agreed.actions.bits(), offer.actions.bits());
    if theirs & !ours != 0 {
        return Err(format!("request mask 0x{theirs:x} conflict with MTA request mask 0x{ours:x}"));
    }
    if agreed.version < 2 {
        remarks.push(Problem::new(format!("unexpected protocol version {}", agreed.version)));
    }
    Ok(Agreement { agreed, remarks, cut })
}

/// The numbers and the macro lists; lists of stages that do not exist are passed over.
fn macro_lists(frame: &Frame) -> (Negotiate, Vec<Problem>, Option<Cut>) {
    let mut agreed = Negotiate::parse_lenient(&frame.payload[..12]);
    let (mut remarks, mut rest) = (Vec::new(), &frame.payload[12..]);
    while !rest.is_empty() {
        let Some((stage, after)) = rest.split_first_chunk::<4>() else {
            remarks.push(Problem::new(TOO_SHORT));
            return (agreed, remarks, Some(Cut::InMacroLists));
        };
        let Some(end) = after.iter().position(|&byte| byte == 0) else {
            remarks.push(if after.is_empty() {
                Problem::new("packet too short for string")
            } else {
                Problem::no_nul()
            });
            return (agreed, remarks, Some(Cut::InMacroLists));
        };
        let stage = u32::from_be_bytes(*stage);
        if milter_proto::MacroStage::from_u32(stage).is_some() {
            agreed.symlists.push((stage, after[..end].to_vec()));
        } else {
            remarks.push(Problem::new(format!("ignoring unknown macro type {stage}")));
        }
        rest = &after[end + 1..];
    }
    (agreed, remarks, None)
}

/// What is wrong with a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    speaker: Speaker,
    text: String,
}

/// Whom a warning names: Postfix is not of one mind there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Filter,
    Function,
    Both,
}

impl Problem {
    fn new(text: impl Into<String>) -> Self {
        Self { speaker: Speaker::Filter, text: text.into() }
    }

    fn no_nul() -> Self {
        // The spelling is Postfix's.
        Self { speaker: Speaker::Both, text: "missing string null termimator".to_owned() }
    }

    fn left_over(bytes: usize) -> Self {
        Self { speaker: Speaker::Function, text: format!("left-over data {bytes} bytes") }
    }

    /// The warning about the filter at that address.
    pub(super) fn log_line(&self, address: &str) -> String {
        let function = if self.speaker == Speaker::Filter { "" } else { "milter8_read_data: " };
        let filter = if self.speaker == Speaker::Function { String::new() } else { format!("milter {address}: ") };
        format!("warning: {function}{filter}{}", self.text)
    }
}

/// The filter's answer to `command`.
pub(super) fn reply(received: &Received, command: &Command) -> Result<Reply, Problem> {
    let frame = &received.frame;
    match (&received.reply, frame.code) {
        // What is wrong with a reply text is looked at later, and means something else.
        (_, b'y') => Ok(Reply::ReplyCode(frame.payload.clone())),
        (_, b'q') => Ok(Reply::Quarantine(frame.payload.clone())),
        // No answer to anything but the offer.
        (_, b'O') | (Err(_), _) if reply_name(frame.code) == UNKNOWN_REPLY => Err(unexpected(frame.code, command)),
        (_, code) if is_edit(code) && !matches!(command, Command::BodyEob(_)) => Err(unexpected(code, command)),
        (Ok(reply), _) => Ok(reply.clone()),
        (Err(_), code) if is_edit(code) => Err(malformed_edit(frame)),
        (Err(_), code) => {
            let (name, length) = (reply_name(code), last_payload_length(command));
            Err(Problem::new(format!("reply {name} was followed by {length} data bytes")))
        }
    }
}

fn unexpected(code: u8, command: &Command) -> Problem {
    let event = super::text::event_name(command.code());
    Problem::new(format!("unexpected filter response {} after event {event}", reply_name(code)))
}

fn is_edit(code: u8) -> bool {
    matches!(code, b'h' | b'i' | b'm' | b'b' | b'e' | b'+' | b'2' | b'-')
}

/// The first thing that is wrong with an edit: a short number, a string without its end, or bytes that are left over.
fn malformed_edit(frame: &Frame) -> Problem {
    let mut rest = &frame.payload[..];
    if matches!(frame.code, b'i' | b'm') {
        let Some(after) = rest.get(4..) else { return Problem::new(TOO_SHORT) };
        rest = after;
    }
    let strings = if matches!(frame.code, b'h' | b'i' | b'm') { 2 } else { 1 };
    for _ in 0..strings {
        let Some(end) = rest.iter().position(|&byte| byte == 0) else {
            return Problem::no_nul();
        };
        rest = &rest[end + 1..];
    }
    Problem::left_over(rest.len())
}

/// The buffer that Postfix measures still holds the event that it sent.
fn last_payload_length(command: &Command) -> usize {
    let mut out = Vec::new();
    command.encode(&mut out);
    out.len() - FRAME_HEAD_SIZE
}

/// The name of a reply in Postfix's log.
pub(super) fn reply_name(code: u8) -> &'static str {
    match code {
        b'c' => "SMFIR_CONTINUE",
        b'a' => "SMFIR_ACCEPT",
        b'r' => "SMFIR_REJECT",
        b't' => "SMFIR_TEMPFAIL",
        b'd' => "SMFIR_DISCARD",
        b's' => "SMFIR_SKIP",
        b'p' => "SMFIR_PROGRESS",
        b'y' => "SMFIR_REPLYCODE",
        b'4' => "SMFIR_SHUTDOWN",
        b'f' => "SMFIR_CONN_FAIL",
        b'h' => "SMFIR_ADDHEADER",
        b'i' => "SMFIR_INSHEADER",
        b'm' => "SMFIR_CHGHEADER",
        b'b' => "SMFIR_REPLBODY",
        b'e' => "SMFIR_CHGFROM",
        b'+' => "SMFIR_ADDRCPT",
        b'2' => "SMFIR_ADDRCPT_PAR",
        b'-' => "SMFIR_DELRCPT",
        b'q' => "SMFIR_QUARANTINE",
        _ => UNKNOWN_REPLY,
    }
}

const UNKNOWN_REPLY: &str = "(unknown filter reply)";
const TOO_SHORT: &str = "input packet too short for network long";
/// Length word and code.
const FRAME_HEAD_SIZE: usize = 5;

#[cfg(test)]
mod tests {
    use milter_proto::mta::Standing;

    use super::*;

    fn complaint(code: u8, payload: &[u8]) -> String {
        let frame = Frame { code, payload: payload.to_vec() };
        let reply = Reply::decode(&frame);
        let standing = Standing::Final;
        reply_of(&Received { frame, reply, standing })
    }

    fn reply_of(received: &Received) -> String {
        reply(received, &Command::BodyEob(Vec::new())).map_or_else(|problem| problem.text, |reply| reply.to_string())
    }

    #[test]
    fn what_is_wrong_with_a_packet_is_said_as_postfix_says_it() {
        assert_eq!(complaint(b'h', b"X-A"), "missing string null termimator");
        assert_eq!(complaint(b'i', b"\0\0"), "input packet too short for network long");
        assert_eq!(complaint(b'+', b"<a@b>\0more"), "left-over data 4 bytes");
        assert_eq!(complaint(b'c', b"extra"), "reply SMFIR_CONTINUE was followed by 0 data bytes");
        assert_eq!(complaint(b'Z', b""), "unexpected filter response (unknown filter reply) after event SMFIC_BODYEOB");
    }
}
