//! The daemon: configuration, resolver, socket, signals.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;

use milter::{BindError, Listener, ServerOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::args::RunArgs;
use crate::config::{Config, ConfigError, DnsConfig};
use crate::filter::SpfFilter;
use crate::resolver::{DnsResolver, DnsSource, ResolverError};
use crate::session::{Service, system_hostname};

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Resolver(#[from] ResolverError),
    #[error("cannot listen on {0}")]
    Listen(#[from] BindError),
    #[error("cannot start the runtime: {0}")]
    Runtime(io::Error),
}

/// Serves MTAs until a signal comes.
pub(super) fn run(args: RunArgs) -> ExitCode {
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("spf-milter: {error}");
            ExitCode::from(exit_code(&error))
        }
    }
}

/// Documented in the help text.
fn exit_code(error: &StartError) -> u8 {
    match error {
        StartError::Config(_) | StartError::Resolver(_) => 2,
        StartError::Listen(_) | StartError::Runtime(_) => 3,
    }
}

fn start(args: RunArgs) -> Result<(), StartError> {
    let config = configure(args)?;
    start_log();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Runtime)?;
    runtime.block_on(serve(config))
}

/// Reads the file, if one is named; the command line goes before it.
fn configure(args: RunArgs) -> Result<Config, ConfigError> {
    let mut config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    if !args.resolver.is_empty() {
        config.dns.resolvers = args.resolver;
    }
    Ok(config)
}

async fn serve(config: Config) -> Result<(), StartError> {
    let resolver = resolver(&config.dns)?;
    let stop = Stop::new().map_err(StartError::Runtime)?;
    let listener = Listener::bind(&config.listen, None).await?;
    let address = listener.local_addr().unwrap_or_else(|_| config.listen.clone());
    tracing::info!("listening on {address}");
    let service = Arc::new(Service { config, dns: DnsSource::Dns(resolver), hostname: system_hostname() });
    let filter = move || SpfFilter::new(&service);
    milter::run(vec![listener], filter, ServerOptions::default(), stop.signalled()).await;
    tracing::info!("stopped");
    Ok(())
}

fn resolver(dns: &DnsConfig) -> Result<DnsResolver, ResolverError> {
    match dns.resolvers.as_slice() {
        [] => DnsResolver::system(dns.timeout),
        servers => DnsResolver::new(servers, dns.timeout),
    }
}

/// The signals that end the daemon.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Ends when one of them comes.
    async fn signalled(mut self) {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        };
        tracing::info!("{name}: finishing what is under way");
    }
}

/// Log lines go to stderr; `RUST_LOG` says which, `info` and above unless set.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(colours);
    // A log that cannot be written is no reason to let mail wait: the report about it would go the same way, and panic.
    let log = log.log_internal_errors(false);
    // A second call finds the log set up already, which is as good.
    let _ = log.with_writer(io::stderr).try_init();
}
