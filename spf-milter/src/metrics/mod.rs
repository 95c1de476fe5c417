//! What the daemon counts, and its form for Prometheus.
//!
//! | module     | holds                                                              |
//! | ---------- | ------------------------------------------------------------------ |
//! | `value`    | [`Counter`], [`Gauge`], [`Histogram`]: plain atomic numbers         |
//! | `text`     | [`MetricsText`]: the text format that Prometheus reads              |
//! | `registry` | [`Registry`]: all that is counted in a process, as one text         |
//! | `dns`      | [`DnsMetrics`]: what the DNS costs                                  |
//! | `mail`     | [`MailMetrics`]: what checks came to, and what was done with mail   |
//!
//! Whoever counts something keeps a struct of numbers, counts in it without a lock, and says in [`Metrics::write`] how
//! they are called. Labels have few values that the network cannot choose: results and addresses of resolvers, never
//! domains or clients.

mod dns;
mod mail;
mod registry;
mod text;
mod value;

pub use dns::{DnsMetrics, ServerMetrics};
pub use mail::MailMetrics;
pub use registry::{Metrics, Registry};
pub use text::{Kind, MetricsText};
pub use value::{Counter, Gauge, Histogram};
