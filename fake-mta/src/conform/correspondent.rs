//! An MTA that sends its letters one command at a time, and keeps what comes back.

use std::collections::VecDeque;

use milter_proto::{Command, Negotiate, Reply};

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
    /// The milter wants to hear nothing more of this client.
    is_over: bool,
}

impl Correspondent {
    /// Opens a connection, as an MTA does when a client has connected and said who it is.
    pub(super) async fn greet(target: &Target, log: &mut Exchange) -> Result<Self, Trouble> {
        let mut talk = target.talk().await?;
        talk.keep_record();
        talk.negotiate(&Negotiate::offer(6), log).await?;
        let mut it = Self { talk, letter: Letter::default(), rest: VecDeque::new(), taken: 0, is_over: false };
        it.talk.event(&connect_macros(), log).await?;
        for command in [connect(), helo()] {
            let reply = if it.is_over { None } else { it.talk.event(&command, log).await? };
            it.is_over |= reply.is_some_and(|reply| reply != Reply::Continue);
        }
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
    }

    /// Sends the next command of the letter; `false` if nothing is left of it.
    pub(super) async fn turn(&mut self, log: &mut Exchange) -> Result<bool, Trouble> {
        let Some(command) = self.rest.pop_front() else { return Ok(false) };
        if command == Command::Data && self.taken == 0 {
            self.rest.clear();
            return self.abort(log).await.map(|()| false);
        }
        if let Some(macros) = self.letter.macros_for(&command) {
            self.talk.event(&macros, log).await?;
        }
        let reply = self.talk.event(&command, log).await?;
        self.take(&command, reply.as_ref());
        Ok(!self.rest.is_empty())
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
            Some(Reply::Accept | Reply::Discard) => self.rest.clear(),
            Some(_) if is_rcpt => {}
            Some(_) => self.rest.clear(),
        }
    }
}
