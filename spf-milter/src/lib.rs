//! An SPF milter for sendmail and Postfix ([RFC 7208](https://www.rfc-editor.org/rfc/rfc7208)), with its
//! command-line tools.
//!
//! The program checks the client of each message against the SPF records of its HELO name and its sender, records the
//! result in a Received-SPF header field, and refuses what the configuration says. Almost all of this library is
//! private to it; what may be of use elsewhere is [`DnsResolver`], the DNS for the crate [`spf`], and [`metrics`], what it
//! counts.
//!
//! | module       | holds                                                                   |
//! | ------------ | ----------------------------------------------------------------------- |
//! | `cli`        | the daemon and the tools, from the command line on                      |
//! | `config`     | the TOML file: read, checked, with places and hints                     |
//! | `daemon`     | start, sockets, privileges, signals, reload                             |
//! | `log`        | the log: lines, where they go, and that nobody waits for them           |
//! | `diagnostic` | drawing what is wrong in a text                                         |
//! | `template`   | macro-strings of the configuration                                      |
//! | `policy`     | result and configuration → what is done                                 |
//! | `exempt`     | who is not judged, or not refused                                       |
//! | `pattern`    | patterns for names and addresses                                        |
//! | `headers`    | facts of a check → header text; making hostile text harmless            |
//! | `judge`      | which identities are checked, and which decides                         |
//! | `session`    | an SMTP session as plain calls: state, replies, header, log             |
//! | `filter`     | the session as a [`milter::Filter`]                                     |
//! | `resolver`   | hickory-resolver, or zone files, as [`spf::Lookup`]                     |
//! | `metrics`    | what is counted, as Prometheus reads it                                 |
//! | `lint`       | what is wrong, dangerous or wasteful in a record                        |
//!
//! A check over the DNS, outside of the milter:
//!
//! ```no_run
//! use std::{net::IpAddr, time::Duration};
//! use spf::{Request, SpfResult, check_host};
//! use spf_milter::{DnsOptions, DnsResolver};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let resolver = DnsResolver::system(&DnsOptions::default())?;
//! let client: IpAddr = "192.0.2.1".parse()?;
//! let request = Request::for_mail_from(client, "mail.example.net", "alice@example.com");
//! let outcome = check_host(&request, &resolver.within(Duration::from_secs(20))).await;
//! if outcome.result == SpfResult::Fail {
//!     println!("{}", outcome.cause);
//! }
//! # Ok(()) }
//! ```

mod cli;
mod config;
mod daemon;
mod diagnostic;
mod exempt;
mod filter;
mod headers;
mod judge;
mod lint;
mod log;
pub mod metrics;
mod pattern;
mod policy;
mod resolver;
mod session;
mod template;

pub use cli::{command, main};
pub use resolver::{CacheLimits, DnsCost, DnsLookup, DnsOptions, DnsResolver, ResolverError};
