//! A filter of the tests' own: honest, or with one fault.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use milter_proto::{Actions, Command, Frame, FrameDecoder, Negotiate, Protocol, Reply, limits};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::{Notify, Semaphore},
    task::JoinSet,
};

use crate::{fault::Fault, manners::Packet};

/// Serves until it dies of its fault, or is aborted.
pub(crate) async fn serve(path: &Path, fault: Fault) -> std::io::Result<()> {
    let listener = UnixListener::bind(path)?;
    let seats = Semaphore::new(fault.seats());
    let (kept, rcpts) = (Mutex::default(), AtomicUsize::default());
    let shared = Arc::new(Shared { fault, death: Notify::new(), seats, kept, rcpts });
    let mut sessions = JoinSet::new();
    loop {
        let stream = tokio::select! {
            biased;
            () = shared.death.notified() => return Ok(()),
            accepted = listener.accept() => accepted?.0,
        };
        let session = Session::new(stream, Arc::clone(&shared));
        sessions.spawn(session.serve());
        while sessions.try_join_next().is_some() {}
    }
}

struct Shared {
    fault: Fault,
    death: Notify,
    /// How many are served at once.
    seats: Semaphore,
    /// What a leaking filter keeps.
    kept: Mutex<Vec<Kept>>,
    /// The recipients of all connections, for a filter that does not keep them apart.
    rcpts: AtomicUsize,
}

/// Something that should have been given back.
enum Kept {
    File(#[expect(dead_code, reason = "it is kept open and nothing else")] std::fs::File),
    Thread(#[expect(dead_code, reason = "the thread ends when this is dropped")] std::sync::mpsc::Sender<()>),
    Bytes(#[expect(dead_code, reason = "it is kept in memory and nothing else")] Vec<u8>),
}

/// Where a session stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Start,
    Agreed,
    Client,
    Envelope,
    Header,
    Body,
}

/// What becomes of the connection.
enum Next {
    GoOn,
    Close,
}

pub(crate) struct Session {
    stream: UnixStream,
    shared: Arc<Shared>,
    decoder: FrameDecoder,
    state: State,
    agreed: Negotiate,
    /// What happened in this session, for the faults.
    pub(crate) seen: Seen,
}

/// What happened in a session.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) macros: usize,
    pub(crate) helos: usize,
    pub(crate) messages: usize,
    pub(crate) rcpts: usize,
    pub(crate) headers: usize,
    pub(crate) chunks: usize,
    pub(crate) body_bytes: usize,
    pub(crate) eoh: bool,
    pub(crate) goodbye: bool,
}

impl Session {
    fn new(stream: UnixStream, shared: Arc<Shared>) -> Self {
        // One that serves one after the other also believes every length.
        let limit = if shared.fault == Fault::OneAtATime { usize::MAX } else { limits::PAYLOAD_MAX };
        let decoder = FrameDecoder::new(limit);
        Self { stream, shared, decoder, state: State::Start, agreed: Negotiate::default(), seen: Seen::default() }
    }

    async fn serve(mut self) {
        let shared = Arc::clone(&self.shared);
        let _seat = shared.seats.acquire().await;
        while let Some(frame) = self.next().await {
            match self.event(&frame).await {
                Ok(Next::GoOn) => {}
                _ => break,
            }
        }
        if matches!(self.shared.fault, Fault::AnswersEnd | Fault::AnswersEndAndAbort) {
            // The MTA may be gone.
            let _ = self.send(&Reply::Continue).await;
        }
        self.leak();
        if self.shared.fault == Fault::DiesOfSilence && !self.seen.goodbye {
            self.shared.death.notify_one();
        }
        if self.shared.fault == Fault::NeverCloses {
            std::future::pending::<()>().await;
        }
    }

    /// Keeps what should have been given back.
    fn leak(&self) {
        let kept = match self.shared.fault {
            // It forgets those that come to no good end: one way of many.
            Fault::KeepsFiles if !self.seen.goodbye => {
                Kept::File(std::fs::File::open("/dev/null").expect("there is one"))
            }
            Fault::KeepsThreads if !self.seen.goodbye => {
                let (sender, receiver) = std::sync::mpsc::channel::<()>();
                std::thread::spawn(move || receiver.recv());
                Kept::Thread(sender)
            }
            Fault::KeepsContexts => Kept::Bytes(vec![1; KEPT_BYTES]),
            _ => return,
        };
        self.keep(kept);
    }

    fn keep(&self, kept: Kept) {
        self.shared.kept.lock().expect("nobody panics with it").push(kept);
    }

    /// The next packet; `None` at the end, or where the stream makes no sense any more.
    async fn next(&mut self) -> Option<Frame> {
        let mut bytes = [0; 16 * 1024];
        loop {
            match self.decoder.next() {
                Ok(Some(frame)) => return Some(frame),
                Ok(None) if self.shared.fault == Fault::NeedsWholePackets && self.decoder.pending() > 0 => {
                    return None;
                }
                Ok(None) => {}
                Err(_) => return self.odd(),
            }
            match self.stream.read(&mut bytes).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.decoder.push(&bytes[..read]),
            }
        }
    }

    /// Something that no MTA sends: an honest filter closes.
    fn odd<T>(&self) -> Option<T> {
        if self.shared.fault == Fault::DiesOfNonsense {
            self.shared.death.notify_one();
        }
        None
    }

    async fn event(&mut self, frame: &Frame) -> std::io::Result<Next> {
        let Ok(command) = Command::decode(frame) else {
            self.odd::<()>();
            return Ok(Next::Close);
        };
        let fault = self.shared.fault;
        if fault.is_odd(&command) {
            self.odd::<()>();
        }
        if fault.closes_at(&command, &self.seen) {
            return Ok(Next::Close);
        }
        if fault.is_silent_at(&command, &self.seen) {
            self.note(&command);
            return Ok(Next::GoOn);
        }
        if fault == Fault::DropsTheRest {
            self.decoder = FrameDecoder::new(limits::PAYLOAD_MAX);
        }
        self.note(&command);
        if fault == Fault::Tires && self.seen.headers > 9000 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        self.answer(&command).await
    }

    async fn answer(&mut self, command: &Command) -> std::io::Result<Next> {
        let fault = self.shared.fault;
        match command {
            Command::Negotiate(offer) => return self.negotiate(offer).await,
            Command::Macro { .. } if fault == Fault::AnswersMacros => return self.send(&Reply::Continue).await,
            Command::Macro { .. } => return Ok(Next::GoOn),
            Command::Quit if fault == Fault::NeverCloses => return Ok(Next::GoOn),
            Command::Quit => return Ok(Next::Close),
            _ => {}
        }
        let Some(state) = self.state_after(command) else {
            self.odd::<()>();
            return Ok(Next::GoOn);
        };
        self.state = state;
        self.reply(command).await
    }

    fn state_after(&self, command: &Command) -> Option<State> {
        let state = match command {
            Command::Connect { .. } if self.state == State::Agreed => State::Client,
            Command::Helo(_) if self.state >= State::Client => State::Client,
            Command::Unknown(_) if self.state >= State::Client => self.state,
            Command::Mail { .. } if self.state == State::Client => State::Envelope,
            Command::Rcpt { .. } | Command::Data if self.state == State::Envelope => State::Envelope,
            Command::Header { .. } if matches!(self.state, State::Envelope | State::Header) => State::Header,
            Command::Eoh | Command::Body(_) if self.state >= State::Envelope => State::Body,
            Command::BodyEob(_) if self.state >= State::Envelope => State::Client,
            Command::Abort if self.state >= State::Agreed => self.state.min(State::Client),
            Command::QuitNc if self.state <= State::Client => State::Agreed,
            _ => return None,
        };
        Some(state)
    }

    async fn negotiate(&mut self, offer: &Negotiate) -> std::io::Result<Next> {
        if offer.version < 2 || self.state != State::Start {
            self.odd::<()>();
            return Ok(Next::Close);
        }
        let fault = self.shared.fault;
        let actions = if offer.actions.is_empty() { Actions::V1 } else { offer.actions };
        let wanted = Protocol::SKIP | Protocol::NR_HELO | Protocol::NR_UNKNOWN | Protocol::NR_EOH;
        let mut answer = Negotiate {
            version: offer.version.min(6),
            actions: actions.intersection(Actions::ADD_HEADERS),
            protocol: offer.protocol.intersection(wanted),
            symlists: Vec::new(),
        };
        match fault {
            Fault::OverVersion => answer.version = offer.version.wrapping_add(1),
            Fault::OverActions => answer.actions = Actions::ALL | Actions::from_bits(0x1000),
            Fault::OverProtocol => answer.protocol = Protocol::ALL,
            Fault::EditsUnasked => answer.actions = Actions::NONE,
            Fault::Edits(_) => answer.actions = offer.actions,
            _ => {}
        }
        self.agreed = answer.clone();
        if fault == Fault::TrustsItsWishes {
            self.agreed.protocol = wanted;
        }
        self.state = State::Agreed;
        self.send(&Reply::Negotiate(answer)).await
    }

    async fn reply(&mut self, command: &Command) -> std::io::Result<Next> {
        let fault = self.shared.fault;
        let no_reply = match command {
            Command::Helo(_) => Protocol::NR_HELO,
            Command::Unknown(_) => Protocol::NR_UNKNOWN,
            Command::Eoh => Protocol::NR_EOH,
            Command::Abort if matches!(fault, Fault::AnswersAbort | Fault::AnswersEndAndAbort) => Protocol::NONE,
            Command::Abort | Command::QuitNc => return Ok(Next::GoOn),
            _ => Protocol::NONE,
        };
        if !no_reply.is_empty() && self.agreed.protocol.contains(no_reply) && fault != Fault::AnswersPromised {
            return Ok(Next::GoOn);
        }
        match command {
            Command::BodyEob(_) => {
                if self.agreed.actions.contains(Actions::ADD_HEADERS) || fault == Fault::EditsUnasked {
                    self.send(&self.edit()).await?;
                }
                self.verdict().await
            }
            Command::Body(_) if fault == Fault::SkipsUnasked => self.send(&Reply::Skip).await,
            Command::Body(_) if self.seen.chunks > 3 && self.agreed.protocol.contains(Protocol::SKIP) => {
                self.send(&Reply::Skip).await
            }
            Command::Connect { .. } if fault == Fault::DiscardsClients => self.send(&Reply::Discard).await,
            Command::Header { .. } if fault == Fault::SkipsHeaders => self.send(&Reply::Skip).await,
            _ => self.send(&Reply::Continue).await,
        }
    }

    /// The answer at the end of the message, with what a faulty filter puts before it or in its place.
    async fn verdict(&mut self) -> std::io::Result<Next> {
        match self.shared.fault {
            Fault::LosesVerdict if self.stream.read(&mut [0]).await? == 0 => return Ok(Next::Close),
            Fault::Edits(edits) => {
                for edit in edits {
                    self.packet(*edit).await?;
                }
            }
            Fault::Answers(answer) => return self.packet(answer).await,
            _ => {}
        }
        self.send(&Reply::Continue).await
    }

    async fn packet(&mut self, (code, payload): Packet) -> std::io::Result<Next> {
        let mut bytes = Vec::new();
        Frame { code, payload: payload.to_vec() }.encode(&mut bytes);
        self.stream.write_all(&bytes).await?;
        Ok(Next::GoOn)
    }

    /// It tells what it has seen of the message.
    fn edit(&self) -> Reply {
        let rcpts = match self.shared.fault {
            Fault::SharesMessages => self.shared.rcpts.load(Ordering::Relaxed),
            _ => self.seen.rcpts,
        };
        let value = format!("{rcpts} recipients, {} fields", self.seen.headers);
        Reply::AddHeader { name: b"X-Test".to_vec(), value: value.into_bytes() }
    }

    fn note(&mut self, command: &Command) {
        match command {
            Command::Macro { .. } => self.seen.macros += 1,
            Command::Helo(_) => self.seen.helos += 1,
            Command::Mail { .. } if self.shared.fault == Fault::KeepsMessages => {}
            Command::Mail { .. } => {
                self.shared.rcpts.store(0, Ordering::Relaxed);
                let Seen { macros, helos, messages, .. } = self.seen;
                self.seen = Seen { macros, helos, messages: messages + 1, ..Seen::default() };
            }
            Command::Rcpt { .. } => {
                self.shared.rcpts.fetch_add(1, Ordering::Relaxed);
                if self.shared.fault == Fault::KeepsNotes {
                    self.keep(Kept::Bytes(vec![1; KEPT_BYTES]));
                }
                self.seen.rcpts += 1;
            }
            Command::Header { .. } => self.seen.headers += 1,
            Command::Eoh => self.seen.eoh = true,
            Command::Quit => self.seen.goodbye = true,
            Command::Body(bytes) => {
                self.seen.chunks += 1;
                self.seen.body_bytes += bytes.len();
                if self.shared.fault == Fault::KeepsBodies {
                    self.keep(Kept::Bytes(bytes.clone()));
                }
            }
            _ => {}
        }
    }

    async fn send(&mut self, reply: &Reply) -> std::io::Result<Next> {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        self.stream.write_all(&bytes).await?;
        Ok(Next::GoOn)
    }
}

/// What a leaking filter keeps of each: twice of what is allowed.
const KEPT_BYTES: usize = 8 * 1024;
