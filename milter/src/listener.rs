//! [`Listener`]: a bound socket.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, UnixListener, UnixSocket, UnixStream, lookup_host},
};

use crate::ListenAddr;

/// A socket that MTAs can connect to. Dropping it removes its file.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// Held for its drop.
    _file: Option<SocketFile>,
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The name leads to no address of that family.
    #[error("{addr}: the host has no address of this family{}", because(.source))]
    Host {
        /// The address.
        addr: ListenAddr,
        /// What the resolver said.
        source: Option<io::Error>,
    },
    /// Somebody listens there.
    #[error("{addr}: another process listens there; stop it first, or choose another address")]
    InUse {
        /// The address.
        addr: ListenAddr,
    },
    /// What is there is no socket, and is not touched.
    #[error("{addr}: the path is there and is not a socket; remove it, or choose another path")]
    NotASocket {
        /// The address.
        addr: ListenAddr,
    },
    /// The system said no.
    #[error("{addr}: {source}")]
    Io {
        /// The address.
        addr: ListenAddr,
        /// What it said.
        source: io::Error,
    },
}

/// A connection from an MTA.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens at that address; `unix_mode` sets the permissions of a socket's file, as in `0o660`.
    ///
    /// A socket file that nobody listens on any more is replaced. Anything else at the path is left alone.
    ///
    /// # Errors
    /// The host has no address, the address is in use, the path is no socket, or the system refuses.
    pub async fn bind(addr: &ListenAddr, unix_mode: Option<u32>) -> Result<Self, BindError> {
        match addr {
            ListenAddr::Unix(path) => {
                make_room(path, addr).await?;
                let (listener, file) = bind_unix(path, unix_mode).map_err(|source| refused(addr, source))?;
                Ok(Self { socket: Socket::Unix(listener), _file: Some(file) })
            }
            ListenAddr::Inet { host, port } => bind_tcp(addr, host.as_deref().unwrap_or("0.0.0.0"), *port).await,
            ListenAddr::Inet6 { host, port } => bind_tcp(addr, host.as_deref().unwrap_or("::"), *port).await,
        }
    }

    /// The address with the port that was found for port 0.
    ///
    /// # Errors
    /// The system refuses to say.
    pub fn local_addr(&self) -> io::Result<ListenAddr> {
        match &self.socket {
            Socket::Tcp(listener) => Ok(tcp_addr(listener.local_addr()?)),
            Socket::Unix(listener) => {
                let addr = listener.local_addr()?;
                Ok(ListenAddr::Unix(addr.as_pathname().unwrap_or_else(|| Path::new("")).to_owned()))
            }
        }
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are written whole, so there is nothing to gain by waiting for more.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Socket::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self { socket: Socket::Tcp(listener), _file: None }
    }
}

impl From<UnixListener> for Listener {
    /// The socket's file stays where it is: whoever made it removes it.
    fn from(listener: UnixListener) -> Self {
        Self { socket: Socket::Unix(listener), _file: None }
    }
}

async fn bind_tcp(addr: &ListenAddr, host: &str, port: u16) -> Result<Listener, BindError> {
    let wants_v6 = matches!(addr, ListenAddr::Inet6 { .. });
    let found = lookup_host((host, port)).await;
    let (addresses, source) = match found {
        Ok(addresses) => (addresses.collect(), None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let Some(address) = addresses.into_iter().find(|address| address.is_ipv6() == wants_v6) else {
        return Err(BindError::Host { addr: addr.clone(), source });
    };
    listen_tcp(address).map(Listener::from).map_err(|source| refused(addr, source))
}

fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    // A restart must not wait for the connections of the process before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The permissions are set before anybody can connect.
fn bind_unix(path: &Path, mode: Option<u32>) -> io::Result<(UnixListener, SocketFile)> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let file = SocketFile::of(path)?;
    if let Some(mode) = mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok((socket.listen(BACKLOG)?, file))
}

/// Removes a socket that a dead process left; anything else is an error.
async fn make_room(path: &Path, addr: &ListenAddr) -> Result<(), BindError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(BindError::Io { addr: addr.clone(), source }),
    };
    if !found.file_type().is_socket() {
        return Err(BindError::NotASocket { addr: addr.clone() });
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|source| BindError::Io { addr: addr.clone(), source })
        }
        Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
            Err(BindError::Io { addr: addr.clone(), source })
        }
        _ => Err(BindError::InUse { addr: addr.clone() }),
    }
}

fn refused(addr: &ListenAddr, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { addr: addr.clone() },
        _ => BindError::Io { addr: addr.clone(), source },
    }
}

fn tcp_addr(addr: SocketAddr) -> ListenAddr {
    let (host, port) = (Some(addr.ip().to_string()), addr.port());
    match addr.ip() {
        IpAddr::V4(_) => ListenAddr::Inet { host, port },
        IpAddr::V6(_) => ListenAddr::Inet6 { host, port },
    }
}

fn because(source: &Option<io::Error>) -> String {
    source.as_ref().map_or_else(String::new, |error| format!(" ({error})"))
}

/// The file of a socket; removed when dropped, unless it is another one by then.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // Gone in between is as good as removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// How many MTAs may wait to be accepted.
const BACKLOG: u32 = 1024;
