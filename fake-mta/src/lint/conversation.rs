//! One connection to a filter: what was agreed, which answer is due, and what is wrong with what came.

use milter_proto::{Command, DecodeError, Frame, Negotiate, Protocol, Reply, codes, limits};

use super::{Finding, Lint, address, header, negotiation, reply_text};
use crate::journal::LinkFailure;

/// The state of one connection.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    offer: Negotiate,
    agreed: Negotiate,
    /// The code of the command that waits for its answer.
    awaited: Option<u8>,
    /// The last command that was no block of macros.
    last: u8,
    /// Something was wrong since then: what follows it may be no more than a consequence.
    is_in_trouble: bool,
    /// Flags by which the filter has promised not to answer, and commands that were sent under them.
    unanswered: Protocol,
    fields: header::Fields,
    body: BodyParts,
}

/// How far a new body has come: its packets must follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum BodyParts {
    #[default]
    None,
    Coming,
    Ended,
}

impl Conversation {
    /// The MTA sent this.
    pub(super) fn sent(&mut self, command: &Command) {
        match command {
            Command::Macro { .. } => return,
            Command::Negotiate(offer) => self.offer = offer.clone(),
            Command::Mail { .. } | Command::Abort => self.begin_message(),
            Command::Header { name, .. } => self.fields.add(name),
            _ => {}
        }
        let code = command.code();
        self.last = code;
        self.is_in_trouble = false;
        match Protocol::no_reply_to(code) {
            Some(flag) if self.agreed.protocol.contains(flag) => self.unanswered = self.unanswered | flag,
            _ if matches!(code, codes::ABORT | codes::QUIT | codes::QUIT_NC) => {}
            _ => self.awaited = Some(code),
        }
    }

    fn begin_message(&mut self) {
        self.fields = header::Fields::default();
        self.body = BodyParts::None;
    }

    /// The filter sent this, and the MTA has read it.
    pub(super) fn received(&mut self, filter: usize, frame: &Frame) -> Vec<Finding> {
        let stage = stage(self.awaited.unwrap_or(self.last));
        let found = match self.awaited {
            None => vec![(Lint::ReplyUnasked, String::new())],
            Some(codes::NEGOTIATE) => {
                let (agreed, found) = negotiation::check(frame, &self.offer);
                self.agreed = agreed;
                self.awaited = None;
                found
            }
            Some(command) => self.answer(frame, command),
        };
        self.is_in_trouble |= !found.is_empty();
        let packet = shown(frame);
        found
            .into_iter()
            .map(|(lint, detail)| Finding { lint, filter, stage, packet: packet.clone(), detail })
            .collect()
    }

    /// The filter sent this, and nobody has asked for it until the connection was closed. That is no fault of a filter that the
    /// MTA has given up in the middle of an answer.
    pub(super) fn unread(&self, filter: usize, frame: &Frame) -> Option<Finding> {
        if self.is_in_trouble {
            return None;
        }
        let (lint, detail) = if self.unanswered.is_empty() {
            (Lint::ReplyUnasked, "left over when the connection was closed".to_owned())
        } else {
            // Which of the answers it was cannot be told: each was taken for that to the next command.
            let promised = self.unanswered;
            (
                Lint::ReplyAfterNoReply,
                format!("one too many: it had promised {promised}; or is it a second answer to another command?"),
            )
        };
        Some(Finding { lint, filter, stage: stage(self.last), packet: shown(frame), detail })
    }

    /// Whether an answer is due.
    pub(super) fn is_waited_for(&self) -> bool {
        self.awaited.is_some()
    }

    /// The MTA closed the connection: no answer is due any more.
    pub(super) fn closed(&mut self) {
        self.awaited = None;
    }

    /// The connection broke.
    pub(super) fn failed(&mut self, filter: usize, failure: LinkFailure, problem: &str) -> Option<Finding> {
        let awaited = self.awaited.take()?;
        self.is_in_trouble = true;
        let lint = match failure {
            LinkFailure::Timeout => Lint::ReplyMissing,
            LinkFailure::Closed => Lint::ConnectionLost,
            LinkFailure::Garbage => Lint::PacketLength,
            LinkFailure::Refused => return None,
        };
        let (packet, detail) = (String::new(), problem.to_owned());
        Some(Finding { lint, filter, stage: stage(awaited), packet, detail })
    }

    fn answer(&mut self, frame: &Frame, command: u8) -> Vec<(Lint, String)> {
        let reply = Reply::decode(frame);
        // An MTA that reads on behind an edit or a progress report in the wrong place still waits for the answer.
        if !codes::is_edit(frame.code) && frame.code != codes::PROGRESS {
            self.awaited = None;
        }
        let mut found = Vec::new();
        if frame.payload.len() > self.payload_max() {
            found.push((Lint::PacketTooLarge, format!("{} bytes", frame.payload.len())));
        }
        if let Some(lint) = misplaced(frame.code, command) {
            found.push((lint, String::new()));
            return found;
        }
        if frame.code == codes::REPLY_CODE {
            found.extend(reply_text::check(&frame.payload));
            return found;
        }
        match reply {
            Ok(reply) => found.extend(self.judge(&reply)),
            Err(error) => found.push(malformed(frame.code, &error)),
        }
        found
    }

    /// A reply that is whole and may come at this stage.
    fn judge(&mut self, reply: &Reply) -> Vec<(Lint, String)> {
        let mut found = Vec::new();
        let needed = reply.needed_action();
        if !self.agreed.actions.contains(needed) {
            found.push((Lint::EditNotNegotiated, format!("it needs {needed}")));
        }
        if *reply == Reply::Skip && !self.agreed.protocol.contains(Protocol::SKIP) {
            found.push((Lint::SkipNotNegotiated, String::new()));
        }
        found.extend(self.body_order(reply));
        match reply {
            Reply::AddHeader { name, value } => {
                found.extend(header::check(name, value));
                self.fields.add(name);
            }
            Reply::InsertHeader { index, name, value } => {
                found.extend(header::check(name, value));
                found.extend(self.fields.insert(*index, name).filter(|_| self.sees_headers()));
            }
            Reply::ChangeHeader { index, name, value } => {
                found.extend(header::check(name, value));
                found.extend(self.fields.change(*index, name, value).filter(|_| self.sees_headers()));
            }
            Reply::ChangeFrom { address, .. } | Reply::AddRcpt(address) | Reply::AddRcptPar { address, .. } => {
                found.extend(address::check(address));
            }
            Reply::DeleteRcpt(address) => found.extend(address::check(address)),
            _ => {}
        }
        found
    }

    fn body_order(&mut self, reply: &Reply) -> Option<(Lint, String)> {
        let is_body = matches!(reply, Reply::ReplaceBody(_));
        match (self.body, is_body) {
            (BodyParts::Ended, true) => return Some((Lint::BodyInterleaved, String::new())),
            (_, true) => self.body = BodyParts::Coming,
            (BodyParts::Coming, false) => self.body = BodyParts::Ended,
            _ => {}
        }
        None
    }

    /// A filter that is not shown the header cannot know how many fields there are.
    fn sees_headers(&self) -> bool {
        !self.agreed.protocol.contains(Protocol::NO_HEADERS)
    }

    fn payload_max(&self) -> usize {
        if self.agreed.protocol.contains(Protocol::MDS_1M) {
            limits::PAYLOAD_MAX_1M
        } else if self.agreed.protocol.contains(Protocol::MDS_256K) {
            limits::PAYLOAD_MAX_256K
        } else {
            limits::PAYLOAD_MAX
        }
    }
}

/// What it means that this code comes as an answer to that command, if it has no place there.
fn misplaced(reply: u8, command: u8) -> Option<Lint> {
    let at_eom = command == codes::BODY_EOB;
    match reply {
        codes::CONTINUE | codes::ACCEPT | codes::REJECT | codes::TEMPFAIL | codes::REPLY_CODE => None,
        codes::DISCARD => matches!(command, codes::CONNECT | codes::HELO).then_some(Lint::DiscardTooEarly),
        codes::SKIP => (command != codes::BODY).then_some(Lint::SkipOutsideBody),
        codes::PROGRESS => (!at_eom).then_some(Lint::ProgressOutsideEom),
        codes::SHUTDOWN => Some(Lint::ReplyShutdown),
        code if codes::is_edit(code) => (!at_eom).then_some(Lint::EditOutsideEom),
        _ => Some(Lint::ReplyUnknown),
    }
}

fn malformed(code: u8, error: &DecodeError) -> (Lint, String) {
    let detail = format!("expected {} at byte {}, found {}", error.expected, error.offset, error.came);
    (if codes::is_edit(code) { Lint::EditMalformed } else { Lint::ReplyWithPayload }, detail)
}

/// The word for a stage.
fn stage(code: u8) -> &'static str {
    match code {
        codes::ABORT => "abort",
        code => codes::stage(code).unwrap_or("quit"),
    }
}

/// The packet as scenarios write it, or its bytes.
fn shown(frame: &Frame) -> String {
    match Reply::decode(frame) {
        Ok(reply) => reply.to_string(),
        Err(_) => {
            let bytes: Vec<String> = frame.payload.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}")).collect();
            let more = if frame.payload.len() > SHOWN_BYTES { "…" } else { "" };
            let code = [frame.code];
            let code = if frame.code.is_ascii_graphic() { String::from_utf8_lossy(&code) } else { "?".into() };
            format!("{code} {:02x} {}{more}", frame.code, bytes.concat()).trim_end().to_owned()
        }
    }
}

/// So many bytes of a packet that cannot be read are shown.
const SHOWN_BYTES: usize = 32;
