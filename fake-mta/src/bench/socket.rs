//! Bytes over the socket of a milter, of either kind.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest, Ready};

pub(super) use crate::connector::Socket;

impl Socket {
    pub(super) async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(bytes).await,
            Self::Tcp(stream) => stream.read(bytes).await,
        }
    }

    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.write_all(bytes).await,
            Self::Tcp(stream) => stream.write_all(bytes).await,
        }
    }

    /// Waits until it can be read or, if `to_write`, written.
    pub(super) async fn ready(&self, to_write: bool) -> io::Result<Ready> {
        let interest = if to_write { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        match self {
            Self::Unix(stream) => stream.ready(interest).await,
            Self::Tcp(stream) => stream.ready(interest).await,
        }
    }

    /// Reads what is there; `None` if nothing is.
    pub(super) fn try_read(&self, bytes: &mut [u8]) -> io::Result<Option<usize>> {
        unless_blocked(match self {
            Self::Unix(stream) => stream.try_read(bytes),
            Self::Tcp(stream) => stream.try_read(bytes),
        })
    }

    /// Writes what there is room for; `None` if there is none.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        unless_blocked(match self {
            Self::Unix(stream) => stream.try_write(bytes),
            Self::Tcp(stream) => stream.try_write(bytes),
        })
    }
}

fn unless_blocked(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        other => other.map(Some),
    }
}
