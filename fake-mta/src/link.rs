//! The connection to one filter: moves bytes for [`MtaSession`], keeps time, and writes down every packet.

use std::{future::Future, io, pin::Pin, time::Duration};

use milter_proto::{
    Command, FrameError, Negotiate, limits,
    mta::{Due, MtaSession, Received, Standing},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};

use crate::journal::{Channel, Event, Journal, LinkFailure};

/// A stream to a filter: a socket, or one end of a pipe in memory.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens connections to filters.
pub trait Connect: Send + Sync {
    /// Connects to the filter of that number, counted from 0 in the order of the configuration.
    fn connect(&self, filter: usize) -> Connecting<'_>;

    /// How long the MTA stays on the line after its goodbye, to hear what a filter says without being asked. Real MTAs hang up
    /// at once, and so does whoever leaves this at `None`.
    fn linger(&self) -> Option<Duration> {
        None
    }
}

/// A connection that is being made.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// Why a filter cannot be talked to any more.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The connection could not be made.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The filter closed the connection where a packet had to come.
    #[error("the filter closed the connection after {} bytes of a packet", .0.came)]
    Eof(Unfinished),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(io::Error),
    /// Nothing came in time, or not all of a packet.
    #[error("no answer within {limit:?}")]
    Timeout {
        /// How long it was waited.
        limit: Duration,
        /// What had come.
        unfinished: Unfinished,
    },
    /// The packet's length makes no sense.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The answer to one command does not end.
    #[error("more than {HEARD_MAX} bytes or {PACKETS_MAX} packets in answer to one command")]
    TooMuch,
    /// The packet has a shape that this MTA does not put up with; in its words.
    #[error("{0}")]
    Malformed(String),
    /// The command may not be sent now. A fault of the profile, not of the filter.
    #[error(transparent)]
    Protocol(#[from] milter_proto::ProtocolError),
}

/// A packet of which only a part has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// How many bytes of it have come, length word and code included.
    pub came: usize,
    /// Its length word, once that is complete.
    pub length: Option<u32>,
}

/// What becomes of a packet whose length makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadLength {
    /// The length word is looked at as soon as it is there.
    Refused,
    /// Length and code are read first, and then so many bytes as the length says, however many that are.
    Believed,
}

/// An open connection to a filter.
pub(crate) struct Link {
    stream: Box<dyn Stream>,
    session: MtaSession,
    channel: Channel,
    journal: Journal,
    bad_length: BadLength,
    linger: Option<Duration>,
    head: FrameHead,
    /// Bytes and packets that have come since the last command.
    heard: (usize, usize),
    out: Vec<u8>,
    /// The commands in `out`: they are written down when they are written out.
    unsent: Vec<Command>,
}

impl Link {
    /// Connects; a filter that is not there within `limit` is an error.
    pub(crate) async fn open(
        connector: &dyn Connect,
        offer: Negotiate,
        channel: Channel,
        journal: Journal,
        limit: Duration,
        bad_length: BadLength,
    ) -> Result<Self, LinkError> {
        let stream = timeout(limit, connector.connect(channel.filter))
            .await
            .map_err(|_| LinkError::Timeout { limit, unfinished: Unfinished::default() })
            .and_then(|connected| connected.map_err(LinkError::Connect))
            .inspect_err(|error| note_failure(&journal, channel, error))?;
        Ok(Self {
            stream,
            session: MtaSession::new(offer),
            channel,
            journal,
            bad_length,
            linger: connector.linger(),
            head: FrameHead::default(),
            heard: (0, 0),
            out: Vec::new(),
            unsent: Vec::new(),
        })
    }

    /// What the profile took from the filter's negotiation packet.
    pub(crate) fn agree(&mut self, agreed: Negotiate) {
        self.session.agree(agreed);
    }

    /// Puts a command into the next write; says whether an answer is due.
    pub(crate) fn queue(&mut self, command: &Command) -> Result<Due, LinkError> {
        let due = self.session.send(command, &mut self.out)?;
        if due != Due::Suppressed {
            self.unsent.push(command.clone());
        }
        Ok(due)
    }

    /// Writes what is queued.
    pub(crate) async fn flush(&mut self, limit: Duration) -> Result<(), LinkError> {
        let out = std::mem::take(&mut self.out);
        if out.is_empty() {
            return Ok(());
        }
        self.heard = (0, 0);
        for command in self.unsent.drain(..) {
            self.journal.note(Event::Sent(self.channel, command));
        }
        let stream = &mut self.stream;
        let written = timeout(limit, async {
            stream.write_all(&out).await?;
            stream.flush().await
        });
        let written = written.await;
        written
            .map_err(|_| LinkError::Timeout { limit, unfinished: Unfinished::default() })
            .and_then(|written| written.map_err(LinkError::Io))
            .inspect_err(|error| note_failure(&self.journal, self.channel, error))
    }

    /// Reads the next packet. What it may mean now is in its standing: MTAs differ in what they put up with.
    pub(crate) async fn receive(&mut self, limit: Duration) -> Result<Received, LinkError> {
        let received = self.receive_until(Instant::now() + limit, limit).await;
        received.inspect_err(|error| note_failure(&self.journal, self.channel, error))
    }

    async fn receive_until(&mut self, deadline: Instant, limit: Duration) -> Result<Received, LinkError> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.session.next_reply() {
                Ok(Some(received)) => {
                    self.count(&received)?;
                    self.note_received(&received);
                    return Ok(received);
                }
                Err(error) if self.bad_length == BadLength::Refused || self.is_absurd() => return Err(error.into()),
                Ok(None) | Err(_) => {}
            }
            let read = timeout_at(deadline, self.stream.read(&mut buffer)).await;
            let timed_out = |_| LinkError::Timeout { limit, unfinished: self.head.unfinished() };
            match read.map_err(timed_out)?.map_err(LinkError::Io)? {
                0 => return Err(LinkError::Eof(self.head.unfinished())),
                // Nobody will ever look at the bytes of a packet that is too long.
                count if self.head.is_beyond(limits::REPLY_PAYLOAD_MAX) => self.head.push(&buffer[..count]),
                count => {
                    self.head.push(&buffer[..count]);
                    self.session.receive(&buffer[..count]);
                }
            }
        }
    }

    /// Real MTAs would go on until their memory is full.
    fn count(&mut self, received: &Received) -> Result<(), LinkError> {
        self.heard.0 += received.frame.payload.len();
        self.heard.1 += 1;
        if self.heard.0 > HEARD_MAX || self.heard.1 > PACKETS_MAX { Err(LinkError::TooMuch) } else { Ok(()) }
    }

    /// Length and code are there, and the length is below 1 for whoever takes it for a signed number.
    fn is_absurd(&self) -> bool {
        let Unfinished { came, length } = self.head.unfinished();
        came > LENGTH_SIZE && length.is_some_and(|length| length == 0 || i32::try_from(length).is_err())
    }

    fn note_received(&self, received: &Received) {
        self.journal.note(Event::Received(self.channel, received.frame.clone()));
        let problem = match (&received.reply, &received.standing) {
            (Err(error), _) => error.to_string(),
            (Ok(_), Standing::Violation(error)) => error.to_string(),
            _ => return,
        };
        self.journal.note(Event::Violation(self.channel, problem));
    }

    /// Throws away what the filter has sent and nobody has asked for.
    pub(crate) fn forget_unread(&mut self) {
        self.note_unread();
        self.session.forget_unread();
        self.head = FrameHead::default();
    }

    /// Closes the connection.
    pub(crate) async fn close(mut self) {
        self.journal.note(Event::LinkClosed(self.channel));
        // The filter may be gone already: then there is nobody left to tell.
        let _ = self.stream.shutdown().await;
        if let Some(limit) = self.linger {
            self.overhear(limit).await;
        }
    }

    fn note_unread(&mut self) {
        while let Ok(Some(received)) = self.session.next_reply() {
            self.journal.note(Event::Unread(self.channel, received.frame));
        }
    }

    /// Writes down what the filter has sent and nobody has read. A filter that hangs up as well is heard out at once.
    async fn overhear(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let (mut buffer, mut heard) = ([0; 4096], 0);
        loop {
            self.note_unread();
            match timeout_at(deadline, self.stream.read(&mut buffer)).await {
                Ok(Ok(count @ 1..)) if heard < OVERHEARD_MAX => {
                    heard += count;
                    self.session.receive(&buffer[..count]);
                }
                _ => return,
            }
        }
    }
}

/// Follows the stream of packets, to tell how much of one has come.
#[derive(Debug, Default)]
struct FrameHead {
    word: [u8; LENGTH_SIZE],
    came: usize,
}

impl FrameHead {
    fn push(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.came < LENGTH_SIZE {
                self.word[self.came] = first;
                self.came += 1;
                bytes = rest;
            } else {
                let wanted = self.length().saturating_sub(self.came - LENGTH_SIZE).min(bytes.len()).max(1);
                self.came += wanted;
                bytes = &bytes[wanted..];
            }
            if self.came > LENGTH_SIZE && self.came - LENGTH_SIZE == self.length() {
                self.came = 0;
            }
        }
    }

    fn length(&self) -> usize {
        usize::try_from(u32::from_be_bytes(self.word)).unwrap_or(usize::MAX)
    }

    fn unfinished(&self) -> Unfinished {
        let length = (self.came >= LENGTH_SIZE).then(|| u32::from_be_bytes(self.word));
        Unfinished { came: self.came, length }
    }

    fn is_beyond(&self, payload_max: usize) -> bool {
        self.came >= LENGTH_SIZE && self.length() > payload_max + 1
    }
}

/// So many bytes may answer one command: more than any new body for a message that is taken.
const HEARD_MAX: usize = 128 * 1024 * 1024;

/// So many packets may answer one command.
const PACKETS_MAX: usize = 100_000;

/// So many bytes of what nobody has asked for are listened to.
const OVERHEARD_MAX: usize = 64 * 1024;

/// The length word before each packet.
const LENGTH_SIZE: usize = 4;

fn note_failure(journal: &Journal, channel: Channel, error: &LinkError) {
    let failure = match error {
        LinkError::Connect(_) => LinkFailure::Refused,
        LinkError::Timeout { .. } => LinkFailure::Timeout,
        LinkError::Frame(_) | LinkError::Malformed(_) | LinkError::TooMuch => LinkFailure::Garbage,
        LinkError::Eof(_) | LinkError::Io(_) | LinkError::Protocol(_) => LinkFailure::Closed,
    };
    journal.note(Event::LinkFailed(channel, failure, error.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A filter that reports progress for ever.
    struct Endless;

    impl Connect for Endless {
        fn connect(&self, _: usize) -> Connecting<'_> {
            let (mut filter, mta) = tokio::io::duplex(64 * 1024);
            tokio::spawn(async move { while filter.write_all(&b"\0\0\0\x01p".repeat(1000)).await.is_ok() {} });
            Box::pin(async move { Ok(Box::new(mta) as Box<dyn Stream>) })
        }
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_given_up() {
        let (journal, channel, limit) = (Journal::new(), Channel { filter: 0, connection: 0 }, Duration::from_hours(1));
        let offer = Negotiate::offer(6);
        let mut link = Link::open(&Endless, offer, channel, journal.clone(), limit, BadLength::Refused).await.unwrap();
        let mut packets = 0;
        let error = loop {
            match link.receive(limit).await {
                Ok(_) => packets += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, LinkError::TooMuch) && packets == PACKETS_MAX, "{packets} packets, then {error}");
    }
}
