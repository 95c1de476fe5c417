//! The MTA: connections that hand messages to a filter as Postfix does, macros and command in one write.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    thread,
    time::{Duration, Instant},
};

use milter_proto::{
    Address, Command, Negotiate, Reply, codes,
    mta::{Due, MtaSession},
};

/// What is done to a filter.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Whether connections are kept.
    pub reuse: Reuse,
    /// How many messages, each in an SMTP session of its own.
    pub messages: usize,
    /// How many connections at a time.
    pub connections: usize,
}

/// Whether a connection serves one SMTP session or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// A connection for each message.
    Never,
    /// Kept connections: `SMFIC_QUIT_NC` between messages.
    Always,
}

/// The kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Socket {
    Unix,
    Tcp,
}

/// Where a filter listens.
#[derive(Clone, Debug)]
pub enum At {
    Unix(String),
    Tcp(u16),
}

impl Load {
    /// Hands in all messages; how long each took comes back.
    ///
    /// # Errors
    /// The filter broke off, or gave an answer that it should not.
    pub fn run(&self, at: &At) -> io::Result<Vec<Duration>> {
        let workers: Vec<_> = (0..self.connections)
            .map(|worker| {
                let share = self.messages / self.connections + usize::from(worker < self.messages % self.connections);
                let (at, reuse) = (at.clone(), self.reuse);
                thread::spawn(move || work(&at, reuse, share))
            })
            .collect();
        let mut times = Vec::with_capacity(self.messages);
        for worker in workers {
            times.extend(worker.join().map_err(|_| io::Error::other("a worker panicked"))??);
        }
        Ok(times)
    }
}

fn work(at: &At, reuse: Reuse, messages: usize) -> io::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(messages);
    let mut kept = None;
    for number in 0..messages {
        let start = Instant::now();
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(at)?,
        };
        connection.message(number)?;
        match reuse {
            Reuse::Never => connection.tell(&Command::Quit)?,
            Reuse::Always => {
                connection.tell(&Command::QuitNc)?;
                kept = Some(connection);
            }
        }
        times.push(start.elapsed());
    }
    Ok(times)
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

struct Connection {
    stream: Box<dyn Stream>,
    session: MtaSession,
    out: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(at: &At) -> io::Result<Self> {
        let stream: Box<dyn Stream> = match at {
            At::Unix(path) => Box::new(UnixStream::connect(path)?),
            At::Tcp(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port))?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        };
        let offer = Negotiate::offer(6);
        let session = MtaSession::new(offer.clone());
        let mut connection = Self { stream, session, out: Vec::new(), buffer: vec![0; 4096] };
        match connection.ask(&Command::Negotiate(offer))?.pop() {
            Some(Reply::Negotiate(agreed)) => connection.session.agree(agreed),
            other => return Err(io::Error::other(format!("negotiated with {other:?}"))),
        }
        Ok(connection)
    }

    /// An SMTP session with one message; the filter must add its field.
    fn message(&mut self, number: usize) -> io::Result<()> {
        let sender = format!("<alice@d{}.example>", number % DOMAINS);
        self.with_macros(codes::CONNECT, &[("j", "mx.example.net"), ("v", "Postfix 3.7.11")]);
        let address = Address::Inet { port: 40000, text: b"192.0.2.10".to_vec() };
        self.go_on(&Command::Connect { hostname: b"client.example".to_vec(), address })?;
        self.go_on(&Command::Helo(b"client.example".to_vec()))?;
        self.with_macros(codes::MAIL, &[("i", "4F7A21C0D3"), ("{mail_addr}", "alice@example.com")]);
        self.go_on(&Command::Mail { sender: sender.into_bytes(), args: vec![b"SIZE=300".to_vec()] })?;
        self.with_macros(codes::RCPT, &[("i", "4F7A21C0D3"), ("{rcpt_addr}", "bob@example.net")]);
        self.go_on(&Command::Rcpt { recipient: b"<bob@example.net>".to_vec(), args: Vec::new() })?;
        self.with_macros(codes::BODY_EOB, &[("i", "4F7A21C0D3")]);
        match self.ask(&Command::BodyEob(Vec::new()))?.as_slice() {
            [Reply::InsertHeader { .. }, Reply::Continue | Reply::Accept] => Ok(()),
            other => Err(io::Error::other(format!("the message ended with {other:?}"))),
        }
    }

    /// They go out with the command that follows.
    fn with_macros(&mut self, for_command: u8, pairs: &[(&str, &str)]) {
        let pairs = pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
        let sent = self.session.send(&Command::Macro { for_command, pairs }, &mut self.out);
        sent.expect("macros may come before this command");
    }

    fn go_on(&mut self, command: &Command) -> io::Result<()> {
        match self.ask(command)?.as_slice() {
            [] | [Reply::Continue] => Ok(()),
            other => Err(io::Error::other(format!("{}: {other:?}", command.name()))),
        }
    }

    fn tell(&mut self, command: &Command) -> io::Result<()> {
        self.session.send(command, &mut self.out).map_err(io::Error::other)?;
        self.stream.write_all(&std::mem::take(&mut self.out))
    }

    /// Sends a command; what comes until its answer, and that, comes back.
    fn ask(&mut self, command: &Command) -> io::Result<Vec<Reply>> {
        let due = self.session.send(command, &mut self.out).map_err(io::Error::other)?;
        self.stream.write_all(&std::mem::take(&mut self.out))?;
        let mut replies = Vec::new();
        while due == Due::Reply && self.session.awaits_reply() {
            match self.session.next_reply().map_err(io::Error::other)? {
                Some(received) => replies.push(received.reply.map_err(io::Error::other)?),
                None => {
                    let count = self.stream.read(&mut self.buffer)?;
                    if count == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.session.receive(&self.buffer[..count]);
                }
            }
        }
        Ok(replies)
    }
}

/// So many sender domains are there; their records are in the filter's cache after the first round.
pub const DOMAINS: usize = 50;
