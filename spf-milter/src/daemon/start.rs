//! The order of a start: everything that needs privileges or a single thread comes before the runtime.

use std::io;

use milter::BindError;

use super::pid_file::{PidFile, PidFileError};
use super::privileges::{PrivilegeError, become_user};
use super::serve::{Equipment, serve};
use super::sockets::{Inherited, InheritedError, Sockets};
use super::source::ConfigSource;
use super::{files, sandbox};
use crate::config::{Config, ConfigError};
use crate::log;
use crate::resolver::ResolverError;

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Resolver(#[from] ResolverError),
    #[error("cannot listen on {0}")]
    Listen(#[from] BindError),
    #[error(transparent)]
    Inherited(#[from] InheritedError),
    #[error(transparent)]
    PidFile(#[from] PidFileError),
    #[error(transparent)]
    Privileges(#[from] PrivilegeError),
    #[error("cannot start the runtime: {0}")]
    Runtime(io::Error),
}

impl StartError {
    /// The exit code; documented in the help text.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Resolver(_) => 2,
            Self::Listen(_) | Self::Inherited(_) | Self::PidFile(_) | Self::Runtime(_) => 3,
            Self::Privileges(_) => 4,
        }
    }
}

/// Starts the daemon, and returns when it has ended.
///
/// # Errors
/// It cannot start.
pub(crate) fn run(source: ConfigSource) -> Result<(), StartError> {
    // This takes variables out of the environment: there must be one thread only.
    let inherited = Inherited::take()?;
    let config = source.load()?;
    let open_files = files::raise_limit();
    let sockets = bind(&config, inherited)?;
    let pid_file = config.service.process.pid_file.as_deref().map(PidFile::write).transpose()?;
    let user = become_user(&config.service.process)?;
    let sandbox = sandbox::enter(&config);
    // Threads from here on: they inherit what was given up.
    let log = log::start(config.service.log).map_err(StartError::Runtime)?;
    tracing::info!("spf-milter {} with {}", env!("CARGO_PKG_VERSION"), source.shown());
    user.tell();
    sandbox.tell();
    let runtime = runtime(&mut tokio::runtime::Builder::new_multi_thread())?;
    let ended = runtime.block_on(serve(Equipment { source, config, sockets, open_files, log }));
    drop(pid_file);
    ended
}

/// The sockets are bound by a runtime of their own, which ends before the process gives up anything.
fn bind(config: &Config, inherited: Inherited) -> Result<Sockets, StartError> {
    let runtime = runtime(&mut tokio::runtime::Builder::new_current_thread())?;
    Ok(runtime.block_on(Sockets::bind(config, inherited))?)
}

fn runtime(builder: &mut tokio::runtime::Builder) -> Result<tokio::runtime::Runtime, StartError> {
    builder.enable_all().build().map_err(StartError::Runtime)
}
