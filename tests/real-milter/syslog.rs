//! What the programs in the namespaces log: `/dev/log` is ours.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::net::UnixDatagram;

/// Everything that was logged.
#[derive(Clone, Default)]
pub(crate) struct Syslog {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Syslog {
    /// Listens at these sockets; the folder of each is made.
    pub(crate) fn start(paths: &[&str]) -> io::Result<Self> {
        let log = Self::default();
        for path in paths {
            if let Some(dir) = Path::new(path).parent() {
                fs::create_dir_all(dir)?;
            }
            let socket = UnixDatagram::bind(path)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
            tokio::spawn(log.clone().keep(socket));
        }
        Ok(log)
    }

    async fn keep(self, socket: UnixDatagram) {
        let mut buffer = vec![0; 65536];
        while let Ok(length) = socket.recv(&mut buffer).await {
            let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    /// The lines so far.
    pub(crate) fn text(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Whether a line holds all of these.
    pub(crate) fn has(&self, parts: &[&str]) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().any(|line| parts.iter().all(|part| line.contains(part)))
    }
}
