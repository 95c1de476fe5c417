//! An MTA that sends its letters one command at a time, and keeps what comes back.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use milter_proto::{Command, Negotiate, Protocol, Reply};

use super::{
    exchange::Exchange,
    letter::Letter,
    step::{connect, connect_macros, helo},
    talk::Talk,
    target::Target,
    trouble::Trouble,
};
use crate::journal::Event;

/// One connection of it.
pub(super) struct Correspondent {
    talk: Talk,
    /// The letter that is being sent, and what is left of it.
    letter: Letter,
    rest: VecDeque<Command>,
    /// Recipients that were let pass.
    taken: usize,
    /// The milter wants to hear nothing more of this letter.
    has_ended: bool,
    /// The milter wants to hear nothing more of this client.
    is_over: bool,
}

impl Correspondent {
    /// Opens a connection, over which nothing is said yet.
    pub(super) async fn open(target: &Target) -> Result<Self, Trouble> {
        let mut talk = target.talk().await?;
        talk.keep_record();
        let (letter, rest) = (Letter::default(), VecDeque::new());
        Ok(Self { talk, letter, rest, taken: 0, has_ended: false, is_over: false })
    }

    /// Says what an MTA says when a client has connected and told its name.
    pub(super) async fn greet(&mut self, log: &mut Exchange) -> Result<(), Trouble> {
        self.talk.negotiate(&Negotiate::offer(6), log).await?;
        self.talk.event(&connect_macros(), log).await?;
        for command in [connect(), helo()] {
            let reply = if self.is_over { None } else { self.talk.event(&command, log).await? };
            self.is_over |= reply.is_some_and(|reply| reply != Reply::Continue);
        }
        Ok(())
    }

    /// Opens a connection, and greets.
    pub(super) async fn greeted(target: &Target, log: &mut Exchange) -> Result<Self, Trouble> {
        let mut it = Self::open(target).await?;
        it.greet(log).await?;
        Ok(it)
    }

    /// Sends as much of a letter as the milter wants.
    pub(super) async fn send(&mut self, letter: &Letter, log: &mut Exchange) -> Result<(), Trouble> {
        self.begin(letter);
        while self.turn(log).await? {}
        Ok(())
    }

    /// Has a letter ready.
    pub(super) fn begin(&mut self, letter: &Letter) {
        self.letter = letter.clone();
        self.rest = if self.is_over { VecDeque::new() } else { letter.commands().into() };
        self.taken = 0;
        self.has_ended = self.is_over;
    }

    /// Sends the next command of the letter; `false` if nothing is left of it.
    pub(super) async fn turn(&mut self, log: &mut Exchange) -> Result<bool, Trouble> {
        let Some(command) = self.rest.pop_front() else { return Ok(false) };
        if command == Command::Data && self.taken == 0 {
            self.end();
            return self.abort(log).await.map(|()| false);
        }
        if let Some(macros) = self.letter.macros_for(&command) {
            self.talk.event(&macros, log).await?;
        }
        let reply = self.talk.event(&command, log).await?;
        self.take(&command, reply.as_ref());
        Ok(!self.rest.is_empty())
    }

    /// Sends header fields as long as the milter takes them; how long each answer took.
    pub(super) async fn header_times(
        &mut self,
        headers: Vec<Command>,
        log: &mut Exchange,
    ) -> Result<Vec<Duration>, Trouble> {
        let mut times = Vec::new();
        for header in headers {
            let asked = Instant::now();
            let reply = self.talk.event(&header, log).await?;
            times.push(asked.elapsed());
            if reply.is_some_and(|reply| reply != Reply::Continue) {
                break;
            }
        }
        Ok(times)
    }

    /// Whether the milter's verdict came before the letter's end.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// What the milter wants to be told, and where it answers.
    pub(super) fn agreed(&self) -> Protocol {
        self.talk.agreed().protocol
    }

    /// Gives the letter up.
    pub(super) async fn abort(&mut self, log: &mut Exchange) -> Result<(), Trouble> {
        self.talk.event(&Command::Abort, log).await.map(drop)
    }

    /// What went over the connection since the last time.
    pub(super) fn take_record(&mut self) -> Vec<Event> {
        self.talk.take_record()
    }

    /// Says goodbye.
    pub(super) async fn close(self, log: &mut Exchange) -> Result<(), Trouble> {
        self.talk.close(log).await
    }

    /// What is left to send after this answer.
    fn take(&mut self, command: &Command, reply: Option<&Reply>) {
        let is_rcpt = matches!(command, Command::Rcpt { .. });
        match reply {
            None | Some(Reply::Continue) => self.taken += usize::from(is_rcpt),
            Some(Reply::Skip) => self.rest.retain(|command| !matches!(command, Command::Body(_))),
            Some(Reply::Accept | Reply::Discard) => self.end(),
            Some(_) if is_rcpt => {}
            Some(_) => self.end(),
        }
    }

    fn end(&mut self) {
        self.rest.clear();
        self.has_ended = true;
    }
}
