//! What all sessions share.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Config;
use crate::judge::CheckSettings;
use crate::metrics::MailMetrics;
use crate::resolver::DnsSource;

/// What all sessions share; it does not change while they run.
pub(crate) struct Service {
    /// The configuration.
    pub(crate) config: Config,
    /// Where answers come from.
    pub(crate) dns: DnsSource,
    /// The name of this host where neither the configuration nor the MTA gives one.
    pub(crate) hostname: String,
    /// What becomes of mail, counted.
    pub(crate) metrics: Arc<MailMetrics>,
}

impl Service {
    /// What the configuration says about checks. The daemon has no use for traces.
    pub(super) fn check_settings(&self) -> CheckSettings<'_> {
        CheckSettings {
            limits: self.config.limits,
            default_explanation: self.config.default_explanation.as_ref(),
            records: self.config.records.as_ref(),
            trace: false,
        }
    }
}

/// Seconds since 1970-01-01 UTC.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// The name that the system has for itself.
pub(crate) fn system_hostname() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "localhost".to_owned())
}
