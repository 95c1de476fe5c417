//! UDP and TCP on one port.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, UdpSocket};

/// Binds both sockets to `addr`; port 0 finds a port that is free for both.
pub(crate) async fn bind_pair(addr: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut attempts = if addr.port() == 0 { MAX_ATTEMPTS } else { 1 };
    loop {
        let udp = UdpSocket::bind(addr).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            // The port that was free for UDP is taken for TCP: the system gives another one next time.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 1 => attempts -= 1,
            Err(error) => return Err(error),
        }
    }
}

const MAX_ATTEMPTS: u32 = 64;
