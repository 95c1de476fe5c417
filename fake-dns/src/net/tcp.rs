//! Messages on streams, each with its length in two bytes before it (RFC 1035 §4.2.2).

use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::due::Due;
use crate::Transport;
use crate::answer::{Reply, StreamFault, World};

/// Takes connections until `stop` has no sender any more, and ends when all of them have; the listener comes back.
pub(crate) async fn serve_tcp(
    listener: TcpListener,
    world: Arc<World>,
    idle: Duration,
    mut stop: watch::Receiver<()>,
) -> TcpListener {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok(_) if connections.len() >= MAX_CONNECTIONS => world.count_over_limit(),
                Ok((stream, peer)) => {
                    connections.spawn(Connection::new(stream, peer, Arc::clone(&world), idle).run());
                }
                // Out of file descriptors, most likely: some become free with time.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    connections.shutdown().await;
    listener
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    world: Arc<World>,
    idle: Duration,
    /// What was read and is not yet a whole message.
    unread: Vec<u8>,
    late: Due<Reply>,
}

impl Connection {
    fn new(stream: TcpStream, peer: SocketAddr, world: Arc<World>, idle: Duration) -> Self {
        Self { stream, peer, world, idle, unread: Vec::new(), late: Due::new(MAX_LATE) }
    }

    /// Until the peer closes or is silent for too long, or a fault ends it.
    async fn run(mut self) {
        // A drip must leave byte by byte; and nothing is gained by holding answers back.
        let _ = self.stream.set_nodelay(true);
        while let Ok(ControlFlow::Continue(())) = self.turn().await {}
    }

    /// One thing that happens: bytes come, a delayed answer is due, or time is up.
    async fn turn(&mut self) -> io::Result<ControlFlow<()>> {
        let waits = !self.late.is_empty();
        tokio::select! {
            reply = self.late.next() => self.send(reply).await,
            read = self.stream.read_buf(&mut self.unread) => match read? {
                // The peer asks no more, but it may still wait for a delayed answer.
                0 if waits => self.drain().await,
                0 => Ok(ControlFlow::Break(())),
                _ => self.answer_all().await,
            },
            () = sleep(self.idle), if !waits => Ok(ControlFlow::Break(())),
        }
    }

    async fn drain(&mut self) -> io::Result<ControlFlow<()>> {
        while !self.late.is_empty() {
            let reply = self.late.next().await;
            if self.send(reply).await?.is_break() {
                break;
            }
        }
        Ok(ControlFlow::Break(()))
    }

    /// Answers every whole message that was read (RFC 7766 §6.2.1.1: a peer need not wait for one answer to ask again).
    async fn answer_all(&mut self) -> io::Result<ControlFlow<()>> {
        while let Some(message) = take_message(&mut self.unread) {
            let Some(reply) = self.world.react(message, self.peer, Transport::Tcp) else { continue };
            if !reply.delay.is_zero() {
                if !self.late.push(reply.delay, reply) {
                    self.world.count_over_limit();
                }
            } else if self.send(reply).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn send(&mut self, reply: Reply) -> io::Result<ControlFlow<()>> {
        if reply.stream == StreamFault::Reset {
            self.stream.set_zero_linger()?;
            return Ok(ControlFlow::Break(()));
        }
        for message in reply.messages {
            let frame = frame(&message);
            match reply.stream {
                StreamFault::Half => {
                    self.write(&frame[..2 + message.len() / 2]).await?;
                    self.stream.shutdown().await?;
                    return Ok(ControlFlow::Break(()));
                }
                StreamFault::Drip(pause) => self.drip(&frame, pause).await?,
                StreamFault::None | StreamFault::Reset => self.write(&frame).await?,
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn drip(&mut self, frame: &[u8], pause: Duration) -> io::Result<()> {
        for byte in frame.chunks(1) {
            self.write(byte).await?;
            sleep(pause).await;
        }
        Ok(())
    }

    /// A peer that does not read is given up after the idle time.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(self.idle, self.stream.write_all(bytes)).await?
    }
}

/// Takes the first message off `unread`, if all of it is there.
fn take_message(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_be_bytes(*unread.first_chunk()?));
    if unread.len() < 2 + length {
        return None;
    }
    let message = unread[2..2 + length].to_vec();
    unread.drain(..2 + length);
    Some(message)
}

/// The message with its length before it; what does not fit into the length is cut.
fn frame(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), &message[..usize::from(length)]].concat()
}

const MAX_CONNECTIONS: usize = 512;
/// So many delayed answers wait on one connection at most.
const MAX_LATE: usize = 256;
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_whole_and_in_order() {
        let mut unread = [frame(b"first"), frame(b""), frame(b"second")].concat();
        let rest = unread.split_off(unread.len() - 1);
        assert_eq!(take_message(&mut unread).unwrap(), b"first");
        assert_eq!(take_message(&mut unread).unwrap(), b"");
        assert_eq!(take_message(&mut unread), None);
        unread.extend(rest);
        assert_eq!(take_message(&mut unread).unwrap(), b"second");
        assert_eq!(take_message(&mut unread), None);
    }
}
