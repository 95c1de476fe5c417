//! [`Listener`]: a bound socket.

use std::{
    fs, io,
    net::{self, IpAddr, SocketAddr},
    os::unix::{
        self,
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixSocket, UnixStream, lookup_host},
};

use crate::ListenAddr;

/// A socket that MTAs can connect to. Dropping it removes its file.
///
/// It belongs to no runtime until it is served: it can be bound before a process gives up its privileges, and served by
/// a runtime that was made afterwards.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// Held for its drop.
    _file: Option<SocketFile>,
}

/// What a unix socket's file is like. It is made so before anybody can connect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// Its permissions, as in `0o660`; without them the process's umask says.
    pub mode: Option<u32>,
    /// The number of its owner.
    pub owner: Option<u32>,
    /// The number of its group.
    pub group: Option<u32>,
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
    /// The folder of the socket is not there.
    #[error("{addr}: there is no folder {folder}; make it, owned by the user that the filter runs as", folder = .folder.display())]
    NoFolder {
        /// The address.
        addr: ListenAddr,
        /// The folder.
        folder: PathBuf,
    },
    /// The system said no.
    #[error("{addr}: {}", plain(.source))]
    Io {
        /// The address.
        addr: ListenAddr,
        /// What it said.
        source: io::Error,
    },
}

/// A connection, over TCP or a unix socket.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

#[derive(Debug)]
enum Socket {
    Tcp(net::TcpListener),
    Unix(unix::net::UnixListener),
}

/// A listener that a runtime looks after. Dropping it removes its file.
#[derive(Debug)]
pub struct Serving {
    socket: ServedSocket,
    _file: Option<SocketFile>,
}

#[derive(Debug)]
enum ServedSocket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens at that address; the options are for a unix socket's file.
    ///
    /// A socket file that nobody listens on any more is replaced. Anything else at the path is left alone.
    ///
    /// # Errors
    /// The host has no address, the address is in use, the path is no socket, or the system refuses.
    pub async fn bind(addr: &ListenAddr, options: SocketOptions) -> Result<Self, BindError> {
        match addr {
            ListenAddr::Unix(path) => {
                make_room(path, addr).await?;
                let (listener, file) = bind_unix(path, options).map_err(|source| refused(addr, source))?;
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

    /// Gives it to the runtime that this is called in: [`run`](crate::run) does so, and others may, for protocols of
    /// their own.
    ///
    /// # Errors
    /// The system refuses to watch it.
    pub fn serve(self) -> io::Result<Serving> {
        let socket = match self.socket {
            Socket::Tcp(listener) => ServedSocket::Tcp(TcpListener::from_std(listener)?),
            Socket::Unix(listener) => ServedSocket::Unix(UnixListener::from_std(listener)?),
        };
        Ok(Serving { socket, _file: self._file })
    }
}

impl Serving {
    /// The next connection.
    ///
    /// # Errors
    /// There is none to be had for now: the process has too many files open, most likely.
    pub async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match &self.socket {
            ServedSocket::Tcp(listener) => Ok(Box::new(accept_tcp(listener).await?)),
            ServedSocket::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

impl TryFrom<net::TcpListener> for Listener {
    type Error = io::Error;

    fn try_from(listener: net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { socket: Socket::Tcp(listener), _file: None })
    }
}

impl TryFrom<unix::net::UnixListener> for Listener {
    type Error = io::Error;

    /// The socket's file stays where it is: whoever made it removes it.
    fn try_from(listener: unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { socket: Socket::Unix(listener), _file: None })
    }
}

async fn accept_tcp(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    // Answers are written whole, so there is nothing to gain by waiting for more.
    stream.set_nodelay(true)?;
    Ok(stream)
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
    let listener = listen_tcp(address).map_err(|source| refused(addr, source))?;
    Ok(Listener { socket: Socket::Tcp(listener), _file: None })
}

fn listen_tcp(address: SocketAddr) -> io::Result<net::TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    // A restart must not wait for the connections of the process before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Owner and permissions are set before anybody can connect; the owner first, as a change of it may take permissions away.
fn bind_unix(path: &Path, options: SocketOptions) -> io::Result<(unix::net::UnixListener, SocketFile)> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let file = SocketFile::of(path)?;
    if options.owner.is_some() || options.group.is_some() {
        unix::fs::lchown(path, options.owner, options.group)?;
    }
    if let Some(mode) = options.mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok((socket.listen(BACKLOG)?.into_std()?, file))
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
        io::ErrorKind::NotFound => BindError::NoFolder { addr: addr.clone(), folder: folder(addr) },
        _ => BindError::Io { addr: addr.clone(), source },
    }
}

/// The folder of a socket's file.
fn folder(addr: &ListenAddr) -> PathBuf {
    match addr {
        ListenAddr::Unix(path) => path.parent().unwrap_or(path).to_owned(),
        ListenAddr::Inet { .. } | ListenAddr::Inet6 { .. } => PathBuf::new(),
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
    source.as_ref().map_or_else(String::new, |error| format!(" ({})", plain(error)))
}

/// What the system says, without the number that it has for it.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise an answer waits for the acknowledgement of the one before, 40 ms.
    #[tokio::test]
    async fn what_is_written_to_an_mta_leaves_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, _mta) = tokio::join!(accept_tcp(&listener), TcpStream::connect(address));
        assert!(accepted.unwrap().nodelay().unwrap());
    }
}
