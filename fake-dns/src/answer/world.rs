//! Everything that outlives a message: zones, rules, log, step.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Edns, Metadata, ResponseCode};
use hickory_server::server::Request;
use zone::{Class, Mode, Name, Outcome, Record, RecordType, Store};

use super::choose::{Chosen, Rules};
use super::header::{Header, QUERY};
use super::tamper::{raw, tamper};
use super::wire::{Draft, encode, from_wire_name};
use crate::builder::Observer;
use crate::log::Journal;
use crate::{Action, FaultRule, LogEntry, LoggedAnswer, Rcode, Stats, Transport};

/// Zones, rules, log and step of one server, shared by its sockets.
pub(crate) struct World {
    store: Store,
    mode: Mode,
    rules: Mutex<Rules>,
    journal: Mutex<Journal>,
    observer: Option<Observer>,
    step: AtomicU64,
    malformed: AtomicU64,
    over_limit: AtomicU64,
}

/// What is to be sent, and how.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) delay: Duration,
    /// The messages in order; none for silence.
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) stream: StreamFault,
}

/// What is wrong with the stream that carries a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StreamFault {
    #[default]
    None,
    Reset,
    Half,
    Drip(Duration),
}

/// A question that could be read.
struct Question {
    name: Name,
    rtype: RecordType,
    class: Class,
    transport: Transport,
}

impl World {
    pub(crate) fn new(store: Store, mode: Mode, rules: Rules, journal: Journal, observer: Option<Observer>) -> Self {
        Self {
            store,
            mode,
            rules: Mutex::new(rules),
            journal: Mutex::new(journal),
            observer,
            step: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
            over_limit: AtomicU64::new(0),
        }
    }

    /// What to do about one message from the network; `None` for a message that is no question at all.
    ///
    /// A panic on the way, which would be a mistake here or in the codec, costs this message its answer and no more: a
    /// server that is gone would let every later question time out, far from the cause.
    pub(crate) fn react(&self, message: Vec<u8>, from: SocketAddr, transport: Transport) -> Option<Reply> {
        let reaction = AssertUnwindSafe(|| self.read_and_answer(message, from, transport));
        let reply = catch_unwind(reaction).ok().flatten();
        if reply.is_none() {
            self.malformed.fetch_add(1, Ordering::Relaxed);
        }
        reply
    }

    fn read_and_answer(&self, message: Vec<u8>, from: SocketAddr, transport: Transport) -> Option<Reply> {
        let header = Header::read(&message)?;
        if header.opcode() != QUERY {
            return Some(self.refuse(header, Rcode::NOTIMP));
        }
        let protocol = match transport {
            Transport::Udp => Protocol::Udp,
            Transport::Tcp => Protocol::Tcp,
        };
        let Ok(request) = Request::from_bytes(message, from, protocol) else {
            return Some(self.refuse(header, Rcode::FORMERR));
        };
        match Question::of(&request, transport) {
            Some(question) => Some(self.answer(&request, &question)),
            None => Some(self.refuse(header, Rcode::FORMERR)),
        }
    }

    fn answer(&self, request: &Request, question: &Question) -> Reply {
        let step = self.step.load(Ordering::SeqCst);
        let Question { name, rtype, transport, .. } = question;
        let chosen = lock(&self.rules).choose(name, *rtype, *transport, step);
        let draft = self.draft(request, question, chosen.action.as_ref());
        let max_bytes = match transport {
            Transport::Udp => request.max_payload(),
            Transport::Tcp => u16::MAX,
        };
        let encoded = encode(request, &draft, max_bytes);
        let truncated = encoded.as_ref().is_some_and(|(_, truncated)| *truncated);
        self.log(request, question, step, &chosen, logged(&chosen, &draft, truncated));
        let message = encoded.map(|(bytes, _)| bytes).unwrap_or_default();
        Reply { delay: chosen.delay(), messages: messages(request, &chosen, message), stream: stream(&chosen) }
    }

    /// The answer before it is bytes, with the faults that concern its records and flags.
    fn draft(&self, request: &Request, question: &Question, action: Option<&Action>) -> Draft {
        let mut draft = Draft {
            metadata: Metadata::response_from_request(&request.metadata),
            edns: request.edns.as_ref().map(our_edns),
            answers: vec![],
            authority: vec![],
            additional: vec![],
        };
        draft.metadata.recursion_available = self.mode == Mode::Recursive;
        if let Some(rcode) = unanswerable(request, question) {
            draft.metadata.response_code = response_code(rcode);
            return draft;
        }
        match action {
            Some(Action::Rcode(rcode)) => draft.metadata.response_code = response_code(*rcode),
            Some(Action::Truncate) => draft.metadata.truncation = true,
            Some(Action::NxDomain) => self.deny(&mut draft, question, Rcode::NXDOMAIN),
            Some(Action::NoData) => self.deny(&mut draft, question, Rcode::NOERROR),
            Some(Action::WrongOwner) => {
                self.look_up(&mut draft, question);
                draft.answers.iter_mut().for_each(|record| record.owner = wrong_owner());
            }
            _ => self.look_up(&mut draft, question),
        }
        draft
    }

    fn look_up(&self, draft: &mut Draft, question: &Question) {
        let answer = self.store.lookup_in(&question.name, question.rtype, question.class, self.mode);
        draft.metadata.authoritative = answer.authoritative;
        draft.metadata.response_code = response_code(match answer.outcome {
            Outcome::NoError => Rcode::NOERROR,
            Outcome::NxDomain => Rcode::NXDOMAIN,
            Outcome::Refused => Rcode::REFUSED,
            Outcome::YxDomain => Rcode::YXDOMAIN,
        });
        draft.answers = answer.records;
        draft.authority = answer.authority;
        draft.additional = answer.additional;
    }

    fn deny(&self, draft: &mut Draft, question: &Question, rcode: Rcode) {
        draft.metadata.authoritative = true;
        draft.metadata.response_code = response_code(rcode);
        draft.authority = vec![self.store.negative_soa(&question.name)];
    }

    fn log(&self, request: &Request, question: &Question, step: u64, chosen: &Chosen, answer: LoggedAnswer) {
        let entry = LogEntry {
            seq: 0,
            transport: question.transport,
            id: request.metadata.id,
            name: question.name.clone(),
            rtype: question.rtype,
            class: question.class,
            step,
            repeat: false,
            fault: chosen.text(),
            answer,
        };
        let entry = lock(&self.journal).push(entry);
        if let Some(observer) = &self.observer {
            observer(&entry);
        }
    }

    /// A header alone: there is no question to repeat, or none that we understand.
    fn refuse(&self, header: Header, rcode: Rcode) -> Reply {
        self.malformed.fetch_add(1, Ordering::Relaxed);
        Reply { messages: vec![header.refusal(rcode)], ..Reply::default() }
    }

    pub(crate) fn count_over_limit(&self) {
        self.over_limit.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats { malformed: self.malformed.load(Ordering::Relaxed), over_limit: self.over_limit.load(Ordering::Relaxed) }
    }

    pub(crate) fn set_step(&self, step: u64) {
        self.step.store(step, Ordering::SeqCst);
    }

    pub(crate) fn add_fault(&self, rule: FaultRule) {
        lock(&self.rules).push(rule);
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }
}

impl Question {
    /// The one question of a request; `None` if there is none, or more than one (RFC 9619 §4).
    fn of(request: &Request, transport: Transport) -> Option<Self> {
        let [query] = request.queries.queries() else { return None };
        Some(Self {
            name: from_wire_name(query.original().name())?,
            rtype: RecordType(query.query_type().into()),
            class: Class(query.query_class().into()),
            transport,
        })
    }
}

/// Why a question gets no lookup, whatever the zones hold.
fn unanswerable(request: &Request, question: &Question) -> Option<Rcode> {
    if request.version() > 0 {
        // RFC 6891 §6.1.3.
        return Some(Rcode::BADVERS);
    }
    match question.rtype.0 {
        // OPT and TSIG are no types to ask for.
        0 | 41 | 249 | 250 => Some(Rcode::FORMERR),
        // Zone transfers.
        251 | 252 => Some(Rcode::NOTIMP),
        _ => None,
    }
}

fn messages(request: &Request, chosen: &Chosen, message: Vec<u8>) -> Vec<Vec<u8>> {
    match &chosen.action {
        Some(Action::Drop) => vec![],
        Some(Action::Raw { with_id, bytes }) => vec![raw(request.metadata.id, *with_id, bytes)],
        action => tamper(action.as_ref(), message),
    }
}

fn stream(chosen: &Chosen) -> StreamFault {
    match chosen.action {
        Some(Action::TcpReset) => StreamFault::Reset,
        Some(Action::TcpHalf) => StreamFault::Half,
        Some(Action::TcpDrip(pause)) => StreamFault::Drip(pause),
        _ => StreamFault::None,
    }
}

fn logged(chosen: &Chosen, draft: &Draft, truncated: bool) -> LoggedAnswer {
    if matches!(chosen.action, Some(Action::Drop | Action::Raw { .. } | Action::TcpReset)) {
        return LoggedAnswer::default();
    }
    let number: u16 = draft.metadata.response_code.into();
    let without_span = |record: &Record| record.clone().without_span();
    LoggedAnswer { rcode: Rcode::new(number), records: draft.answers.iter().map(without_span).collect(), truncated }
}

fn response_code(rcode: Rcode) -> ResponseCode {
    ResponseCode::from((rcode.number() >> 4).to_be_bytes()[1], rcode.number().to_be_bytes()[1])
}

fn our_edns(asked: &Edns) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(OUR_UDP_BYTES).set_version(0);
    // RFC 3225 §3: the DO bit comes back as it was.
    edns.flags_mut().dnssec_ok = asked.flags().dnssec_ok;
    edns
}

fn wrong_owner() -> Name {
    Name::from_labels(["wrong-owner", "invalid"]).expect("two short labels are a name")
}

/// A panic of another thread while it held the lock leaves nothing half done here: the data are counters and lists.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What we say we can receive over UDP; the usual figure since the DNS flag day of 2020.
const OUR_UDP_BYTES: u16 = 1232;

#[cfg(test)]
mod tests;
