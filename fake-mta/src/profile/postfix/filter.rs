//! One filter, as Postfix's `milter8` keeps it.

use milter_proto::{Command, Negotiate, Protocol, mta::Received};

use super::{
    buffer::DataBuffer,
    filters::Event,
    packet::{self, Cut},
    text,
};
use crate::{
    journal::Channel,
    link::{BadLength, Link, LinkError},
    profile::Host,
    settings::FilterSettings,
};

/// One filter.
pub(super) struct Filter {
    number: usize,
    connections: usize,
    pub(super) settings: FilterSettings,
    pub(super) link: Option<Link>,
    pub(super) life: Life,
    /// `smtpd(8)` has handed the connection to `cleanup(8)`, which keeps its own account of the filter.
    in_cleanup: bool,
    pub(super) agreed: Negotiate,
}

/// What one program of Postfix thinks of a filter.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) state: State,
    /// What every further event comes to.
    pub(super) standing: Option<Answer>,
    /// The event whose repetitions the filter wants to be spared.
    pub(super) skipped: Option<u8>,
    pub(super) buffer: DataBuffer,
}

/// How far a filter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not connected yet, or hung up on.
    Closed,
    /// It is asked.
    Ready,
    /// Done with this message.
    MessageDone,
    /// Done with this connection.
    ConnectionDone,
    /// It failed; what that means stands in `standing`.
    Error,
}

/// An answer other than "go on".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A 4xx or 5xx reply; several lines are joined by CRLF.
    Reply(Vec<u8>),
    Hold,
    Discard,
    /// 421 and out.
    Shutdown,
}

impl Filter {
    pub(super) fn new(number: usize, settings: FilterSettings) -> Self {
        Self {
            number,
            connections: 0,
            settings,
            link: None,
            life: Life::new(),
            in_cleanup: false,
            agreed: Negotiate::default(),
        }
    }

    /// Connects and negotiates, unless that is done already.
    pub(super) async fn open(&mut self, host: &Host, event: &Event<'_>) {
        if self.life.state != State::Closed {
            return;
        }
        let program = event.program;
        let version = host.settings.protocol_version.unwrap_or(event.release.milter_protocol);
        let mut offer = Negotiate::offer(version);
        offer.protocol = offer.protocol | host.settings.protocol_flags;
        let channel = Channel { filter: self.number, connection: self.connections };
        self.connections += 1;
        let (journal, limit) = (host.journal.clone(), self.settings.timeouts.connect);
        match Link::open(&*host.connector, offer.clone(), channel, journal, limit, BadLength::Refused).await {
            Ok(link) => self.link = Some(link),
            Err(error) => {
                let text = format!("connect to Milter service {}: {}", self.settings.address, text::errno(&error));
                host.log(program, None, &format!("warning: {text}"));
                self.communication_error().await;
                return;
            }
        }
        match self.negotiate(host, program, &offer).await {
            Ok(agreed) => {
                self.agreed = agreed;
                self.life.state = State::Ready;
            }
            Err(problem) => {
                if let Some(problem) = problem {
                    self.warn(host, program, &problem);
                }
                self.communication_error().await;
            }
        }
    }

    /// The error is what is left to be said about it.
    async fn negotiate(
        &mut self,
        host: &Host,
        program: &'static str,
        offer: &Negotiate,
    ) -> Result<Negotiate, Option<String>> {
        const READ_ERROR: &str = "read error in initial handshake";
        let received = match self.exchange_offer(offer).await {
            Ok(received) => received,
            Err(error) => {
                self.warn(host, program, &text::read_error(b'O', &error));
                return Err(Some(READ_ERROR.to_owned()));
            }
        };
        let Some(link) = self.link.as_mut() else { return Err(None) };
        let checked = packet::negotiation(&received.frame, offer)?;
        let mut effective = checked.agreed.clone();
        // Versions that are in no table restrict nothing.
        effective.version = if matches!(effective.version, 0 | 1) { offer.version } else { effective.version };
        link.agree(effective);
        for remark in &checked.remarks {
            host.log(program, None, &remark.log_line(&self.settings.address));
        }
        match checked.cut {
            Some(Cut::InNumbers) => Err(Some(READ_ERROR.to_owned())),
            Some(Cut::InMacroLists) => Err(None),
            None => Ok(checked.agreed),
        }
    }

    async fn exchange_offer(&mut self, offer: &Negotiate) -> Result<Received, LinkError> {
        let limit = self.settings.timeouts.command;
        let closed = || LinkError::Io(std::io::ErrorKind::BrokenPipe.into());
        let link = self.link.as_mut().ok_or_else(closed)?;
        link.queue(&Command::Negotiate(offer.clone()))?;
        link.flush(limit).await?;
        link.receive(limit).await
    }

    pub(super) async fn failed(&mut self, answer: Option<Answer>) -> Option<Answer> {
        // The connection is shut down for every program that shares it.
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.life.state = State::Error;
        self.life.standing.clone_from(&answer);
        answer
    }

    /// The message, or the HELO name, is forgotten. Nothing waits for this to be written.
    pub(super) fn abort(&mut self) {
        match self.life.state {
            State::Ready => {}
            State::MessageDone => {
                self.life.state = State::Ready;
                self.life.standing = None;
            }
            State::Closed | State::ConnectionDone | State::Error => return,
        }
        self.life.skipped = None;
        if let Some(link) = self.link.as_mut() {
            // A connection that broke in `cleanup(8)` is found out at the next event.
            let _ = link.queue(&Command::Abort);
        }
    }

    /// The session ends.
    pub(super) async fn disconnect(&mut self) {
        if let Some(mut link) = self.link.take() {
            // Nobody is left to tell if this cannot be written.
            if link.queue(&Command::Quit).is_ok() {
                let _ = link.flush(self.settings.timeouts.command).await;
            }
            link.close().await;
        }
        self.life = Life::new();
    }

    /// From here on `cleanup(8)` talks to the filter; what `smtpd(8)` thinks of it comes back.
    pub(super) fn enter_cleanup(&mut self) -> Life {
        let smtpd = self.life.clone();
        self.life = Life { state: smtpd.state, ..Life::new() };
        self.in_cleanup = true;
        smtpd
    }

    /// `smtpd(8)` goes on with its own account: of what happened meanwhile only a broken connection will show. What the other
    /// program has read from the filter and had no use for is lost with it.
    pub(super) fn leave_cleanup(&mut self, smtpd: Life) {
        self.life = smtpd;
        self.in_cleanup = false;
        if let Some(link) = &mut self.link {
            link.forget_unread();
        }
    }

    /// Closes this program's end of the connection: the other program's stays open.
    pub(super) async fn close(&mut self) {
        if self.in_cleanup {
            return;
        }
        if let Some(link) = self.link.take() {
            link.close().await;
        }
    }

    /// Whether the filter wants to see the recipients that Postfix refused.
    pub(super) fn wants_refused_recipients(&self) -> bool {
        self.agreed.protocol.contains(Protocol::RCPT_REJ)
    }

    /// Whether header values keep their leading space.
    pub(super) fn has_leading_space(&self) -> bool {
        self.agreed.protocol.contains(Protocol::HDR_LEADSPC)
    }

    /// What a refusal of the connection or of HELO, or a failure, means for commands that no filter is asked about.
    pub(super) fn standing(&self) -> Option<&Answer> {
        self.life.standing.as_ref()
    }

    /// A warning about this filter.
    pub(super) fn warn(&self, host: &Host, program: &'static str, problem: &str) {
        host.log(program, None, &format!("warning: milter {}: {problem}", self.settings.address));
    }
}

impl Life {
    fn new() -> Self {
        Self { state: State::Closed, standing: None, skipped: None, buffer: DataBuffer::default() }
    }
}
