//! What changes while the daemon runs, and what it shows of itself.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use milter::Monitor;

use super::source::ConfigSource;
use crate::config::{Config, ConfigError, DnsConfig};
use crate::log::Log;
use crate::metrics::{DnsMetrics, Kind, Metrics, MetricsText, Registry};
use crate::resolver::{DnsResolver, DnsSource, ResolverError};
use crate::session::{Service, system_hostname};

/// The state of the daemon.
pub(super) struct Live {
    source: ConfigSource,
    current: RwLock<Current>,
    monitor: Monitor,
    log: Log,
    started: Instant,
    /// How long a command may take; fixed at the start.
    stage: Duration,
}

/// What a reload replaces.
struct Current {
    service: Arc<Service>,
    loaded: SystemTime,
    failed_reloads: u64,
}

/// Why a configuration cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Resolver(#[from] ResolverError),
}

impl Live {
    /// The state at the start. It must be made within the runtime.
    pub(super) fn new(
        source: ConfigSource,
        config: Config,
        log: Log,
        monitor: Monitor,
        stage: Duration,
    ) -> Result<Self, ResolverError> {
        let dns = DnsSource::Dns(resolver(&config.dns, Arc::default())?);
        warn(&config);
        let service = Arc::new(Service { config, dns, hostname: system_hostname(), metrics: Arc::default() });
        let current = Current { service, loaded: SystemTime::now(), failed_reloads: 0 };
        Ok(Self { source, current: RwLock::new(current), monitor, log, started: Instant::now(), stage })
    }

    /// What new sessions work with; those under way keep what they began with.
    pub(super) fn service(&self) -> Arc<Service> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).service)
    }

    /// Reads the configuration again. A broken one changes nothing.
    pub(super) fn reload(&self) {
        match self.load() {
            Ok(service) => {
                self.log.set_level(service.config.service.log.level);
                warn(&service.config);
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                current.service = Arc::new(service);
                current.loaded = SystemTime::now();
                tracing::info!("the configuration is in force: {}", self.source.shown());
            }
            Err(error) => {
                self.current.write().unwrap_or_else(PoisonError::into_inner).failed_reloads += 1;
                tracing::error!("the configuration was not taken, the one before stays in force:");
                error.to_string().lines().for_each(|line| tracing::error!("{line}"));
            }
        }
    }

    fn load(&self) -> Result<Service, ReloadError> {
        let before = self.service();
        let mut config = self.source.load()?;
        keep_fixed(&mut config, &before.config);
        if config.dns.budget >= self.stage {
            tracing::warn!("dns.budget_ms is more than a command may take since the start: that takes a restart");
            config.dns.budget = before.config.dns.budget;
        }
        let is_same = |new: &DnsConfig, old: &DnsConfig| new.resolvers == old.resolvers && new.options == old.options;
        let dns = match &before.dns {
            // The same servers: what they have answered need not be asked again.
            same if is_same(&config.dns, &before.config.dns) => same.clone(),
            DnsSource::Dns(old) => DnsSource::Dns(resolver(&config.dns, old.metrics())?),
            DnsSource::Zone(_) => DnsSource::Dns(resolver(&config.dns, Arc::default())?),
        };
        Ok(Service { config, dns, hostname: system_hostname(), metrics: Arc::clone(&before.metrics) })
    }

    /// What the daemon counts; it shows the numbers as they are when it is asked.
    pub(super) fn registry(self: &Arc<Self>) -> Registry {
        let mut registry = Registry::default();
        registry.add(Arc::clone(&self.service().metrics) as Arc<dyn Metrics>);
        registry.add(Arc::clone(self) as Arc<dyn Metrics>);
        registry
    }

    /// Writes a line with the state into the log.
    pub(super) fn tell_state(&self) {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let summary = self.monitor.summary();
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            up_s = self.started.elapsed().as_secs(),
            config = self.source.shown(),
            config_age_s = current.loaded.elapsed().map_or(0, |age| age.as_secs()),
            failed_reloads = current.failed_reloads,
            connections_open = summary.connections_open,
            messages_open = summary.messages_open,
            connections = summary.connections,
            messages = summary.messages,
            connections_refused = summary.connections_refused,
            messages_refused = summary.messages_refused,
            timeouts = summary.timeouts,
            panics = summary.panics,
            failures = summary.failures,
            log_lines_lost = self.log.lost(),
            "state",
        );
    }
}

impl Metrics for Live {
    fn write(&self, text: &mut MetricsText) {
        let summary = self.monitor.summary();
        let mut number = |name, kind, help, value| {
            text.family(name, kind, help);
            text.sample(&[], value);
        };
        let (counter, gauge) = (Kind::Counter, Kind::Gauge);
        number("spf_milter_connections_open", gauge, "Connections of MTAs that are open.", summary.connections_open);
        number("spf_milter_messages_open", gauge, "Messages that have begun and not ended.", summary.messages_open);
        number("spf_milter_connections_total", counter, "Connections of MTAs.", summary.connections);
        number(
            "spf_milter_connections_refused_total",
            counter,
            "Connections turned away because there were too many.",
            summary.connections_refused,
        );
        number(
            "spf_milter_messages_refused_total",
            counter,
            "Messages turned away because there were too many.",
            summary.messages_refused,
        );
        self.write_faults(text);
        if let DnsSource::Dns(resolver) = &self.service().dns {
            resolver.metrics().write(text);
        }
    }
}

impl Live {
    /// What went wrong, and the configuration.
    fn write_faults(&self, text: &mut MetricsText) {
        let summary = self.monitor.summary();
        text.family("spf_milter_errors_total", Kind::Counter, "What went wrong, by kind.");
        let kinds = [
            ("panic", summary.panics),
            ("stage_timeout", summary.timeouts),
            ("connection", summary.failures),
            ("cut", summary.cut),
            ("log_line_lost", self.log.lost()),
        ];
        for (kind, count) in kinds {
            text.sample(&[("kind", kind)], count);
        }
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let loaded = current.loaded.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
        text.family("spf_milter_config_loaded_timestamp_seconds", Kind::Gauge, "When the configuration was read.");
        text.sample(&[], loaded);
        text.family(
            "spf_milter_config_reload_failures_total",
            Kind::Counter,
            "Reloads that changed nothing, as the file was wrong.",
        );
        text.sample(&[], current.failed_reloads);
        text.family("spf_milter_build_info", Kind::Gauge, "1; the version is in the label.");
        text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    }
}

/// What a process cannot change while it runs stays as it is; that it was changed in the file is said.
fn keep_fixed(config: &mut Config, before: &Config) {
    let (new, old) = (&config.service, &before.service);
    let changes = [
        ("listen", config.listen != before.listen),
        ("metrics", new.metrics != old.metrics),
        ("[socket]", new.socket != old.socket),
        ("[process]", new.process != old.process),
        ("[limits]", new.limits != old.limits),
        ("log.target", new.log.target != old.log.target),
        ("log.format", new.log.format != old.log.format),
    ];
    for (key, _) in changes.iter().filter(|(_, is_changed)| *is_changed) {
        tracing::warn!("{key} has changed: that takes a restart");
    }
    let level = new.log.level;
    config.listen.clone_from(&before.listen);
    config.service.clone_from(&before.service);
    config.service.log.level = level;
}

/// Makes the resolver; the numbers of the one before go on.
fn resolver(dns: &DnsConfig, metrics: Arc<DnsMetrics>) -> Result<DnsResolver, ResolverError> {
    DnsResolver::counting(&dns.resolvers, &dns.options, metrics)
}

/// Says what works and may not be meant so.
fn warn(config: &Config) {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
}
