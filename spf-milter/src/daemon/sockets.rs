//! The sockets that the daemon listens on.

use std::os::unix::fs::MetadataExt as _;

use listenfd::ListenFd;
use milter::{BindError, ListenAddr, Listener, SocketOptions};

use crate::config::{Config, ProcessConfig};

/// All listeners of the daemon.
pub(super) struct Sockets {
    /// For MTAs.
    pub(super) mtas: Vec<Listener>,
    /// For whoever reads the metrics.
    pub(super) metrics: Option<Listener>,
    /// Whether systemd made those for MTAs.
    pub(super) are_inherited: bool,
}

/// Listeners that systemd made (`LISTEN_FDS`).
pub(super) struct Inherited(Vec<Listener>);

/// A socket that systemd handed over is of no use.
#[derive(Debug, thiserror::Error)]
#[error("socket {index} from systemd is no stream socket that listens: use ListenStream= in the .socket unit")]
pub(crate) struct InheritedError {
    index: usize,
}

impl Inherited {
    /// Takes them over.
    pub(super) fn take() -> Result<Self, InheritedError> {
        let mut from = ListenFd::from_env();
        let listeners: Result<_, _> = (0..from.len()).map(|index| inherited(&mut from, index)).collect();
        Ok(Self(listeners?))
    }
}

fn inherited(from: &mut ListenFd, index: usize) -> Result<Listener, InheritedError> {
    let unix = from.take_unix_listener(index).ok().flatten().and_then(|socket| Listener::try_from(socket).ok());
    let tcp = || from.take_tcp_listener(index).ok().flatten().and_then(|socket| Listener::try_from(socket).ok());
    unix.or_else(tcp).ok_or(InheritedError { index })
}

impl Sockets {
    /// Binds what the configuration names, unless systemd has done so.
    pub(super) async fn bind(config: &Config, inherited: Inherited) -> Result<Self, BindError> {
        let service = &config.service;
        let options = |address: &ListenAddr| socket_options(service.socket, &service.process, address);
        let are_inherited = !inherited.0.is_empty();
        let mut mtas = inherited.0;
        if !are_inherited {
            mtas.push(Listener::bind(&config.listen, options(&config.listen)).await?);
        }
        let metrics = match &config.service.metrics {
            Some(address) => Some(Listener::bind(address, options(address)).await?),
            None => None,
        };
        Ok(Self { mtas, metrics, are_inherited })
    }
}

/// A socket belongs to the user that the process becomes, unless it is to belong to somebody else. Its group is left
/// alone in a folder that hands on its own.
fn socket_options(socket: SocketOptions, process: &ProcessConfig, address: &ListenAddr) -> SocketOptions {
    if !nix::unistd::geteuid().is_root() {
        return socket;
    }
    if socket.group.is_none() && hands_on_its_group(address) {
        return SocketOptions {
            owner: socket.owner.or_else(|| process.user.as_ref().map(|user| user.uid.as_raw())),
            ..socket
        };
    }
    let user = process.user.as_ref();
    let group = process.group.as_ref().map(|group| group.gid).or_else(|| user.map(|user| user.gid));
    SocketOptions {
        owner: socket.owner.or_else(|| user.map(|user| user.uid.as_raw())),
        group: socket.group.or_else(|| group.map(nix::unistd::Gid::as_raw)),
        ..socket
    }
}

/// Whether the socket's folder has the set-group-id bit.
fn hands_on_its_group(address: &ListenAddr) -> bool {
    let ListenAddr::Unix(path) = address else { return false };
    let folder = path.parent().and_then(|folder| std::fs::metadata(folder).ok());
    folder.is_some_and(|folder| folder.mode() & SET_GROUP_ID != 0)
}

/// Files in a folder with this bit get its group.
const SET_GROUP_ID: u32 = 0o2000;
