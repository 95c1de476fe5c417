//! One SMTP client.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{ServeArgs, maildir::Maildir, tls::Tls};
use crate::{
    client::{Client, ClientName},
    clock::Clock,
    connector::Sockets,
    journal::{Event, Journal},
    link::Stream,
    profile::Mta,
    run::Transcript,
    smtp::Reply,
};

/// The session of one client, from its banner to its end.
pub(super) struct Session {
    number: u32,
    mta: Mta,
    journal: Journal,
    shown: usize,
    quiet: bool,
    maildir: Arc<Option<Maildir>>,
    tls: Option<Tls>,
    tls_macros: Vec<(String, String)>,
    /// Bytes that no whole line or message has taken yet.
    pending: usize,
}

impl Session {
    pub(super) fn new(
        number: u32,
        peer: SocketAddr,
        args: &ServeArgs,
        maildir: Arc<Option<Maildir>>,
        tls: Option<Tls>,
    ) -> Self {
        let journal = Journal::new();
        let is_here = peer.ip().to_canonical().is_loopback();
        let name = if is_here { ClientName::Verified("localhost".to_owned()) } else { ClientName::Missing };
        let client =
            Client { addr: Some(peer.ip().to_canonical()), port: peer.port(), name, local_addr: Some(args.smtp.ip()) };
        let connector = Arc::new(Sockets::new(args.milter.clone()));
        let mta = Mta::new(args.personality(), args.settings(number), client, connector, journal.clone());
        let tls_macros = args.tls_macro.clone();
        Self { number, mta, journal, shown: 0, quiet: args.quiet, maildir, tls, tls_macros, pending: 0 }
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
            let bytes = &buffer[..count];
            if self.is_too_much(bytes) {
                return self.give_up(&mut stream, "500 5.5.0 Error: too much without an end").await;
            }
            let replies = self.mta.feed(bytes).await;
            if !replies.is_empty() {
                self.pending = 0;
            }
            self.answer(&mut stream, &replies).await?;
            if self.mta.is_starting_tls() {
                stream = self.start_tls(stream).await?;
            }
        }
        Ok(())
    }

    /// The handshake. What the client sent before it, behind its STARTTLS, is forgotten: anybody could have put it there.
    async fn start_tls(&mut self, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        let tls = self.tls.clone().ok_or_else(|| io::Error::other("no certificate for STARTTLS"))?;
        let (stream, mut values) = timeout(IDLE_LIMIT, tls.accept(stream)).await??;
        self.pending = 0;
        values.extend(self.tls_macros.iter().cloned());
        self.mta.start_tls(values);
        Ok(stream)
    }

    /// A client that ends neither its line nor its message must not fill the memory.
    fn is_too_much(&mut self, bytes: &[u8]) -> bool {
        self.pending += bytes.len();
        if self.mta.awaits_message() {
            return self.pending > MESSAGE_MAX;
        }
        if !bytes.contains(&b'\n') {
            return self.pending > LINE_MAX;
        }
        self.pending > MESSAGE_MAX
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

    /// Shows what has happened, and delivers what left the MTA.
    fn note(&mut self) {
        let events = self.journal.since(self.shown);
        self.shown += events.len();
        let mut transcript = Transcript::default();
        for event in &events {
            transcript.event(event);
            if let (Event::Delivered(delivered), Some(maildir)) = (event, &*self.maildir)
                && let Err(error) = maildir.put(delivered, Clock::System.unix_seconds())
            {
                self.say(&format!("cannot write into the maildir: {error}"));
            }
        }
        if !self.quiet {
            let text = transcript.text();
            let lines = text.lines().filter(|line| !line.is_empty());
            let lines: String = lines.map(|line| format!("[{}] {line}\n", self.number)).collect();
            put(&lines);
        }
    }

    fn say(&self, text: &str) {
        put(&format!("[{}] {}\n", self.number, crate::diag::escape(text)));
    }
}

/// TLS keeps what is written until it is flushed.
async fn write(stream: &mut Box<dyn Stream>, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Many sessions write at once; a reader that went away is no reason to stop.
fn put(text: &str) {
    use std::io::Write as _;
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// How long a client may say nothing: Postfix's `smtpd_timeout`.
const IDLE_LIMIT: Duration = Duration::from_secs(300);

/// How long a client may take to read a reply.
const WRITE_LIMIT: Duration = Duration::from_secs(60);

/// The longest line without an end, bytes.
const LINE_MAX: usize = 64 * 1024;

/// The longest message, and the most that a client may send ahead, bytes.
const MESSAGE_MAX: usize = 64 << 20;
