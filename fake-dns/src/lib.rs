//! A fake DNS server for tests: zones from text, faults by rule, and a log of every question.
//!
//! It binds UDP and TCP on one port (a free one by default), answers from master-file text, and misbehaves where a
//! [`FaultRule`] says so: silence, delays, any response code, truncation, wrong ids and questions, raw bytes, broken TCP. The
//! log can be asserted on. It is for loopback and for test data: it trusts its zones, not its peers.
//!
//! ```
//! use fake_dns::FakeDns;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dns = FakeDns::builder()
//!     .zone_text("talk.zone", r#"netcraft.com.au TXT "v=spf1 ip4:203.16.230.0/23 -all""#)?
//!     .fault("april.netcraft.com.au TXT drop first 1".parse()?)
//!     .start()
//!     .await?;
//! println!("ask {}", dns.addr());
//! assert!(dns.log().is_empty());
//! dns.shutdown().await;
//! # Ok(()) }
//! ```

mod answer;
mod builder;
pub mod cli;
mod fault;
mod lines;
mod log;
mod net;
mod rcode;
mod server;

pub use builder::{Builder, StartError, ZoneTextError};
pub use fault::{Action, FaultError, FaultRule, NamePattern, TypePattern, When};
pub use lines::Lines;
pub use log::{LogEntry, LoggedAnswer, Transport};
pub use rcode::{Rcode, UnknownRcode};
pub use server::{FakeDns, Sockets, Stats};
pub use zone::Mode;
