//! [`FilterSession`]: events in, replies out.

use std::collections::VecDeque;

use super::{
    check::check_texts,
    event::Event,
    macros::MacroStore,
    options::{Agreement, FilterOptions},
    table::{State, Step, step},
};
use crate::{
    Command, Frame, FrameDecoder, Negotiate, NegotiateError, Protocol, ProtocolError, Reply, codes,
    judge::{self, Kind, judge, payload_max},
    limits,
};

/// One connection from an MTA, without the connection.
///
/// Bytes go in by [`receive`](Self::receive), events come out of [`next_event`](Self::next_event), each is answered by
/// [`reply`](Self::reply) if [`awaits_reply`](Self::awaits_reply), and what is to be written is in
/// [`take_output`](Self::take_output) after each of these.
///
/// It negotiates as libmilter does. Of the options, the events to be left out are demanded; replies that a filter does
/// not want to give are given by the session where the MTA wants them; `NO_DATA`, `NO_UNKNOWN`, `SKIP`, `RCPT_REJ` and
/// `HDR_LEADSPC` are done without where they are not offered.
#[derive(Debug)]
pub struct FilterSession {
    options: FilterOptions,
    agreement: Agreement,
    state: State,
    macros: MacroStore,
    decoder: FrameDecoder,
    events: VecDeque<Queued>,
    /// The code of the command that waits for its answer.
    awaited: Option<u8>,
    output: Vec<u8>,
    is_broken: bool,
}

/// An event and the command it came by, if that has an answer.
#[derive(Debug)]
struct Queued {
    event: Event,
    command: Option<u8>,
}

impl FilterSession {
    /// A session of a filter that wants this.
    pub fn new(options: FilterOptions) -> Self {
        Self {
            options,
            agreement: Agreement::default(),
            state: State::Start,
            macros: MacroStore::default(),
            decoder: FrameDecoder::new(limits::PAYLOAD_MAX),
            events: VecDeque::new(),
            awaited: None,
            output: Vec::new(),
            is_broken: false,
        }
    }

    /// Takes bytes from the MTA.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The next thing that happens to the filter; `None` until more bytes come, or until the last event is answered.
    ///
    /// # Errors
    /// The MTA broke the protocol, or the two cannot agree. No answer is possible: close the connection, after
    /// [`close`](Self::close) and the events that it leaves.
    pub fn next_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        if self.awaited.is_some() {
            return Ok(None);
        }
        loop {
            if let Some(queued) = self.events.pop_front() {
                self.begin(queued.command);
                return Ok(Some(queued.event));
            }
            if !self.read_packet()? {
                return Ok(None);
            }
        }
    }

    /// Answers the last event.
    ///
    /// # Errors
    /// The answer is not allowed here, was not negotiated, is too large, or has text that would break the message or
    /// the SMTP dialogue. Nothing is written then, and the event still waits for its answer.
    pub fn reply(&mut self, reply: &Reply) -> Result<(), ProtocolError> {
        let kind = self.check_reply(reply)?;
        reply.encode(&mut self.output);
        if kind == Kind::Final
            && let Some(command) = self.awaited.take()
        {
            self.apply_verdict(reply, command);
        }
        Ok(())
    }

    /// Whether [`reply`](Self::reply) would take this.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn may_reply(&self, reply: &Reply) -> Result<(), ProtocolError> {
        self.check_reply(reply).map(|_| ())
    }

    /// Whether the last event waits for an answer.
    pub fn awaits_reply(&self) -> bool {
        self.awaited.is_some()
    }

    /// What is to be written to the MTA.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// The macros that the MTA sent.
    pub fn macros(&self) -> &MacroStore {
        &self.macros
    }

    /// What was agreed with the MTA; all zero before.
    pub fn agreed(&self) -> &Negotiate {
        &self.agreement.answer
    }

    /// Whether a message is open.
    pub fn is_in_message(&self) -> bool {
        self.state.in_message()
    }

    /// Whether the MTA said that the connection is over.
    pub fn is_over(&self) -> bool {
        self.state == State::Over && self.events.is_empty()
    }

    /// The largest payload of a reply.
    pub fn payload_max(&self) -> usize {
        payload_max(self.agreement.answer.protocol)
    }

    /// How many bytes of an unfinished packet are there, after [`next_event`](Self::next_event) gave `None`.
    pub fn pending(&self) -> usize {
        self.decoder.pending()
    }

    /// The connection is gone: what is left of the session comes as events, the last one [`Event::Close`].
    pub fn close(&mut self) {
        self.is_broken = true;
        self.awaited = None;
        self.events.clear();
        if self.state.in_message() {
            self.push(Event::Abort, None);
        }
        if !matches!(self.state, State::Start | State::Over) {
            self.push(Event::Close, None);
        }
        self.state = State::Over;
    }

    /// Reads one packet; says whether there was one.
    fn read_packet(&mut self) -> Result<bool, ProtocolError> {
        if self.is_broken || self.state == State::Over {
            return Ok(false);
        }
        let handled = match self.decoder.next() {
            Ok(Some(frame)) => self.handle(&frame).map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(error.into()),
        };
        self.is_broken = handled.is_err();
        handled
    }

    fn handle(&mut self, frame: &Frame) -> Result<(), ProtocolError> {
        let command = decode(frame)?;
        let (code, wants_envfrom) = (frame.code, !self.agreement.answer.protocol.contains(Protocol::NO_MAIL));
        match step(self.state, code) {
            Step::Refuse => Err(ProtocolError::Unexpected {
                state: self.state.name(),
                expected: self.state.expected(),
                came: command.name().to_owned(),
            }),
            Step::Ignore => Ok(()),
            Step::WithoutEnvelope(_) if wants_envfrom => {
                self.answer_unseen(code);
                Ok(())
            }
            Step::AbortThen(next) => {
                self.push(Event::Abort, None);
                self.enter(next, command)
            }
            Step::To(next) | Step::WithoutEnvelope(next) => self.enter(next, command),
        }
    }

    /// Moves on, and queues the event that the command is.
    fn enter(&mut self, next: State, command: Command) -> Result<(), ProtocolError> {
        let code = command.code();
        let event = match command {
            Command::Negotiate(offer) => {
                self.negotiate(&offer)?;
                self.state = next;
                return Ok(());
            }
            Command::Macro { for_command, pairs } => return self.macros.set(for_command, pairs),
            Command::Connect { hostname, address } => Event::Connect { hostname, address },
            Command::Helo(name) => Event::Helo(name),
            Command::Mail { sender, args } => Event::Envfrom { sender, args },
            Command::Rcpt { recipient, args } => Event::Envrcpt { recipient, args },
            Command::Data => Event::Data,
            Command::Header { name, value } => Event::Header { name, value },
            Command::Eoh => Event::Eoh,
            Command::Body(bytes) => Event::Body(bytes),
            Command::BodyEob(body) => Event::Eom { body },
            Command::Abort => Event::Abort,
            Command::Quit | Command::QuitNc => Event::Close,
            Command::Unknown(line) => Event::Unknown(line),
        };
        let was_started = self.state != State::Start;
        self.state = next;
        if event != Event::Close || was_started {
            self.push(event, Some(code));
        }
        Ok(())
    }

    fn negotiate(&mut self, offer: &Negotiate) -> Result<(), NegotiateError> {
        self.agreement = self.options.agree(offer)?;
        self.decoder.set_payload_max(self.payload_max());
        Reply::Negotiate(self.agreement.answer.clone()).encode(&mut self.output);
        Ok(())
    }

    fn push(&mut self, event: Event, command: Option<u8>) {
        self.events.push_back(Queued { event, command });
    }

    /// An event is handed out: who answers it is settled here.
    fn begin(&mut self, command: Option<u8>) {
        let Some(command) = command else { return };
        self.macros.enter(command);
        match command {
            codes::ABORT | codes::QUIT => {}
            codes::QUIT_NC => self.macros.clear(),
            _ => self.await_reply(command),
        }
    }

    fn await_reply(&mut self, command: u8) {
        let Some(flag) = Protocol::no_reply_to(command) else {
            self.awaited = Some(command);
            return;
        };
        if self.agreement.faked.contains(flag) {
            Reply::Continue.encode(&mut self.output);
        } else if !self.agreement.answer.protocol.contains(flag) {
            self.awaited = Some(command);
        }
    }

    /// A command of a message that is none of this filter's: the MTA gets its answer, the filter hears nothing.
    fn answer_unseen(&mut self, command: u8) {
        let is_silent =
            Protocol::no_reply_to(command).is_some_and(|flag| self.agreement.answer.protocol.contains(flag));
        if !is_silent {
            Reply::Continue.encode(&mut self.output);
        }
    }

    fn check_reply(&self, reply: &Reply) -> Result<Kind, ProtocolError> {
        let Some(command) = self.awaited else { return Err(judge::unasked(reply)) };
        let kind = judge(reply, command, &self.agreement.answer)?;
        check_texts(reply)?;
        let (bytes, limit) = (reply.payload_size(), self.payload_max());
        if bytes > limit {
            return Err(ProtocolError::TooLarge { packet: reply.name(), bytes, limit });
        }
        Ok(kind)
    }

    /// A verdict ends the message, except where the MTA goes on: other recipients may follow a refused one, and a
    /// refused DATA leaves the transaction open.
    fn apply_verdict(&mut self, reply: &Reply, command: u8) {
        let ends = match reply {
            Reply::Accept | Reply::Discard => command != codes::UNKNOWN,
            Reply::Reject | Reply::Tempfail | Reply::ReplyCode(_) => {
                !matches!(command, codes::RCPT | codes::DATA | codes::UNKNOWN)
            }
            _ => false,
        };
        if ends && self.state.in_message() {
            self.state = State::Idle;
        }
    }
}

fn decode(frame: &Frame) -> Result<Command, ProtocolError> {
    // Whatever an MTA may add to its offer in times to come, the fixed part is all that counts.
    if frame.code == codes::NEGOTIATE && frame.payload.len() > NEGOTIATE_SIZE {
        return Ok(Command::Negotiate(Negotiate::parse_lenient(&frame.payload)));
    }
    Ok(Command::decode(frame)?)
}

/// The fixed part of a negotiation packet.
const NEGOTIATE_SIZE: usize = 12;

#[cfg(test)]
mod tests;
