//! One SMTP client.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{Service, memory::Share, secrets::Secrets};
use crate::{
    client::{Client, ClientName},
    connector::Sockets,
    journal::Journal,
    link::Stream,
    profile::Mta,
    run::Transcript,
    smtp::Reply,
};

/// The session of one client, from its banner to its end.
pub(super) struct Session {
    number: u32,
    service: Arc<Service>,
    mta: Mta,
    journal: Journal,
    secrets: Secrets,
    /// What no whole command or message has taken yet.
    unfinished: Share,
    /// How long the command line is that has no end yet, bytes.
    line: usize,
}

impl Session {
    /// A session with a client that has connected to the address `local`.
    pub(super) fn new(number: u32, peer: SocketAddr, local: Option<IpAddr>, service: Arc<Service>) -> Self {
        let journal = Journal::new();
        let is_here = peer.ip().to_canonical().is_loopback();
        let name = if is_here { ClientName::Verified("localhost".to_owned()) } else { ClientName::Missing };
        let client = Client {
            addr: Some(peer.ip().to_canonical()),
            port: peer.port(),
            name,
            local_addr: local.map(|addr| addr.to_canonical()),
        };
        let connector = Arc::new(Sockets::new(service.milters.clone()));
        let settings = Arc::clone(&service.settings);
        let mta = Mta::new(service.personality, settings, client, connector, journal.clone());
        let unfinished = service.memory.share();
        Self { number, service, mta, journal, secrets: Secrets::default(), unfinished, line: 0 }
    }

    /// Serves the client. Whatever goes wrong on its side ends the session and nothing else.
    pub(super) async fn run(mut self, mut stream: Box<dyn Stream>) {
        let banner = self.mta.connect().await;
        if self.answer(&mut stream, &[banner]).await.is_ok() && !self.mta.is_closed() {
            let ended = self.talk(stream).await;
            if let Err(error) = ended {
                self.say(&format!("client: {error}"));
            }
        }
        if !self.mta.is_closed() {
            self.mta.lose_client().await;
        }
        self.note();
    }

    async fn talk(&mut self, mut stream: Box<dyn Stream>) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        while !self.mta.is_closed() {
            let read = timeout(IDLE_LIMIT, stream.read(&mut buffer)).await;
            let count = match read {
                Ok(read) => read?,
                Err(_) => return self.give_up(&mut stream, "421 4.4.2 Error: timeout exceeded").await,
            };
            if count == 0 {
                return Ok(());
            }
            if self.is_endless(&buffer[..count]) {
                return self.give_up(&mut stream, "500 5.5.0 Error: too much without an end").await;
            }
            let replies = self.mta.feed(&buffer[..count]).await;
            self.answer(&mut stream, &replies).await?;
            if !self.unfinished.set(self.mta.unfinished()) {
                return self.give_up(&mut stream, "421 4.3.1 Error: too much at once").await;
            }
            if self.mta.is_starting_tls() {
                stream = self.start_tls(stream).await?;
            }
        }
        Ok(())
    }

    /// The handshake. What the client sent before it, behind its STARTTLS, is forgotten: anybody could have put it there.
    async fn start_tls(&mut self, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        let tls = self.service.tls.clone().ok_or_else(|| io::Error::other("no certificate for STARTTLS"))?;
        let (stream, mut values) = timeout(IDLE_LIMIT, tls.accept(stream, self.service.personality)).await??;
        values.extend(self.service.tls_macros.iter().cloned());
        self.mta.start_tls(values);
        Ok(stream)
    }

    /// A line is cut where it is too long, but a client that never ends one is no SMTP client.
    fn is_endless(&mut self, bytes: &[u8]) -> bool {
        let has_end = self.mta.awaits_message() || bytes.contains(&b'\n');
        self.line = if has_end { 0 } else { self.line + bytes.len() };
        self.line > LINE_MAX
    }

    async fn give_up(&mut self, stream: &mut Box<dyn Stream>, line: &str) -> io::Result<()> {
        self.say(line);
        timeout(WRITE_LIMIT, write(stream, format!("{line}\r\n").as_bytes())).await?
    }

    async fn answer(&mut self, stream: &mut Box<dyn Stream>, replies: &[Reply]) -> io::Result<()> {
        self.note();
        let mut out = Vec::new();
        for line in replies.iter().flat_map(|reply| &reply.lines) {
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
        timeout(WRITE_LIMIT, write(stream, &out)).await??;
        if self.mta.is_closed() {
            // The client reads the last reply, or is gone already.
            let _ = stream.shutdown().await;
        }
        Ok(())
    }

    /// Shows what has happened, and forgets it.
    fn note(&mut self) {
        let events = self.journal.take();
        if self.service.quiet {
            return;
        }
        let mut transcript = Transcript::default();
        for event in &events {
            transcript.event(&self.secrets.hide(event));
        }
        let text = transcript.text();
        let lines = text.lines().filter(|line| !line.is_empty());
        self.service.out.put(lines.map(|line| format!("[{}] {line}\n", self.number)).collect());
    }

    fn say(&self, text: &str) {
        self.service.out.put(format!("[{}] {}\n", self.number, crate::diag::escape(text)));
    }
}

/// TLS keeps what is written until it is flushed.
async fn write(stream: &mut Box<dyn Stream>, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// How long a client may say nothing: Postfix's `smtpd_timeout`.
const IDLE_LIMIT: Duration = Duration::from_secs(300);

/// How long a client may take to read a reply.
const WRITE_LIMIT: Duration = Duration::from_secs(60);

/// The longest line without an end, bytes.
const LINE_MAX: usize = 64 * 1024;
