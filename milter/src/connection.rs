//! One connection from an MTA.

use std::sync::Arc;

use milter_proto::{
    Reply,
    filter::{Event, FilterSession},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::watch,
    time::{sleep, timeout},
};
use tracing::{debug, error, warn};

use crate::{
    Action, ConnectionError, Context, Filter, FilterOptions, ServerOptions,
    dispatch::{Edits, dispatch},
    eom::Sink,
    guard::{Failure, guarded, guarded_call},
    shared::{InFlight, Phase, Shared, cut_short, reached},
};

/// Serves one connection until the MTA ends it, with a filter value from `factory`.
///
/// For connections that do not come from a [`Listener`](crate::Listener): pipes in tests, sockets from elsewhere.
///
/// # Errors
/// The connection ended otherwise than by the MTA's leave.
pub async fn serve<S, F>(
    stream: S,
    factory: impl Fn() -> F + Send + Sync,
    options: ServerOptions,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
    F: Filter,
{
    let (_running, phase) = watch::channel(Phase::Running);
    serve_shared(stream, Arc::new(Shared::new(factory, options)), phase, 1).await
}

/// As [`serve`], for one of many connections.
pub(crate) async fn serve_shared<S, F, M>(
    stream: S,
    shared: Arc<Shared<M>>,
    phase: watch::Receiver<Phase>,
    number: u64,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
    F: Filter,
    M: Fn() -> F + Send + Sync,
{
    let (filter, options) = first_filter(&shared)?;
    let context = Context { session: FilterSession::new(options), connection: number };
    let mut connection = Connection {
        stream,
        shared,
        phase,
        context,
        filter: Some(filter),
        message: None,
        is_poisoned: false,
        is_torn: false,
    };
    debug!(connection = number, "open");
    let ended = connection.run().await;
    match &ended {
        Ok(()) => debug!(connection = number, "closed"),
        Err(error) => warn!(connection = number, "given up: {error}"),
    }
    connection.finish().await;
    ended
}

/// The first filter of a connection, and what it wants.
fn first_filter<F: Filter, M: Fn() -> F>(shared: &Shared<M>) -> Result<(F, FilterOptions), ConnectionError> {
    let made = guarded_call(|| {
        let filter = (shared.factory)();
        let options = filter.options();
        (filter, options)
    });
    made.map_err(|failure| {
        shared.counts().panics.add();
        error!("the filter could not be made: {failure:?}");
        ConnectionError::NoFilter
    })
}

struct Connection<S, F, M> {
    stream: S,
    shared: Arc<Shared<M>>,
    phase: watch::Receiver<Phase>,
    context: Context,
    /// The filter of the session; none between sessions, and after a panic.
    filter: Option<F>,
    /// The message under way.
    message: Option<InFlight>,
    /// The filter failed where it could not say so: everything is refused for now until the session ends.
    is_poisoned: bool,
    /// A packet was half written when its writer was given up: nothing can follow it.
    is_torn: bool,
}

/// What waiting for the MTA came to.
enum Input {
    /// So many bytes; none at the end.
    Bytes(usize),
    /// The server stops, and there is no message that would have to wait for its end.
    Dismissed,
}

impl<S, F, M> Connection<S, F, M>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
    F: Filter,
    M: Fn() -> F + Send + Sync,
{
    async fn run(&mut self) -> Result<(), ConnectionError> {
        let mut buffer = vec![0; READ_SIZE];
        loop {
            while let Some(event) = self.context.session.next_event()? {
                self.handle(event).await;
                if self.is_torn {
                    return Err(ConnectionError::Torn);
                }
                self.flush().await?;
                if self.is_cut() && !self.context.session.is_in_message() {
                    return Err(ConnectionError::Stopped);
                }
            }
            self.flush().await?;
            if self.context.session.is_over() {
                return Ok(());
            }
            match self.read(&mut buffer).await? {
                Input::Bytes(0) => return self.end_of_input(),
                Input::Bytes(count) => self.context.session.receive(&buffer[..count]),
                Input::Dismissed => return Ok(()),
            }
        }
    }

    /// Waits for the MTA. What has come already is read even if the server stops: it may begin a message.
    async fn read(&mut self, buffer: &mut [u8]) -> Result<Input, ConnectionError> {
        let limit = self.shared.options.idle_timeout;
        let last_word = self.shared.options.last_word;
        let (phase, is_in_message) = (&mut self.phase, self.context.session.is_in_message());
        let end = async {
            // Between messages a session may be silent for hours.
            if !is_in_message {
                reached(phase, Phase::Draining).await;
                return Ok(Input::Dismissed);
            }
            // A message under way is not left without an answer: the next event gets one.
            reached(phase, Phase::Cut).await;
            sleep(last_word).await;
            Err(ConnectionError::Stopped)
        };
        tokio::select! {
            biased;
            read = timeout(limit, self.stream.read(buffer)) => {
                Ok(Input::Bytes(read.map_err(|_| ConnectionError::Idle(limit))??))
            }
            ended = end => ended,
        }
    }

    fn is_cut(&self) -> bool {
        *self.phase.borrow() == Phase::Cut
    }

    /// MTAs may hang up at any time, but between packets.
    fn end_of_input(&self) -> Result<(), ConnectionError> {
        match self.context.session.pending() {
            0 => Ok(()),
            partial => Err(ConnectionError::Eof { partial }),
        }
    }

    /// Everything that is to be said after one event leaves in one write: several small ones would wait for each
    /// other's acknowledgement.
    async fn flush(&mut self) -> Result<(), ConnectionError> {
        let output = self.context.session.take_output();
        if output.is_empty() {
            return Ok(());
        }
        let limit = self.shared.options.write_timeout;
        let write = async {
            self.stream.write_all(&output).await?;
            self.stream.flush().await
        };
        tokio::select! {
            written = timeout(limit, write) => Ok(written.map_err(|_| ConnectionError::Write(limit))??),
            () = cut_short(&mut self.phase) => Err(ConnectionError::Stopped),
        }
    }

    async fn handle(&mut self, event: Event) {
        let is_end = matches!(event, Event::Close);
        if matches!(event, Event::Eom { .. }) {
            self.shared.counts().messages.add();
        }
        self.revive(is_end);
        let mut edits = Vec::new();
        let outcome = match self.refusal(&event) {
            Some(action) => Ok(action),
            None => self.call(&event, &mut edits).await,
        };
        match outcome {
            Ok(action) => self.answer(&edits, &action),
            Err(failure) => self.fail(&event, failure),
        }
        if is_end {
            self.drop_filter();
            self.is_poisoned = false;
        }
        if !self.context.session.is_in_message() {
            self.message = None;
        }
    }

    /// What is answered without asking the filter.
    fn refusal(&mut self, event: &Event) -> Option<Action> {
        let is_heard = self.context.session.awaits_reply();
        if self.is_cut() && is_heard {
            return Some(Action::Tempfail);
        }
        if !matches!(event, Event::Envfrom { .. }) {
            return None;
        }
        self.message = None;
        self.message = self.shared.begin_message();
        // Who does not wait for an answer cannot be refused.
        if self.message.is_some() || !is_heard {
            return None;
        }
        self.shared.counts().messages_refused.add();
        Some(self.shared.options.over_limit.clone())
    }

    /// Another session on the same connection has a filter of its own.
    fn revive(&mut self, is_end: bool) {
        if self.filter.is_some() || self.is_poisoned || is_end {
            return;
        }
        match guarded_call(|| (self.shared.factory)()) {
            Ok(filter) => self.filter = Some(filter),
            Err(failure) => {
                self.shared.counts().panics.add();
                error!(connection = self.context.connection, "the filter could not be made: {failure:?}");
                self.is_poisoned = true;
            }
        }
    }

    async fn call(&mut self, event: &Event, edits: &mut Vec<Reply>) -> Result<Action, Failure> {
        let Some(filter) = self.filter.as_mut().filter(|_| !self.is_poisoned) else { return Ok(Action::Tempfail) };
        let options = &self.shared.options;
        let sink = Sink { writer: &mut self.stream, is_torn: &mut self.is_torn };
        let edits = Edits { queue: edits, bytes_max: options.edit_bytes_max, sink };
        let mut phase = self.phase.clone();
        tokio::select! {
            outcome = guarded(options.event_timeout, dispatch(filter, &self.context, event, edits)) => outcome,
            () = cut_short(&mut phase) => Err(Failure::Timeout),
        }
    }

    fn answer(&mut self, edits: &[Reply], action: &Action) {
        let session = &mut self.context.session;
        if !session.awaits_reply() {
            return;
        }
        let reply = action.to_reply();
        let answered = edits.iter().try_for_each(|edit| session.reply(edit)).and_then(|()| session.reply(&reply));
        let Err(problem) = answered else { return };
        let instead = match action {
            Action::Skip | Action::Discard => Reply::Continue,
            _ => {
                error!(connection = self.context.connection, "the filter's answer cannot be sent: {problem}");
                Reply::Tempfail
            }
        };
        session.reply(&instead).expect("continue and tempfail answer every event that waits for an answer");
    }

    /// The filter gave no answer: the MTA is to try again later.
    fn fail(&mut self, event: &Event, failure: Failure) {
        let (connection, stage) = (self.context.connection, stage(event));
        let is_heard = self.context.session.awaits_reply();
        match failure {
            Failure::Panic(message) => {
                self.shared.counts().panics.add();
                error!(connection, stage, "the filter panicked: {message}");
                self.is_poisoned = true;
            }
            Failure::Timeout => {
                self.shared.counts().timeouts.add();
                error!(connection, stage, "the filter took too long");
                self.is_poisoned |= !is_heard;
            }
        }
        if self.is_poisoned {
            self.drop_filter();
        }
        self.answer(&[], &Action::Tempfail);
    }

    /// Drops the filter; that may panic too.
    fn drop_filter(&mut self) {
        let filter = self.filter.take();
        if let Err(failure) = guarded_call(|| drop(filter)) {
            self.shared.counts().panics.add();
            error!(connection = self.context.connection, "dropping the filter: {failure:?}");
        }
    }

    /// Tells the filter the rest, and hangs up.
    async fn finish(&mut self) {
        self.context.session.close();
        while let Ok(Some(event)) = self.context.session.next_event() {
            self.handle(event).await;
        }
        self.drop_filter();
        // The MTA may be gone already: then there is nobody left to tell.
        let _ = self.stream.shutdown().await;
    }
}

fn stage(event: &Event) -> &'static str {
    match event {
        Event::Connect { .. } => "connect",
        Event::Helo(_) => "helo",
        Event::Envfrom { .. } => "envfrom",
        Event::Envrcpt { .. } => "envrcpt",
        Event::Data => "data",
        Event::Header { .. } => "header",
        Event::Eoh => "eoh",
        Event::Body(_) => "body",
        Event::Eom { .. } => "eom",
        Event::Abort => "abort",
        Event::Close => "close",
        Event::Unknown(_) => "unknown",
    }
}

/// The size of the buffer for reading.
const READ_SIZE: usize = 8 * 1024;
