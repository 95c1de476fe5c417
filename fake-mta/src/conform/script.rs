//! Plays the steps of a case.

use milter_proto::{Command, Reply};

use super::{
    exchange::Exchange,
    letter::{Letter, Stage},
    step::{Step, connect_macros, opened_then},
    talk::Talk,
    target::Target,
    trouble::Trouble,
};

/// The steps of one case against one milter.
pub(super) struct Script<'a> {
    target: &'a Target,
    talk: Option<Talk>,
    /// Connections that were left open.
    parked: Vec<Talk>,
    /// What went over the wire.
    pub(super) exchange: Exchange,
    /// What was not sent because of the milter's own verdict, if anything.
    pub(super) ended_early: Option<String>,
    /// The first verdict of the milter that ended something.
    verdict: Option<Reply>,
    /// The milter wants to hear nothing more of this client.
    is_over: bool,
}

impl<'a> Script<'a> {
    pub(super) fn new(target: &'a Target) -> Self {
        Self {
            target,
            talk: None,
            parked: Vec::new(),
            exchange: Exchange::default(),
            ended_early: None,
            verdict: None,
            is_over: false,
        }
    }

    /// Plays all steps, and says goodbye.
    pub(super) async fn play(&mut self, steps: &[Step]) -> Result<(), Trouble> {
        self.leave_open(steps).await?;
        if let Some(talk) = self.talk.take() {
            talk.close(&mut self.exchange).await?;
        }
        for talk in self.parked.drain(..) {
            talk.close(&mut self.exchange).await?;
        }
        Ok(())
    }

    /// Plays all steps, and leaves the connection open.
    pub(super) async fn leave_open(&mut self, steps: &[Step]) -> Result<(), Trouble> {
        for step in steps {
            if !self.is_over {
                self.step(step).await?;
            }
        }
        Ok(())
    }

    /// The connection, as the steps have left it.
    pub(super) fn take_talk(&mut self) -> Option<Talk> {
        self.talk.take()
    }

    async fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        if self.talk.is_none() {
            self.talk = Some(self.target.talk().await?);
        }
        let talk = self.talk.as_mut().expect("there is one since the lines above");
        let log = &mut self.exchange;
        match step {
            Step::Negotiate(offer) => talk.negotiate(offer, log).await?,
            Step::Offer(offer) => match talk.negotiate(offer, log).await {
                Err(Trouble::Closed(_)) => {
                    self.ended_early = Some("the milter closed the connection at the offer".to_owned());
                    (self.talk, self.is_over) = (None, true);
                }
                other => other?,
            },
            Step::Client(command) => {
                talk.event(&connect_macros(), log).await?;
                let reply = talk.event(command, log).await?;
                self.note_end(command, reply.as_ref());
            }
            Step::NotDeferred => self.check_not_deferred().await?,
            Step::Event(command) => {
                let reply = talk.event(command, log).await?;
                self.note_end(command, reply.as_ref());
            }
            Step::Letter(letter) => self.letter(letter).await?,
            Step::Raw { bytes, shown } => talk.raw(bytes, shown, true, log).await?,
            Step::Bytes { bytes, shown } => talk.raw(bytes, shown, false, log).await?,
            Step::Pace(pace) => talk.set_pace(*pace),
            Step::LastWord(command) => talk.last_event(command, log).await?,
            Step::Closed => {
                talk.wait_for_end(log).await.map_err(not_closed)?;
                self.talk = None;
            }
            Step::Park => self.parked.extend(self.talk.take()),
            Step::Vanish => {
                log.note("the connection is closed without a word");
                self.talk = None;
            }
        }
        Ok(())
    }

    /// After a verdict at connect or helo an MTA has nothing more to say to this milter.
    fn note_end(&mut self, command: &Command, reply: Option<&Reply>) {
        let ends = matches!(command, Command::Connect { .. } | Command::Helo(_));
        if let Some(reply) = reply.filter(|reply| ends && **reply != Reply::Continue) {
            self.ended(command, reply);
            self.is_over = true;
        }
    }

    /// A milter that defers everybody at first, as greylisting does, does not do so for what is tried here.
    async fn check_not_deferred(&mut self) -> Result<(), Trouble> {
        let Some(reply) = self.verdict.take().filter(is_deferral) else { return Ok(()) };
        let mut plain = Script::new(self.target);
        Box::pin(plain.play(&opened_then([Step::Letter(Box::default())]))).await?;
        if plain.verdict.is_some_and(|verdict| is_deferral(&verdict)) {
            self.exchange.note("a plain message is deferred too");
            return Ok(());
        }
        Err(Trouble::Wrong(format!("it is deferred, and a plain message is not: {reply}")))
    }

    /// A message, as far as the milter wants it.
    async fn letter(&mut self, letter: &Letter) -> Result<(), Trouble> {
        if !self.passed(letter, &letter.mail).await? || letter.until == Stage::Mail {
            return Ok(());
        }
        let mut refused = None;
        let mut taken = 0;
        for rcpt in &letter.rcpts {
            match self.ask(letter, rcpt).await? {
                None | Some(Reply::Continue) => taken += 1,
                Some(reply @ (Reply::Accept | Reply::Discard)) => {
                    self.ended(rcpt, &reply);
                    return Ok(());
                }
                Some(reply) => refused = Some(reply),
            }
        }
        if let Some(reply) = refused.filter(|_| taken == 0) {
            self.ended(&letter.rcpts[0], &reply);
            return self.abort().await;
        }
        if letter.until >= Stage::Data && !self.passed(letter, &Command::Data).await? {
            return self.abort().await;
        }
        self.content(letter).await
    }

    async fn content(&mut self, letter: &Letter) -> Result<(), Trouble> {
        if letter.until < Stage::Header {
            return Ok(());
        }
        for header in &letter.headers {
            if !self.passed(letter, header).await? {
                return Ok(());
            }
        }
        if letter.until < Stage::Eoh {
            return Ok(());
        }
        if letter.eoh && !self.passed(letter, &Command::Eoh).await? || letter.until < Stage::Body {
            return Ok(());
        }
        if self.body(letter).await? && letter.until == Stage::Eom {
            self.ask(letter, &Command::BodyEob(Vec::new())).await?;
        }
        Ok(())
    }

    /// `false` if the milter's verdict ended the message.
    async fn body(&mut self, letter: &Letter) -> Result<bool, Trouble> {
        for chunk in &letter.body {
            let (count, bytes) = chunk.bytes();
            let command = Command::Body(bytes);
            for _ in 0..count {
                match self.ask(letter, &command).await? {
                    None | Some(Reply::Continue) => {}
                    Some(Reply::Skip) => return Ok(true),
                    Some(reply) => {
                        self.ended(&command, &reply);
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Sends a command of the message; whether the message goes on.
    async fn passed(&mut self, letter: &Letter, command: &Command) -> Result<bool, Trouble> {
        match self.ask(letter, command).await? {
            None | Some(Reply::Continue) => Ok(true),
            Some(reply) => {
                self.ended(command, &reply);
                Ok(false)
            }
        }
    }

    async fn ask(&mut self, letter: &Letter, command: &Command) -> Result<Option<Reply>, Trouble> {
        let Some(talk) = self.talk.as_mut() else { return Ok(None) };
        if let Some(macros) = letter.macros_for(command) {
            talk.event(&macros, &mut self.exchange).await?;
        }
        talk.event(command, &mut self.exchange).await
    }

    fn ended(&mut self, command: &Command, reply: &Reply) {
        let ended = || format!("the milter's verdict at {}: {reply}", stage_word(command));
        self.ended_early.get_or_insert_with(ended);
        self.verdict.get_or_insert_with(|| reply.clone());
    }

    async fn abort(&mut self) -> Result<(), Trouble> {
        match self.talk.as_mut() {
            Some(talk) => talk.event(&Command::Abort, &mut self.exchange).await.map(drop),
            None => Ok(()),
        }
    }
}

fn is_deferral(reply: &Reply) -> bool {
    match reply {
        Reply::Tempfail => true,
        Reply::ReplyCode(text) => text.starts_with(b"4"),
        _ => false,
    }
}

/// A milter that does not close does not hang: it answers others.
fn not_closed(trouble: Trouble) -> Trouble {
    if let Trouble::Silent(text) = trouble { Trouble::Wrong(text) } else { trouble }
}

/// Lines of text, so many bytes in all.
pub(super) fn filling(size: usize) -> Vec<u8> {
    LINE.iter().copied().cycle().take(size).collect()
}

fn stage_word(command: &Command) -> &'static str {
    command.name().trim_end_matches(" command")
}

const LINE: &[u8] = b"All work and no play makes a milter dull. 0123456789 0123456789 012345\r\n";
