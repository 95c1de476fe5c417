//! Where this program itself listens for MTAs: a TCP port, or a Unix socket that is gone when it ends.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::net::{TcpListener, UnixListener};

use crate::{link::Stream, run::MilterAddr};

/// A socket that MTAs can connect to.
pub(crate) struct Listener {
    socket: Socket,
    /// Removes the file of a Unix socket.
    _file: Option<SocketFile>,
}

enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Listens there. A Unix socket that nobody listens on any more is replaced; anything else that has the name stays. `mode` are
    /// the permissions of a Unix socket.
    ///
    /// # Errors
    /// What the system says, and who or what is there already.
    pub(crate) async fn bind(addr: &MilterAddr, mode: Option<u32>) -> io::Result<Self> {
        match addr {
            MilterAddr::Unix(path) => {
                let socket = bind_unix(path)?;
                let file = SocketFile::of(path)?;
                if let Some(mode) = mode {
                    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
                }
                Ok(Self { socket: Socket::Unix(socket), _file: Some(file) })
            }
            MilterAddr::Tcp(addr) => Ok(Self { socket: Socket::Tcp(TcpListener::bind(addr).await?), _file: None }),
        }
    }

    /// The next connection. One that is gone already is no reason to stop listening; neither is a moment without file descriptors.
    pub(crate) async fn accept(&self) -> Box<dyn Stream> {
        loop {
            match self.try_accept().await {
                Ok(stream) => return stream,
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn try_accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match &self.socket {
            Socket::Unix(listener) => Box::new(listener.accept().await?.0),
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        })
    }
}

fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            refuse_unless_stale(path)?;
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

/// A socket whose program has ended without removing it refuses connections.
fn refuse_unless_stale(path: &Path) -> io::Result<()> {
    let taken = |what: &str| Err(io::Error::new(io::ErrorKind::AddrInUse, what.to_owned()));
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return taken("a file of that name exists, and is no socket");
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        _ => taken("somebody listens there already"),
    }
}

/// The file of a Unix socket: whoever starts the next one at this address finds it free.
struct SocketFile {
    path: PathBuf,
    /// Device and inode: what has taken the name since is not ours.
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &Path) -> MilterAddr {
        MilterAddr::Unix(path.to_owned())
    }

    async fn refused(path: &Path) -> String {
        Listener::bind(&at(path), None).await.err().expect("the name is taken").to_string()
    }

    #[tokio::test]
    async fn what_has_the_name_already_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("precious");
        fs::write(&file, "text").expect("a file");
        assert_eq!(refused(&file).await, "a file of that name exists, and is no socket");
        assert_eq!(fs::read_to_string(&file).expect("it is there"), "text");
        let socket = dir.path().join("s");
        let first = Listener::bind(&at(&socket), None).await.expect("the name is free");
        assert_eq!(refused(&socket).await, "somebody listens there already");
        assert!(UnixStream::connect(&socket).is_ok(), "the first one still listens");
        drop(first);
        assert!(!socket.exists(), "the socket is left behind");
    }

    #[tokio::test]
    async fn a_socket_that_was_left_behind_is_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let socket = dir.path().join("s");
        drop(std::os::unix::net::UnixListener::bind(&socket).expect("the name is free"));
        let listener = Listener::bind(&at(&socket), Some(0o666)).await.expect("nobody listens there");
        assert_eq!(fs::metadata(&socket).expect("a socket").permissions().mode() & 0o777, 0o666);
        fs::remove_file(&socket).expect("it is there");
        fs::write(&socket, "somebody else's").expect("a file");
        drop(listener);
        assert!(socket.exists(), "what has taken the name since is not ours");
    }
}
