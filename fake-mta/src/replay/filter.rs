//! The filter's side of a replay: plays the recorded answers and writes down what the MTA sends.

use std::{
    collections::HashMap,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use milter_proto::{Frame, FrameDecoder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

use super::capture::Packet;
use crate::link::{Connect, Connecting, Stream};

/// What carries the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Pipes in memory: waits take no time if the runtime's clock is paused.
    Memory,
    /// TCP over the loopback interface.
    Sockets,
}

/// Hands every connection of the MTA to the script that was recorded for it.
pub(super) struct ScriptedFilters {
    medium: Medium,
    state: Mutex<State>,
}

struct State {
    /// By filter, the scripts of the connections to come.
    scripts: HashMap<usize, Vec<Vec<Packet>>>,
    running: Vec<(usize, JoinHandle<Vec<Seen>>)>,
}

/// What one filter saw on one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Frame(Frame),
    Eof,
}

impl ScriptedFilters {
    /// Scripts by filter and connection.
    pub(super) fn new(scripts: Vec<Vec<Vec<Packet>>>, medium: Medium) -> Arc<Self> {
        let scripts = scripts.into_iter().enumerate().map(|(filter, mut connections)| {
            connections.reverse();
            (filter, connections)
        });
        let state = State { scripts: scripts.collect(), running: Vec::new() };
        Arc::new(Self { medium, state: Mutex::new(state) })
    }

    /// What was seen on each connection, by filter, in the order in which they were opened.
    pub(super) async fn finish(&self) -> Vec<(usize, Vec<Seen>)> {
        let running = std::mem::take(&mut self.lock().running);
        let mut seen = Vec::new();
        for (filter, task) in running {
            seen.push((filter, task.await.unwrap_or_default()));
        }
        seen
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, filter: usize, stream: impl Stream + 'static, script: Vec<Packet>) {
        self.lock().running.push((filter, tokio::spawn(play(stream, script))));
    }

    async fn open(&self, filter: usize) -> io::Result<Box<dyn Stream>> {
        let script = self.lock().scripts.get_mut(&filter).and_then(Vec::pop);
        let Some(script) = script else { return Err(io::ErrorKind::ConnectionRefused.into()) };
        if self.medium == Medium::Memory {
            let (mta, other) = duplex(PIPE_BYTES);
            self.start(filter, other, script);
            return Ok(Box::new(mta));
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mta = TcpStream::connect(listener.local_addr()?).await?;
        let (other, _) = listener.accept().await?;
        mta.set_nodelay(true)?;
        other.set_nodelay(true)?;
        self.start(filter, other, script);
        Ok(Box::new(mta))
    }
}

impl Connect for ScriptedFilters {
    fn connect(&self, filter: usize) -> Connecting<'_> {
        Box::pin(self.open(filter))
    }
}

/// Plays one connection: reads a packet where one was recorded, and answers as recorded.
async fn play(stream: impl Stream, script: Vec<Packet>) -> Vec<Seen> {
    let mut peer = Peer { stream, decoder: FrameDecoder::new(usize::MAX >> 1), seen: Vec::new() };
    for packet in script {
        match packet {
            Packet::Sent(..) => {
                if !peer.read().await {
                    return peer.seen;
                }
            }
            Packet::Reply(code, payload) => {
                let mut bytes = Vec::with_capacity(payload.len() + 5);
                Frame { code, payload }.encode(&mut bytes);
                peer.write(&bytes).await;
            }
            Packet::Raw(bytes) => peer.write(&bytes).await,
            Packet::Wait(milliseconds) => sleep(Duration::from_millis(milliseconds)).await,
            Packet::Close => return peer.seen,
            Packet::Eof => break,
        }
    }
    while peer.read().await {}
    peer.seen
}

struct Peer<S> {
    stream: S,
    decoder: FrameDecoder,
    seen: Vec<Seen>,
}

impl<S: Stream> Peer<S> {
    /// Reads one packet; false at the end of the stream.
    async fn read(&mut self) -> bool {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Ok(Some(frame)) = self.decoder.next() {
                self.seen.push(Seen::Frame(frame));
                return true;
            }
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => {
                    self.seen.push(Seen::Eof);
                    return false;
                }
                Ok(count) => self.decoder.push(&buffer[..count]),
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) {
        // The MTA may have hung up already: then it does not want the answer.
        let _ = self.stream.write_all(bytes).await;
    }
}

/// What a pipe holds before its writer must wait; more than any packet of a capture.
const PIPE_BYTES: usize = 8 << 20;
