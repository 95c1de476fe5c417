//! Datagrams.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::yield_now;

use super::due::Due;
use crate::Transport;
use crate::answer::World;

/// Answers datagrams until `stop` has no sender any more, and gives the socket back.
pub(crate) async fn serve_udp(socket: UdpSocket, world: Arc<World>, mut stop: watch::Receiver<()>) -> UdpSocket {
    let mut late = Due::new(MAX_LATE);
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    loop {
        tokio::select! {
            _ = stop.changed() => return socket,
            (messages, to) = late.next() => send(&socket, messages, to).await,
            received = socket.recv_from(&mut buffer) => match received {
                Ok((length, from)) => handle(&socket, &world, &mut late, buffer[..length].to_vec(), from).await,
                // Such as an ICMP error for an earlier answer: it concerns that one alone.
                Err(_) => yield_now().await,
            },
        }
    }
}

type Late = (Vec<Vec<u8>>, SocketAddr);

async fn handle(socket: &UdpSocket, world: &World, late: &mut Due<Late>, message: Vec<u8>, from: SocketAddr) {
    let Some(reply) = world.react(message, from, Transport::Udp) else { return };
    if reply.delay.is_zero() {
        send(socket, reply.messages, from).await;
    } else if !late.push(reply.delay, (reply.messages, from)) {
        world.count_over_limit();
    }
}

async fn send(socket: &UdpSocket, messages: Vec<Vec<u8>>, to: SocketAddr) {
    for message in messages {
        // A datagram that cannot be sent is a lost datagram.
        let _ = socket.send_to(&message, to).await;
    }
}

/// So many delayed answers wait at most; what is over is lost, as datagrams may be.
const MAX_LATE: usize = 4096;
const MAX_DATAGRAM_BYTES: usize = 65_535;
