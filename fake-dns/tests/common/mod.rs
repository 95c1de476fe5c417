//! Questions as bytes, asked over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(dead_code, reason = "each test program uses its own part of these helpers")]

use std::net::SocketAddr;

use fake_dns::{Builder, FakeDns};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

pub(crate) const A: u16 = 1;
pub(crate) const MX: u16 = 15;
pub(crate) const TXT: u16 = 16;

/// A server with this zone and these faults.
pub(crate) async fn serve(zone: &str, faults: &[&str]) -> FakeDns {
    builder(zone, faults).start().await.unwrap()
}

pub(crate) fn builder(zone: &str, faults: &[&str]) -> Builder {
    let builder = FakeDns::builder().zone_text("test.zone", zone).unwrap();
    builder.faults(faults.iter().map(|rule| rule.parse().unwrap()))
}

/// A question with RD and without EDNS.
pub(crate) fn question(id: u16, name: &str, rtype: u16) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend(section(name, rtype));
    message
}

/// The question section alone.
pub(crate) fn section(name: &str, rtype: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(rtype.to_be_bytes());
    bytes.extend([0, 1]);
    bytes
}

/// The same question with an OPT record of this payload size and version.
pub(crate) fn with_edns(mut message: Vec<u8>, payload: u16, version: u8) -> Vec<u8> {
    message[11] = 1;
    message.extend([0, 0, 41]);
    message.extend(payload.to_be_bytes());
    message.extend([0, version, 0, 0, 0, 0]);
    message
}

/// What stands in the header of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: u16,
    pub(crate) qr: bool,
    pub(crate) aa: bool,
    pub(crate) tc: bool,
    pub(crate) rd: bool,
    pub(crate) ra: bool,
    pub(crate) rcode: u8,
    pub(crate) counts: [u16; 4],
}

pub(crate) fn head(message: &[u8]) -> Head {
    let word = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    Head {
        id: word(0),
        qr: message[2] & 0x80 != 0,
        aa: message[2] & 4 != 0,
        tc: message[2] & 2 != 0,
        rd: message[2] & 1 != 0,
        ra: message[3] & 0x80 != 0,
        rcode: message[3] & 15,
        counts: [word(4), word(6), word(8), word(10)],
    }
}

/// A UDP socket that talks to one server.
pub(crate) async fn udp(to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(to).await.unwrap();
    socket
}

pub(crate) async fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_535];
    let length = socket.recv(&mut buffer).await.unwrap();
    buffer.truncate(length);
    buffer
}

/// One question over a new UDP socket, and the first answer.
pub(crate) async fn ask(to: SocketAddr, message: &[u8]) -> Vec<u8> {
    let socket = udp(to).await;
    socket.send(message).await.unwrap();
    receive(&socket).await
}

pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

pub(crate) async fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u16().await.unwrap();
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.unwrap();
    message
}

/// One question over a new TCP connection, and the answer.
pub(crate) async fn ask_tcp(to: SocketAddr, message: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(&frame(message)).await.unwrap();
    read_frame(&mut stream).await
}

/// Whether `needle` stands somewhere in `haystack`.
pub(crate) fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
