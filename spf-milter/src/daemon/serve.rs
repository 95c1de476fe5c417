//! The daemon within its runtime: signals, server, end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use milter::{Listener, Monitor, ServerOptions, run_until};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::files::connections_max;
use super::live::Live;
use super::notify::Notify;
use super::page::serve_page;
use super::sockets::Sockets;
use super::source::ConfigSource;
use super::start::StartError;
use crate::config::Config;
use crate::filter::SpfFilter;
use crate::log::Log;

/// What a start has got together.
pub(super) struct Equipment {
    pub(super) source: ConfigSource,
    pub(super) config: Config,
    pub(super) sockets: Sockets,
    pub(super) open_files: u64,
    pub(super) log: Log,
}

/// Serves MTAs until a signal says that it is enough.
pub(super) async fn serve(equipment: Equipment) -> Result<(), StartError> {
    let Equipment { source, config, sockets, open_files, log } = equipment;
    let signals = Signals::new().map_err(StartError::Runtime)?;
    let monitor = Monitor::default();
    let options = server_options(&config, open_files, monitor.clone());
    let listening = listening(&sockets, &config);
    let live = Arc::new(Live::new(source, config, log, monitor, options.event_timeout)?);
    let notify = Notify::from_env();
    tracing::info!("{listening}");
    notify.ready(&listening);
    let (stops, stopped) = watch::channel(0);
    let until = |count| {
        let mut stopped = stopped.clone();
        async move { stopped.wait_for(|stops| *stops >= count).await.map(drop).unwrap_or_default() }
    };
    let factory = {
        let live = Arc::clone(&live);
        move || SpfFilter::new(&live.service())
    };
    let page = page(sockets.metrics, &live)?;
    let server = run_until(sockets.mtas, factory, options, until(1), until(2));
    tokio::select! {
        _ = server => {}
        () = signals.obey(&live, &notify, &stops, &listening) => {}
        () = notify.watchdog() => {}
        () = page => {}
    }
    tracing::info!("stopped");
    Ok(())
}

/// The page with the metrics, if there is to be one; never ends.
fn page(listener: Option<Listener>, live: &Arc<Live>) -> Result<impl Future<Output = ()> + use<>, StartError> {
    let door = listener.map(Listener::serve).transpose().map_err(StartError::Runtime)?;
    let registry = Arc::new(live.registry());
    Ok(async move {
        match door {
            Some(door) => serve_page(door, registry).await,
            None => std::future::pending().await,
        }
    })
}

/// Where MTAs connect, for the log and the service manager.
fn listening(sockets: &Sockets, config: &Config) -> String {
    let addresses = sockets.mtas.iter().map(|listener| listener.local_addr().unwrap_or_else(|_| config.listen.clone()));
    let addresses: Vec<_> = addresses.map(|address| address.to_string()).collect();
    let whose = if sockets.are_inherited { " (from systemd)" } else { "" };
    format!("listening on {}{whose}", addresses.join(", "))
}

fn server_options(config: &Config, open_files: u64, monitor: Monitor) -> ServerOptions {
    let limits = &config.service.limits;
    let room = connections_max(open_files);
    if room < limits.connections {
        tracing::warn!(
            "limits.connections = {} is more than {open_files} open files allow: {room} are served at a time; raise \
             LimitNOFILE= or `ulimit -Hn`",
            limits.connections
        );
    }
    ServerOptions {
        connections_max: limits.connections.min(room),
        messages_max: limits.messages,
        over_limit: limits.over.clone(),
        idle_timeout: limits.idle,
        write_timeout: limits.write,
        event_timeout: limits.stage.unwrap_or(config.dns.budget + STAGE_MARGIN),
        grace_period: limits.drain,
        monitor,
        ..ServerOptions::default()
    }
}

/// The signals that mean something.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    user1: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
        })
    }

    /// Does what they say; never ends.
    async fn obey(mut self, live: &Arc<Live>, notify: &Notify, stops: &watch::Sender<u32>, listening: &str) {
        loop {
            let name = tokio::select! {
                _ = self.hangup.recv() => {
                    reload(live, notify, listening).await;
                    continue;
                }
                _ = self.user1.recv() => {
                    live.tell_state();
                    continue;
                }
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.quit.recv() => "SIGQUIT",
            };
            if *stops.borrow() == 0 {
                tracing::info!("{name}: finishing what is under way; once more, and it is cut short");
                notify.stopping();
            } else {
                tracing::info!("{name} again: cutting short what is under way");
            }
            stops.send_modify(|stops| *stops += 1);
        }
    }
}

/// Files are read beside the mail, not in its way.
async fn reload(live: &Arc<Live>, notify: &Notify, listening: &str) {
    notify.reloading();
    let live = Arc::clone(live);
    if tokio::task::spawn_blocking(move || live.reload()).await.is_err() {
        tracing::error!("the configuration could not be read again: the one before stays in force");
    }
    notify.ready(listening);
}

/// What a stage gets beyond the time for its questions.
const STAGE_MARGIN: Duration = Duration::from_secs(1);
