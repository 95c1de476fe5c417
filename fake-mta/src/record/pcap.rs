//! The TCP connections in a pcap or pcapng file, as far as milter traffic needs them.

mod file;
mod tcp;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

pub(super) use file::is_capture;
use tcp::Segment;
pub(super) use tcp::Stream;

/// One connection.
#[derive(Debug)]
pub(super) struct Conversation {
    /// Who opened it, or spoke first if that was not captured.
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) from_client: Stream,
    pub(super) from_server: Stream,
    /// The number of the packet that opens it, if it was captured.
    opening: Option<u32>,
}

/// Reads all connections of a file, in the order in which they begin.
///
/// # Errors
/// What kind of link it was taken from, if that is not known here.
pub(super) fn conversations(bytes: &[u8]) -> Result<Vec<Conversation>, String> {
    let mut found: Vec<Conversation> = Vec::new();
    let mut open: HashMap<(SocketAddr, SocketAddr), usize> = HashMap::new();
    for (number, packet) in file::packets(bytes)?.into_iter().enumerate() {
        let Some(segment) = tcp::segment(&packet) else { continue };
        let ends = ends(&segment);
        // A new SYN between the same ports is a new connection; the same one again is not.
        let is_new = |index: &usize| segment.opens && found[*index].opening != Some(segment.sequence);
        let index = match open.get(&ends).copied().filter(|index| !is_new(index)) {
            Some(index) => index,
            None => {
                found.push(Conversation::begun_by(&segment));
                open.insert(ends, found.len() - 1);
                found.len() - 1
            }
        };
        found[index].take(&segment, number, packet.time);
    }
    for conversation in &mut found {
        conversation.from_client.finish();
        conversation.from_server.finish();
    }
    Ok(found)
}

/// Both ends, the same in either direction.
fn ends(segment: &Segment<'_>) -> (SocketAddr, SocketAddr) {
    (segment.source.min(segment.target), segment.source.max(segment.target))
}

impl Conversation {
    fn begun_by(segment: &Segment<'_>) -> Self {
        // Only the answer to a SYN was captured: who sends it has not opened the connection.
        let (client, server) = match segment.answers_open {
            true => (segment.target, segment.source),
            false => (segment.source, segment.target),
        };
        let opening = segment.opens.then_some(segment.sequence);
        Self { client, server, opening, from_client: Stream::default(), from_server: Stream::default() }
    }

    fn take(&mut self, segment: &Segment<'_>, number: usize, time: u64) {
        let stream = if segment.source == self.client { &mut self.from_client } else { &mut self.from_server };
        stream.push(segment, number, time);
    }

    /// The same connection with its ends exchanged: who spoke first was not who opened it.
    pub(super) fn turned(self) -> Self {
        Self {
            client: self.server,
            server: self.client,
            from_client: self.from_server,
            from_server: self.from_client,
            opening: None,
        }
    }
}

fn socket_addr(ip: &[u8], port: u16) -> Option<SocketAddr> {
    let ip = match ip.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(ip).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(ip).ok()?),
    };
    Some(SocketAddr::new(ip, port))
}
