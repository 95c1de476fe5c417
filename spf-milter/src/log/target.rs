//! [`Target`]: where the log goes.

use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Where the log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The program's standard error.
    Stderr,
    /// The syslog daemon of this machine.
    Syslog,
    /// systemd's journal, each value in a field of its own.
    Journald,
}

impl Target {
    /// The configuration's words.
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("stderr", Self::Stderr), ("syslog", Self::Syslog), ("journald", Self::Journald)];

    pub(super) fn open(self) -> Output {
        let socket = |path: &'static str| Output::Socket(Socket { path: Path::new(path), connected: None });
        match self {
            Self::Stderr => Output::Stderr,
            Self::Syslog => socket(SYSLOG_SOCKET),
            Self::Journald => socket(JOURNAL_SOCKET),
        }
    }
}

/// A target that is written to.
pub(super) enum Output {
    Stderr,
    Socket(Socket),
}

/// A datagram socket of somebody who may be restarted at any time.
pub(super) struct Socket {
    path: &'static Path,
    connected: Option<UnixDatagram>,
}

impl Output {
    /// Writes what belongs to one record. It may block; nobody waits for it but the writer's thread.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stderr => io::stderr().lock().write_all(bytes),
            Self::Socket(socket) => socket.send(bytes),
        }
    }
}

impl Socket {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(socket) = &self.connected
            && socket.send(bytes).is_ok()
        {
            return Ok(());
        }
        // Not connected yet, or to a process that is gone.
        let socket = UnixDatagram::unbound()?;
        socket.connect(self.path)?;
        socket.send(bytes)?;
        self.connected = Some(socket);
        Ok(())
    }
}

const SYSLOG_SOCKET: &str = "/dev/log";

const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_was_restarted_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path: &'static Path = Box::leak(directory.path().join("log").into_boxed_path());
        let mut socket = Socket { path, connected: None };
        assert!(socket.send(b"nobody is there").is_err());
        for word in [&b"first"[..], b"second"] {
            let reader = UnixDatagram::bind(path).unwrap();
            socket.send(word).unwrap();
            let mut buffer = [0; 64];
            let length = reader.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], word);
            std::fs::remove_file(path).unwrap();
        }
    }
}
