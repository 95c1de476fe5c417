//! The MTA's end of a connection.

use std::time::Duration;

use milter::{ListenAddr, Listener, ServerOptions, SocketOptions, Summary};
use milter_proto::{Command, Frame, Negotiate, Reply, mta::MtaSession};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use super::scripted::{Script, Scripted};

/// A server with scripted filters, and the way to stop it.
pub(crate) struct Server {
    pub(crate) addr: ListenAddr,
    pub(crate) stop: oneshot::Sender<()>,
    running: JoinHandle<Summary>,
}

impl Server {
    /// A server on a free port of the loopback.
    pub(crate) async fn start(script: Script, options: ServerOptions) -> Self {
        let addr = "inet:0@127.0.0.1".parse().expect("a good address");
        Self::start_at(&addr, script, options).await
    }

    pub(crate) async fn start_at(addr: &ListenAddr, script: Script, options: ServerOptions) -> Self {
        let listener = Listener::bind(addr, SocketOptions::default()).await.expect("the address is free");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { stopped.await.unwrap_or_default() };
        let factory = move || Scripted::new(script.clone());
        let running = tokio::spawn(milter::run(vec![listener], factory, options, shutdown));
        Self { addr, stop, running }
    }

    pub(crate) async fn connect(&self) -> Mta {
        Mta::connect(&self.addr).await.expect("the server listens")
    }

    /// A connection that has got its answer to the offer.
    pub(crate) async fn negotiated(&self) -> Mta {
        let mut mta = self.connect().await;
        mta.negotiate().await;
        mta
    }

    pub(crate) async fn stop(self) -> Summary {
        self.stop.send(()).expect("the server runs");
        self.running.await.expect("the server does not panic")
    }

    /// Stops the server after these connections were dropped.
    pub(crate) async fn stop_now(self, connections: Vec<Mta>) -> Summary {
        drop(connections);
        self.stop().await
    }

    /// As [`stop`](Self::stop), for a server that was told already.
    pub(crate) async fn stopped(running: Running) -> Summary {
        running.0.await.expect("the server does not panic")
    }

    /// Tells the server to stop, and gives what is left of it.
    pub(crate) fn tell_to_stop(self) -> Running {
        self.stop.send(()).expect("the server runs");
        Running(self.running)
    }
}

/// A server that was told to stop.
pub(crate) struct Running(JoinHandle<Summary>);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The MTA's end.
pub(crate) struct Mta {
    stream: Box<dyn Stream>,
    session: MtaSession,
}

impl Mta {
    pub(crate) async fn connect(addr: &ListenAddr) -> std::io::Result<Self> {
        let stream: Box<dyn Stream> = match addr {
            ListenAddr::Unix(path) => Box::new(UnixStream::connect(path).await?),
            ListenAddr::Inet { host, port } | ListenAddr::Inet6 { host, port } => {
                let host = host.as_deref().expect("tests bind to one address");
                Box::new(TcpStream::connect((host, *port)).await?)
            }
        };
        Ok(Self { stream, session: MtaSession::new(Negotiate::offer(6)) })
    }

    pub(crate) async fn negotiate(&mut self) {
        self.write_commands(&[Command::Negotiate(Negotiate::offer(6))]).await;
        let Reply::Negotiate(answer) = self.read_reply().await else { panic!("no answer to the offer") };
        self.session.agree(answer);
    }

    /// Sends commands in one write and reads the answers that are due; gives everything that came.
    pub(crate) async fn ask(&mut self, command: Command) -> String {
        self.write_commands(std::slice::from_ref(&command)).await;
        self.answers().await
    }

    /// Reads up to the final reply.
    pub(crate) async fn answers(&mut self) -> String {
        let mut answers = Vec::new();
        loop {
            let reply = self.read_reply().await;
            answers.push(reply.to_string());
            if reply.is_final() {
                return answers.join(", ");
            }
        }
    }

    pub(crate) async fn write_commands(&mut self, commands: &[Command]) {
        self.write(&encoded(commands)).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the filter reads");
    }

    /// Closes the MTA's direction.
    pub(crate) async fn finish_writing(&mut self) {
        // The filter may have hung up already.
        let _ = self.stream.shutdown().await;
    }

    pub(crate) async fn read_reply(&mut self) -> Reply {
        let frame = self.read_frame().await.expect("a packet, not the end");
        Reply::decode(&frame).expect("a well-formed reply")
    }

    /// The next packet; `None` at the end. The limit is only there so that a failing test ends.
    async fn read_frame(&mut self) -> Option<Frame> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(received) = self.session.next_reply().expect("good lengths") {
                return Some(received.frame);
            }
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("an answer comes in time");
            match read {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.session.receive(&buffer[..count]),
            }
        }
    }

    /// That the filter closes the connection without another word.
    pub(crate) async fn expect_end(&mut self) {
        assert_eq!(self.read_frame().await, None);
    }
}

pub(crate) fn encoded(commands: &[Command]) -> Vec<u8> {
    let mut bytes = Vec::new();
    commands.iter().for_each(|command| command.encode(&mut bytes));
    bytes
}

pub(crate) fn connect() -> Command {
    let address = milter_proto::Address::Inet { port: 1025, text: b"192.0.2.1".to_vec() };
    Command::Connect { hostname: b"client.example.net".to_vec(), address }
}

pub(crate) fn mail(sender: &str) -> Command {
    Command::Mail { sender: sender.into(), args: Vec::new() }
}

pub(crate) fn rcpt(recipient: &str) -> Command {
    Command::Rcpt { recipient: recipient.into(), args: Vec::new() }
}

pub(crate) fn eom() -> Command {
    Command::BodyEob(Vec::new())
}

/// A whole message with everything before and after it.
pub(crate) fn whole_session() -> Vec<Command> {
    vec![
        Command::Macro { for_command: b'C', pairs: vec![(b"j".to_vec(), b"mx.example.com".to_vec())] },
        connect(),
        Command::Helo(b"client.example.net".to_vec()),
        Command::Macro { for_command: b'M', pairs: vec![(b"i".to_vec(), b"queue1".to_vec())] },
        mail("<sender@example.org>"),
        rcpt("<rcpt@example.net>"),
        Command::Data,
        Command::Header { name: b"Subject".to_vec(), value: b"hi".to_vec() },
        Command::Eoh,
        Command::Body(b"hello\r\n".to_vec()),
        eom(),
        Command::Unknown(b"FROBNICATE".to_vec()),
    ]
}

/// How long a failing test waits.
const PATIENCE: Duration = Duration::from_secs(20);
