//! One connection to the milter under test.

mod end;
mod slow;
mod write;

use std::{sync::Arc, time::Duration};

use milter_proto::{
    Actions, Command, Negotiate, Protocol, Reply, codes, limits,
    mta::{Due, MtaSession, Received},
};
use tokio::{
    io::AsyncReadExt as _,
    time::{Instant, timeout_at},
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
    /// A message was begun and not ended.
    is_amid_message: bool,
    /// The sending side is closed.
    is_half_closed: bool,
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
            is_amid_message: false,
            is_half_closed: false,
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
        self.half_close().await;
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
        match command {
            Command::Mail { .. } => self.is_amid_message = true,
            Command::BodyEob(_) | Command::Abort => self.is_amid_message = false,
            _ => {}
        }
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
        match self.next_packet()? {
            None => Ok(()),
            Some(received) => {
                log.came(&shown(&received));
                Err(self.unasked())
            }
        }
    }

    /// The next packet that is whole.
    fn next_packet(&mut self) -> Result<Option<Received>, Trouble> {
        match self.session.next_reply() {
            Err(error) => Err(self.no_packet(&error)),
            Ok(None) => self.check_announced().map(|()| None),
            came => Ok(came.ok().flatten()),
        }
    }

    /// The rest of a packet that no answer can be would be waited for in vain.
    fn check_announced(&self) -> Result<(), Trouble> {
        let impossible = impossible_length(self.session.unread());
        impossible.map_or(Ok(()), |length| Err(self.no_packet(&format!("no answer is {length} bytes long"))))
    }

    fn unasked(&self) -> Trouble {
        Trouble::Wrong(format!("a packet that nobody asked for came after {}", self.last))
    }

    fn no_packet(&self, error: &impl std::fmt::Display) -> Trouble {
        let told = self.heard.first_chunk().map_or("", |length| guess(*length));
        let heard = self.heard.escape_ascii();
        Trouble::Wrong(format!("what came after {} is no packet: {error}, in \"{heard}\"{told}", self.last))
    }

    /// Waits for the answer. Progress gives more time, but not without end: an MTA has a limit for all of it too.
    async fn reply(&mut self, log: &mut Exchange) -> Result<Reply, Trouble> {
        let began = Instant::now();
        let mut deadline = began + self.limit;
        for _ in 0..MAX_PACKETS {
            match self.next_packet()? {
                Some(received) => {
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
                None if self.read(deadline).await? == 0 => {
                    log.note("the milter closed the connection");
                    return Err(Trouble::Closed(format!(
                        "the connection was closed where {} has to be answered",
                        self.last
                    )));
                }
                None => {}
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
}

/// An offer without any action, or without any step, is taken for what version 1 had: libmilter has it so.
fn effective(offer: &Negotiate) -> Negotiate {
    let actions = if offer.actions.is_empty() { Actions::V1 } else { offer.actions };
    let protocol = if offer.protocol.is_empty() { Protocol::V1 } else { offer.protocol };
    Negotiate { actions, protocol, ..offer.clone() }
}

/// The length of the packet that begins so, if no answer with its code has so many bytes. A body may come in one packet: both MTAs take it.
fn impossible_length(packet: &[u8]) -> Option<usize> {
    let length = usize::try_from(u32::from_be_bytes(*packet.first_chunk()?)).ok()?;
    let most = if *packet.get(4)? == codes::REPLACE_BODY { BODY_MAX } else { limits::PAYLOAD_MAX_1M };
    (length > most).then_some(length)
}

/// What may have led to a length that none can be.
fn guess(length: [u8; 4]) -> &'static str {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    // No length is so large that all four bytes of it could be letters: text is as a rule what a program takes for its standard output.
    if length.iter().all(is_text) {
        return ": it is text; does the milter print to its socket?";
    }
    let is_small = |length: u32| (1..=0xffff).contains(&length);
    if is_small(u32::from_le_bytes(length)) && !is_small(u32::from_be_bytes(length)) {
        return ": does the milter write the last byte of a length first? The first one comes first on the wire";
    }
    ""
}

fn shown(received: &Received) -> String {
    received.reply.as_ref().map_or_else(|error| format!("malformed: {error}"), ToString::to_string)
}

/// There is one in a record.
const CHANNEL: Channel = Channel { filter: 0, connection: 0 };

/// Above all bodies that are sent, and below each length of which all bytes are text.
const BODY_MAX: usize = 0x0800_0000;

/// More edits than this to one message are no edits.
const MAX_PACKETS: usize = 10_000;

/// So many times the limit of one answer is the limit of all progress.
const PROGRESS: u32 = 6;

/// So much of what came last is kept.
const HEARD: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_impossible_by_what_the_code_has_room_for() {
        for (packet, wanted) in [
            (&b"\0\x30\0\0c"[..], Some(0x30_0000)),
            (b"\0\x30\0\0b", None),
            (b"\0\x01\0\0h", None),
            (b"\t\t\t\tb", Some(0x0909_0909)),
            (b"\x01\0\0\0", None),
        ] {
            assert_eq!(impossible_length(packet), wanted, "{}", packet.escape_ascii());
        }
    }
}
