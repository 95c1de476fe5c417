//! What becomes of mail.

use std::time::Duration;

use spf::SpfResult;

use super::registry::Metrics;
use super::text::{Kind, MetricsText};
use super::value::{Counter, Histogram};

/// What checks came to, and what was done with messages.
#[derive(Debug, Default)]
pub struct MailMetrics {
    /// Results by identity, in the order of [`IDENTITIES`] and of [`SpfResult::ALL`].
    results: [[Counter; SpfResult::ALL.len()]; IDENTITIES.len()],
    /// Messages, in the order of [`ACTIONS`].
    actions: [Counter; ACTIONS.len()],
    check_times: Histogram,
}

impl MailMetrics {
    /// Notes the result of a check; `identity` is what was checked, `"mailfrom"` or `"helo"`.
    pub(crate) fn checked(&self, identity: &str, result: SpfResult) {
        let identity = IDENTITIES.iter().position(|known| *known == identity);
        let result = SpfResult::ALL.iter().position(|known| *known == result);
        if let (Some(identity), Some(result)) = (identity, result) {
            self.results[identity][result].inc();
        }
    }

    /// Notes what was done with a message, in a word of [`ACTIONS`], and how long its checks took.
    pub(crate) fn ended(&self, action: &str, time: Duration) {
        if let Some(index) = ACTIONS.iter().position(|known| *known == action) {
            self.actions[index].inc();
        }
        self.check_times.observe(time);
    }
}

impl Metrics for MailMetrics {
    fn write(&self, text: &mut MetricsText) {
        text.family(
            "spf_milter_results_total",
            Kind::Counter,
            "Results of SPF checks of messages, by what was checked.",
        );
        for (identity, results) in IDENTITIES.iter().zip(&self.results) {
            for (result, count) in SpfResult::ALL.iter().zip(results) {
                text.sample(&[("identity", identity), ("result", result.as_str())], count.get());
            }
        }
        text.family("spf_milter_messages_total", Kind::Counter, "Messages, by what was done with them.");
        for (action, count) in ACTIONS.iter().zip(&self.actions) {
            text.sample(&[("action", action)], count.get());
        }
        text.family("spf_milter_message_check_seconds", Kind::Histogram, "How long the checks of a message took.");
        text.times(&[], &self.check_times);
    }
}

/// What is checked.
const IDENTITIES: [&str; 2] = ["mailfrom", "helo"];

/// What is done with a message.
const ACTIONS: [&str; 11] = [
    "accepted",
    "rejected",
    "tempfailed",
    "quarantined",
    "discarded",
    "tagged",
    "exempt",
    "left_to_dmarc",
    "dry_run",
    "unchecked",
    "unfinished",
];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::Registry;

    #[test]
    fn all_numbers_of_mail_as_prometheus_reads_them() {
        let metrics = Arc::new(MailMetrics::default());
        metrics.checked("helo", SpfResult::Pass);
        metrics.checked("mailfrom", SpfResult::Fail);
        metrics.ended("rejected", Duration::from_millis(20));
        let mut registry = Registry::default();
        registry.add(metrics);
        insta::assert_snapshot!(registry.render());
    }
}
