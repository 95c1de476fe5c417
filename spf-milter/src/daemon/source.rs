//! [`ConfigSource`]: where the configuration comes from, at the start and at each reload.

use std::net::SocketAddr;
use std::path::PathBuf;

use milter::ListenAddr;
use nix::unistd::{Group, User};

use crate::config::{Config, ConfigError};

/// The configuration file, and the options of the command line, which go before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfigSource {
    /// The file; without one everything is as by default.
    pub(crate) path: Option<PathBuf>,
    /// In place of `listen`.
    pub(crate) listen: Option<ListenAddr>,
    /// In place of `resolver`.
    pub(crate) resolvers: Vec<SocketAddr>,
    /// In place of `process.user`.
    pub(crate) user: Option<User>,
    /// In place of `process.group`.
    pub(crate) group: Option<Group>,
    /// In place of `process.pid_file`.
    pub(crate) pid_file: Option<PathBuf>,
}

impl ConfigSource {
    /// Reads the configuration as it is now.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong.
    pub(crate) fn load(&self) -> Result<Config, ConfigError> {
        let mut config = self.path.as_deref().map(Config::read).transpose()?.unwrap_or_default();
        if let Some(listen) = &self.listen {
            config.listen = listen.clone();
        }
        if !self.resolvers.is_empty() {
            config.dns.resolvers.clone_from(&self.resolvers);
        }
        let process = &mut config.service.process;
        process.user = self.user.clone().or_else(|| process.user.take());
        process.group = self.group.clone().or_else(|| process.group.take());
        process.pid_file = self.pid_file.clone().or_else(|| process.pid_file.take());
        Ok(config)
    }

    /// The file as it is shown.
    pub(crate) fn shown(&self) -> String {
        self.path.as_ref().map_or_else(|| "(none: all defaults)".to_owned(), |path| path.display().to_string())
    }
}
