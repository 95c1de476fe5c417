//! Connections to milters over their sockets.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use tokio::net::{TcpStream, UnixStream};

use crate::{
    link::{Connect, Connecting, Stream},
    run::MilterAddr,
};

/// Reaches the filters of an MTA's configuration at their addresses, in their order.
#[derive(Clone, Debug)]
pub struct Sockets {
    addresses: Vec<MilterAddr>,
    linger: Option<Duration>,
}

impl Sockets {
    /// The filters' addresses, in the order in which the MTA asks them.
    pub fn new(addresses: Vec<MilterAddr>) -> Self {
        Self { addresses, linger: None }
    }

    /// Stays on the line after the goodbye, for so long at most, to hear what a filter says without being asked.
    #[must_use]
    pub fn lingering(self, limit: Duration) -> Self {
        Self { linger: Some(limit), ..self }
    }
}

impl Connect for Sockets {
    fn linger(&self) -> Option<Duration> {
        self.linger
    }

    fn connect(&self, filter: usize) -> Connecting<'_> {
        Box::pin(async move {
            match self.addresses.get(filter) {
                Some(addr) => connect(addr).await,
                None => Err(io::Error::other("no filter of that number")),
            }
        })
    }
}

/// A connection to a milter: no trait object between a load and the system.
#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    /// Connects to a milter's socket: the one way in which all of the program does.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn connect(addr: &MilterAddr) -> io::Result<Self> {
        Ok(match addr {
            MilterAddr::Unix(path) => Self::Unix(connect_unix(path).await?),
            MilterAddr::Tcp(addr) => Self::Tcp(connect_tcp(*addr).await?),
        })
    }
}

/// Connects to a milter's socket, of whichever kind.
///
/// # Errors
/// What the system says.
pub(crate) async fn connect(addr: &MilterAddr) -> io::Result<Box<dyn Stream>> {
    Ok(match Socket::connect(addr).await? {
        Socket::Unix(stream) => Box::new(stream),
        Socket::Tcp(stream) => Box::new(stream),
    })
}

/// Where a milter has more connections waiting than it asked for, MTAs wait, as their sockets block; ours would fail at once.
async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    for _ in 0..FULL_TRIES {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(FULL_PAUSE).await,
            done => return done,
        }
    }
    UnixStream::connect(path).await
}

async fn connect_tcp(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr).await?;
    // Macros and command go in two writes, as sendmail does: they must not wait for each other.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Five seconds in all.
const FULL_TRIES: u32 = 500;

const FULL_PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise a command waits for the acknowledgement of its macros, 40 ms.
    #[tokio::test]
    async fn what_is_written_to_a_milter_leaves_at_once() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let stream = connect_tcp(listener.local_addr().expect("it is bound")).await.expect("the kernel accepts");
        assert!(stream.nodelay().expect("a socket's option"));
    }
}
