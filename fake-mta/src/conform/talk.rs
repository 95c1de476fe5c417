//! One connection to the milter under test.

mod slow;

use std::{io, sync::Arc, time::Duration};

use milter_proto::{
    Actions, Command, Negotiate, Protocol, Reply,
    mta::{Due, MtaSession, Received},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout, timeout_at},
};

use super::{answer::judged, exchange::Exchange, habits::Habits, step::Pace, trouble::Trouble};
use crate::{
    journal::{Channel, Event},
    link::Stream,
};

/// A connection, and what may come over it now.
pub(super) struct Talk {
    stream: Box<dyn Stream>,
    session: MtaSession,
    offered: Negotiate,
    limit: Duration,
    habits: Arc<Habits>,
    /// The last bytes that came, for messages.
    heard: Vec<u8>,
    pace: Pace,
    /// Packets that wait for the one that needs an answer.
    held: Vec<u8>,
    /// Something was sent that no MTA sends: the milter owes nothing any more.
    lenient: bool,
    /// What was sent last, for messages.
    last: String,
    /// Commands and packets, for a case that judges them afterwards.
    record: Option<Vec<Event>>,
}

impl Talk {
    /// A connection over which nothing was said yet.
    pub(super) fn new(stream: Box<dyn Stream>, limit: Duration, habits: Arc<Habits>) -> Self {
        let session = MtaSession::new(Negotiate::default());
        Self {
            stream,
            session,
            offered: Negotiate::default(),
            limit,
            habits,
            heard: Vec::new(),
            pace: Pace::Packets,
            held: Vec::new(),
            lenient: false,
            last: "connecting".to_owned(),
            record: None,
        }
    }

    /// From here on what goes over the connection is kept.
    pub(super) fn keep_record(&mut self) {
        self.record.get_or_insert_default();
    }

    /// What was kept since the last time.
    pub(super) fn take_record(&mut self) -> Vec<Event> {
        self.record.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    pub(super) fn agreed(&self) -> &Negotiate {
        self.session.agreed()
    }

    /// Makes the offer and takes the answer.
    pub(super) async fn negotiate(&mut self, offer: &Negotiate, log: &mut Exchange) -> Result<(), Trouble> {
        self.offered = effective(offer);
        self.session = MtaSession::new(self.offered.clone());
        match self.event(&Command::Negotiate(offer.clone()), log).await? {
            Some(Reply::Negotiate(answer)) => {
                self.session.agree(answer);
                Ok(())
            }
            other => Err(Trouble::Wrong(format!("no answer to the offer, but {other:?}"))),
        }
    }

    /// Sends a command, and waits for the answer if one is due.
    pub(super) async fn event(&mut self, command: &Command, log: &mut Exchange) -> Result<Option<Reply>, Trouble> {
        let due = self.say(command, log).await?;
        if due == Due::Reply { self.reply(log).await.map(Some) } else { Ok(None) }
    }

    /// Sends a command, closes the sending side, and waits for the answer.
    pub(super) async fn last_event(&mut self, command: &Command, log: &mut Exchange) -> Result<(), Trouble> {
        let due = self.say(command, log).await?;
        log.note("the sending side is closed");
        // A milter that has closed already is found out when its answer is read.
        let _ = self.stream.shutdown().await;
        if due == Due::Reply { self.reply(log).await.map(drop) } else { Ok(()) }
    }

    async fn say(&mut self, command: &Command, log: &mut Exchange) -> Result<Due, Trouble> {
        let mut out = Vec::new();
        let due = self.session.send(command, &mut out);
        let due =
            due.map_err(|error| Trouble::Skipped(format!("the milter's answers leave no room for it: {error}")))?;
        if due == Due::Suppressed {
            return Ok(due);
        }
        self.look(log).await?;
        self.last = command.to_string();
        log.sent(&self.last);
        self.record.iter_mut().for_each(|record| record.push(Event::Sent(CHANNEL, command.clone())));
        self.write(&out, due == Due::Reply).await?;
        Ok(due)
    }

    /// Sends bytes as they are.
    pub(super) async fn raw(
        &mut self,
        bytes: &[u8],
        shown: &str,
        lenient: bool,
        log: &mut Exchange,
    ) -> Result<(), Trouble> {
        log.sent(shown);
        shown.clone_into(&mut self.last);
        self.lenient |= lenient;
        match self.write(bytes, true).await {
            Err(Trouble::Closed(_)) if self.lenient => Ok(()),
            other => other,
        }
    }

    /// Says goodbye as an MTA does, and sees that nothing came that nobody asked for, and that the milter lets go. What a milter makes
    /// of the goodbye itself is for the cases that are about it.
    pub(super) async fn close(mut self, log: &mut Exchange) -> Result<(), Trouble> {
        let is_agreed = !self.lenient && !self.session.awaits_reply() && self.session.agreed().version > 0;
        let quits = is_agreed && !self.habits.answers_quit();
        if quits {
            match self.event(&Command::Quit, log).await {
                Err(trouble @ Trouble::Wrong(_)) => return Err(trouble),
                Ok(None) => {}
                _ => log.note("the milter has closed already"),
            }
        }
        let _ = self.stream.shutdown().await;
        let stays_open = self.habits.stays_open();
        let limit = if stays_open { SHORT } else { self.limit };
        match self.until_end(limit, log).await {
            Err(Trouble::Wrong(text)) if quits => Err(Trouble::AfterQuit(text)),
            Err(Trouble::Silent(_)) if stays_open => {
                log.note("the milter leaves the connection open");
                Ok(())
            }
            other => other,
        }
    }

    /// Reads on until the milter closes.
    pub(super) async fn wait_for_end(&mut self, log: &mut Exchange) -> Result<(), Trouble> {
        self.until_end(self.limit, log).await
    }

    async fn until_end(&mut self, limit: Duration, log: &mut Exchange) -> Result<(), Trouble> {
        let deadline = Instant::now() + limit;
        loop {
            let came = match self.session.next_reply() {
                Err(error) if self.lenient => {
                    log.note(&format!("what came is no packet: {error}"));
                    return Ok(());
                }
                Err(error) => return Err(self.no_packet(&error)),
                Ok(came) => came,
            };
            if let Some(received) = came {
                log.came(&shown(&received));
                if !self.lenient {
                    return Err(self.unasked());
                }
            } else if self.read(deadline).await? == 0 {
                log.note("the milter closed the connection");
                return Ok(());
            }
        }
    }

    /// Takes what has come already, without waiting: an honest milter has nothing to say now.
    async fn look(&mut self, log: &mut Exchange) -> Result<(), Trouble> {
        if self.lenient {
            return Ok(());
        }
        let mut bytes = [0; 4096];
        let there = tokio::select! {
            biased;
            read = self.stream.read(&mut bytes) => read.unwrap_or(0),
            () = std::future::ready(()) => 0,
        };
        self.take(&bytes[..there]);
        match self.session.next_reply() {
            Ok(None) => Ok(()),
            Ok(Some(received)) => {
                log.came(&shown(&received));
                Err(self.unasked())
            }
            Err(error) => Err(self.no_packet(&error)),
        }
    }

    fn unasked(&self) -> Trouble {
        Trouble::Wrong(format!("a packet that nobody asked for came after {}", self.last))
    }

    /// Text on the socket is as a rule what a program prints that takes it for its standard output.
    fn no_packet(&self, error: &impl std::fmt::Display) -> Trouble {
        let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
        // No length is so large that all four bytes of it could be letters.
        let is_printed = self.heard.first_chunk::<4>().is_some_and(|length| length.iter().all(is_text));
        let told = if is_printed { ": it is text; does the milter print to its socket?" } else { "" };
        let heard = self.heard.escape_ascii();
        Trouble::Wrong(format!("what came after {} is no packet: {error}, in \"{heard}\"{told}", self.last))
    }

    /// Waits for the answer. Progress gives more time, but not without end: an MTA has a limit for all of it too.
    async fn reply(&mut self, log: &mut Exchange) -> Result<Reply, Trouble> {
        let began = Instant::now();
        let mut deadline = began + self.limit;
        for _ in 0..MAX_PACKETS {
            match self.session.next_reply() {
                Ok(Some(received)) => {
                    log.came(&shown(&received));
                    let kept = || Event::Received(CHANNEL, received.frame.clone());
                    self.record.iter_mut().for_each(|record| record.push(kept()));
                    if matches!(received.reply, Ok(Reply::Progress)) {
                        deadline = (Instant::now() + self.limit).min(began + PROGRESS * self.limit);
                    }
                    if let Some(reply) = judged(received, &self.offered)? {
                        return Ok(reply);
                    }
                }
                Ok(None) if self.read(deadline).await? == 0 => {
                    log.note("the milter closed the connection");
                    return Err(Trouble::Closed(format!(
                        "the connection was closed where {} has to be answered",
                        self.last
                    )));
                }
                Ok(None) => {}
                Err(error) => return Err(self.no_packet(&error)),
            }
        }
        Err(Trouble::Wrong(format!("over {MAX_PACKETS} packets came for {}", self.last)))
    }

    /// Reads once; 0 is the end, in whichever way it came about.
    async fn read(&mut self, deadline: Instant) -> Result<usize, Trouble> {
        let mut bytes = [0; 16 * 1024];
        // Else a milter that sends without end would be read for ever: there is always something to read.
        if Instant::now() >= deadline {
            return Err(self.silent());
        }
        match timeout_at(deadline, self.stream.read(&mut bytes)).await {
            Err(_) => Err(self.silent()),
            Ok(Err(_)) => Ok(0),
            Ok(Ok(count)) => {
                self.take(&bytes[..count]);
                Ok(count)
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.session.receive(bytes);
        if !bytes.is_empty() {
            self.heard = bytes[..bytes.len().min(HEARD)].to_vec();
        }
    }

    fn silent(&self) -> Trouble {
        if self.session.pending() > 0 && !self.lenient {
            return self.no_packet(&"its rest does not come");
        }
        let waits = self.session.awaits_reply();
        let what = if waits { "did not answer" } else { "did not close the connection" };
        Trouble::Silent(format!(
            "the milter {what} within {} after {}",
            crate::run::duration_text(self.limit),
            self.last
        ))
    }

    async fn write(&mut self, bytes: &[u8], now: bool) -> Result<(), Trouble> {
        self.held.extend_from_slice(bytes);
        if self.pace == Pace::Together && !now {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.held);
        let written = match self.pace {
            Pace::Bytes => timeout(self.limit, self.write_pieces(bytes.chunks(1))).await,
            Pace::Halves => {
                let (first, rest) = bytes.split_at(bytes.len().min(HALF_A_LENGTH));
                timeout(self.limit, self.write_pieces([first, rest].into_iter())).await
            }
            Pace::Packets | Pace::Together => timeout(self.limit, write_all(&mut self.stream, &bytes)).await,
        };
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Trouble::Closed(format!("the connection was closed before {} was sent", self.last))),
            Err(_) => Err(Trouble::Silent(format!("the milter read nothing more of {}", self.last))),
        }
    }

    async fn write_pieces<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        for piece in pieces {
            write_all(&mut self.stream, piece).await?;
            // Without this the milter could find them all together.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// An offer without any action, or without any step, is taken for what version 1 had: libmilter has it so.
fn effective(offer: &Negotiate) -> Negotiate {
    let actions = if offer.actions.is_empty() { Actions::V1 } else { offer.actions };
    let protocol = if offer.protocol.is_empty() { Protocol::V1 } else { offer.protocol };
    Negotiate { actions, protocol, ..offer.clone() }
}

async fn write_all(stream: &mut Box<dyn Stream>, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

fn shown(received: &Received) -> String {
    received.reply.as_ref().map_or_else(|error| format!("malformed: {error}"), ToString::to_string)
}

/// There is one in a record.
const CHANNEL: Channel = Channel { filter: 0, connection: 0 };

/// More edits than this to one message are no edits.
const MAX_PACKETS: usize = 10_000;

const HALF_A_LENGTH: usize = 2;

/// So many times the limit of one answer is the limit of all progress.
const PROGRESS: u32 = 6;

/// So much of what came last is kept.
const HEARD: usize = 60;

/// So long the end of a connection is waited for that a milter leaves open as a rule.
const SHORT: Duration = Duration::from_millis(20);
