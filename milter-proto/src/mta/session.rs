//! [`MtaSession`]: what may be sent, and what an answer may be.

use super::table::{State, next};
use crate::{
    Command, DecodeError, Frame, FrameDecoder, FrameError, Negotiate, Protocol, ProtocolError, Reply, codes,
    judge::{self, Kind, judge, payload_max},
    limits,
};

/// One connection to a filter, without the connection.
///
/// Commands go in and come out as bytes; bytes come in and go out as replies, each judged by the standard. What
/// becomes of a filter that breaks the rules is the caller's decision: real MTAs differ in what they put up with.
#[derive(Debug)]
pub struct MtaSession {
    offer: Negotiate,
    agreed: Negotiate,
    events_version: u32,
    state: State,
    /// The code of the command that waits for its answer.
    awaited: Option<u8>,
    decoder: FrameDecoder,
}

/// What follows from a command that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The filter must answer.
    Reply,
    /// The filter must not answer.
    Nothing,
    /// Nothing was written: the filter does not want this command, or does not know it.
    Suppressed,
}

/// A packet from the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The packet as it came.
    pub frame: Frame,
    /// What it says.
    pub reply: Result<Reply, DecodeError>,
    /// Whether it may come now.
    pub standing: Standing,
}

/// What the standard says of a packet that came now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It answers the command.
    Final,
    /// It edits the message; more comes.
    Modification,
    /// It asks for more time; more comes.
    KeepAlive,
    /// It may not come.
    Violation(ProtocolError),
}

impl MtaSession {
    /// A session that will make this offer.
    pub fn new(offer: Negotiate) -> Self {
        Self {
            offer,
            agreed: Negotiate::default(),
            events_version: 0,
            state: State::Start,
            awaited: None,
            decoder: FrameDecoder::new(limits::REPLY_PAYLOAD_MAX),
        }
    }

    /// Takes the filter's answer to the offer, be it good or bad: that is for the caller to judge.
    ///
    /// Commands that the agreed version or its flags leave out are suppressed from here on.
    pub fn agree(&mut self, agreed: Negotiate) {
        self.events_version = agreed.version;
        self.agreed = agreed;
        self.state = State::Agreed;
        self.awaited = None;
    }

    /// What was agreed; all zero before.
    pub fn agreed(&self) -> &Negotiate {
        &self.agreed
    }

    /// Sends the commands of that version of the protocol instead of those of the agreed one.
    ///
    /// For Postfix, which takes the unknown versions 0 and 1 for its newest.
    pub fn set_events_version(&mut self, version: u32) {
        self.events_version = version;
    }

    /// Appends the command to `out`, unless it is suppressed, and says whether an answer is due.
    ///
    /// Macros are never suppressed: whether they go out with a suppressed command differs from MTA to MTA.
    ///
    /// # Errors
    /// A command that has no place in this state, or that comes while another one waits for its answer.
    pub fn send(&mut self, command: &Command, out: &mut Vec<u8>) -> Result<Due, ProtocolError> {
        let code = command.code();
        let state = self.check_order(command)?;
        self.state = state;
        if self.is_suppressed(code) {
            return Ok(Due::Suppressed);
        }
        command.encode(out);
        if !self.wants_reply(code) {
            return Ok(Due::Nothing);
        }
        self.awaited = Some(code);
        Ok(Due::Reply)
    }

    /// Takes bytes from the filter.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The next packet from the filter, judged as an answer to the command that waits for one.
    ///
    /// A packet after which every MTA stops waiting ends the wait, violation or not; edits and progress do not.
    ///
    /// # Errors
    /// A length word that makes no sense: nothing more can be read.
    pub fn next_reply(&mut self) -> Result<Option<Received>, FrameError> {
        let Some(frame) = self.decoder.next()? else { return Ok(None) };
        let reply = Reply::decode(&frame);
        let standing = self.standing(&frame, &reply);
        self.settle(&frame, &standing);
        Ok(Some(Received { frame, reply, standing }))
    }

    /// Throws away the bytes that no packet was made of yet.
    ///
    /// For Postfix, which reads answers in two programs: what the one has read and not used, the other never sees.
    pub fn forget_unread(&mut self) {
        self.decoder = FrameDecoder::new(limits::REPLY_PAYLOAD_MAX);
    }

    /// How many bytes of an unfinished packet are there, after [`next_reply`](Self::next_reply) gave `None`.
    pub fn pending(&self) -> usize {
        self.decoder.pending()
    }

    /// Those bytes: the length of the packet, as far as it is there, and what follows it.
    pub fn unread(&self) -> &[u8] {
        self.decoder.rest()
    }

    /// Whether a command waits for its answer.
    pub fn awaits_reply(&self) -> bool {
        self.awaited.is_some()
    }

    fn check_order(&self, command: &Command) -> Result<State, ProtocolError> {
        let unexpected =
            |state, expected| ProtocolError::Unexpected { state, expected, came: command.name().to_owned() };
        if self.awaited.is_some() {
            return Err(unexpected("a command waits for its answer", "that answer first"));
        }
        next(self.state, command.code()).ok_or_else(|| unexpected(self.state.name(), self.state.expected()))
    }

    fn is_suppressed(&self, code: u8) -> bool {
        let flag = match code {
            codes::CONNECT => Protocol::NO_CONNECT,
            codes::HELO => Protocol::NO_HELO,
            codes::MAIL => Protocol::NO_MAIL,
            codes::RCPT => Protocol::NO_RCPT,
            codes::DATA if self.events_version < VERSION_OF_DATA => return true,
            codes::DATA => Protocol::NO_DATA,
            codes::HEADER => Protocol::NO_HEADERS,
            codes::EOH => Protocol::NO_EOH,
            codes::BODY => Protocol::NO_BODY,
            codes::UNKNOWN if self.events_version < VERSION_OF_UNKNOWN => return true,
            codes::UNKNOWN => Protocol::NO_UNKNOWN,
            _ => return false,
        };
        self.agreed.protocol.contains(flag)
    }

    fn wants_reply(&self, code: u8) -> bool {
        match code {
            codes::MACRO | codes::ABORT | codes::QUIT | codes::QUIT_NC => false,
            code => Protocol::no_reply_to(code).is_none_or(|flag| !self.agreed.protocol.contains(flag)),
        }
    }

    fn standing(&self, frame: &Frame, reply: &Result<Reply, DecodeError>) -> Standing {
        let kind = match (reply, self.awaited) {
            (Err(error), _) => Err(error.clone().into()),
            (Ok(reply), None) => Err(judge::unasked(reply)),
            (Ok(Reply::Negotiate(answer)), Some(codes::NEGOTIATE)) => {
                answer.check(&self.offer).map(|()| Kind::Final).map_err(Into::into)
            }
            (Ok(reply), Some(command)) => self.judge_sized(frame, reply, command),
        };
        match kind {
            Ok(Kind::Final) => Standing::Final,
            Ok(Kind::Modification) => Standing::Modification,
            Ok(Kind::KeepAlive) => Standing::KeepAlive,
            Err(error) => Standing::Violation(error),
        }
    }

    fn judge_sized(&self, frame: &Frame, reply: &Reply, command: u8) -> Result<Kind, ProtocolError> {
        let limit = payload_max(self.agreed.protocol);
        if frame.payload.len() > limit {
            return Err(ProtocolError::TooLarge { packet: reply.name(), bytes: frame.payload.len(), limit });
        }
        judge(reply, command, &self.agreed)
    }

    /// Ends the wait if MTAs do, and the message if the verdict ends it.
    fn settle(&mut self, frame: &Frame, standing: &Standing) {
        let Some(command) = self.awaited else { return };
        let goes_on = match standing {
            Standing::Final => false,
            Standing::Modification | Standing::KeepAlive => true,
            Standing::Violation(_) => is_progress_or_edit(frame.code, command),
        };
        if goes_on {
            return;
        }
        self.awaited = None;
        if ends_message(frame.code, command) && !matches!(self.state, State::Start | State::Offered | State::Agreed) {
            self.state = State::Idle;
        }
    }
}

/// A broken edit at the end of the message, or progress where it has no place: the answer may still come.
fn is_progress_or_edit(reply: u8, command: u8) -> bool {
    reply == codes::PROGRESS || (command == codes::BODY_EOB && codes::is_edit(reply))
}

/// Whether this verdict on this command ends the message for this filter.
fn ends_message(reply: u8, command: u8) -> bool {
    match reply {
        codes::ACCEPT | codes::DISCARD => !matches!(command, codes::CONNECT | codes::HELO | codes::UNKNOWN),
        codes::REJECT | codes::TEMPFAIL | codes::REPLY_CODE => {
            !matches!(command, codes::CONNECT | codes::HELO | codes::UNKNOWN | codes::RCPT)
        }
        _ => false,
    }
}

/// Older filters do not know DATA.
const VERSION_OF_DATA: u32 = 4;

/// Older filters do not know unknown commands.
const VERSION_OF_UNKNOWN: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actions, Address};

    fn session(version: u32, protocol: Protocol) -> MtaSession {
        let mut session = MtaSession::new(Negotiate::offer(6));
        let offer = session.offer.clone();
        assert_eq!(send(&mut session, &Command::Negotiate(offer.clone())), Ok(Due::Reply));
        session.agree(Negotiate { version, protocol, ..offer });
        session
    }

    fn send(session: &mut MtaSession, command: &Command) -> Result<Due, String> {
        let mut out = Vec::new();
        let due = session.send(command, &mut out).map_err(|error| error.to_string());
        assert_eq!(out.is_empty(), !matches!(due, Ok(Due::Reply | Due::Nothing)), "{command}");
        due
    }

    fn receive(session: &mut MtaSession, reply: &Reply) -> Standing {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        session.receive(&bytes);
        session.next_reply().expect("a good length").expect("a whole packet").standing
    }

    fn mail() -> Command {
        Command::Mail { sender: b"<>".to_vec(), args: Vec::new() }
    }

    #[test]
    fn what_was_negotiated_away_is_not_written() {
        let mut session = session(6, Protocol::NO_CONNECT | Protocol::NR_MAIL | Protocol::NO_UNKNOWN);
        let connect = Command::Connect { hostname: b"h".to_vec(), address: Address::Unknown };
        assert_eq!(send(&mut session, &connect), Ok(Due::Suppressed));
        assert_eq!(send(&mut session, &Command::Unknown(b"X".to_vec())), Ok(Due::Suppressed));
        assert_eq!(send(&mut session, &Command::Macro { for_command: b'M', pairs: Vec::new() }), Ok(Due::Nothing));
        assert_eq!(send(&mut session, &mail()), Ok(Due::Nothing));
        assert_eq!(send(&mut session, &Command::Data), Ok(Due::Reply));
    }

    #[test]
    fn old_versions_do_not_know_every_command() {
        for (version, data, unknown) in
            [(6, Due::Reply, Due::Reply), (3, Due::Suppressed, Due::Reply), (2, Due::Suppressed, Due::Suppressed)]
        {
            assert_eq!(send(&mut session(version, Protocol::NONE), &Command::Data), Ok(data));
            assert_eq!(send(&mut session(version, Protocol::NONE), &Command::Unknown(b"X".to_vec())), Ok(unknown));
        }
        let mut session = session(0, Protocol::NONE);
        session.set_events_version(6);
        assert_eq!(send(&mut session, &Command::Data), Ok(Due::Reply));
    }

    #[test]
    fn nothing_is_sent_before_the_answer_came() {
        let mut session = session(6, Protocol::NONE);
        assert_eq!(send(&mut session, &mail()), Ok(Due::Reply));
        let error = send(&mut session, &Command::Abort).unwrap_err();
        assert_eq!(error, "abort command while a command waits for its answer: expected that answer first");
        assert_eq!(receive(&mut session, &Reply::Continue), Standing::Final);
        assert_eq!(send(&mut session, &Command::Abort), Ok(Due::Nothing));
    }

    #[test]
    fn the_order_of_commands_is_kept() {
        let mut session = session(6, Protocol::from_bits(0x1f_f080));
        assert_eq!(send(&mut session, &Command::Eoh), Ok(Due::Nothing));
        let header = Command::Header { name: b"A".to_vec(), value: b"b".to_vec() };
        let error = send(&mut session, &header).unwrap_err();
        assert_eq!(error, "header command while in the body: expected body, eom, abort or quit");
        assert_eq!(send(&mut session, &Command::Quit), Ok(Due::Nothing));
        let error = send(&mut session, &mail()).unwrap_err();
        assert_eq!(error, "mail command while the connection is over: expected nothing");
    }

    #[test]
    fn answers_are_judged_for_their_command() {
        let mut session = session(6, Protocol::NONE);
        session.agreed.actions = Actions::CHANGE_BODY;
        assert_eq!(send(&mut session, &Command::BodyEob(Vec::new())), Ok(Due::Reply));
        assert_eq!(receive(&mut session, &Reply::Progress), Standing::KeepAlive);
        assert_eq!(receive(&mut session, &Reply::ReplaceBody(b"x".to_vec())), Standing::Modification);
        let standing = receive(&mut session, &Reply::Quarantine(b"x".to_vec()));
        let Standing::Violation(error) = standing else { panic!("{standing:?}") };
        assert_eq!(error.to_string(), "quarantine reply needs QUARANTINE, which was not negotiated");
        assert!(session.awaits_reply());
        assert_eq!(receive(&mut session, &Reply::Accept), Standing::Final);
        assert!(!session.awaits_reply());
        let standing = receive(&mut session, &Reply::Continue);
        let Standing::Violation(error) = standing else { panic!("{standing:?}") };
        assert_eq!(error.to_string(), "continue reply while no command waits for an answer: expected nothing");
    }

    #[test]
    fn a_refused_sender_may_be_followed_by_another() {
        let mut session = session(6, Protocol::NONE);
        for verdict in [Reply::Reject, Reply::Accept, Reply::Discard, Reply::ReplyCode(b"450 x".to_vec())] {
            assert_eq!(send(&mut session, &mail()), Ok(Due::Reply));
            assert_eq!(receive(&mut session, &verdict), Standing::Final);
        }
        assert_eq!(send(&mut session, &mail()), Ok(Due::Reply));
        assert_eq!(receive(&mut session, &Reply::Continue), Standing::Final);
        assert!(send(&mut session, &mail()).is_err());
    }
}
