//! [`ConfigSource`]: where the configuration comes from, at the start and at each reload.

use std::net::SocketAddr;
use std::path::PathBuf;

use milter::ListenAddr;

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
        Ok(config)
    }

    /// The file as it is shown.
    pub(crate) fn shown(&self) -> String {
        self.path.as_ref().map_or_else(|| "(none: all defaults)".to_owned(), |path| path.display().to_string())
    }
}
