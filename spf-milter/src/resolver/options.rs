//! How the DNS is asked.

use std::time::Duration;

/// How the DNS is asked. [`DnsOptions::default`] is what the daemon does without a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsOptions {
    /// The time for one try at one server.
    pub timeout: Duration,
    /// How often each server is asked at most before a question is given up.
    pub tries: u32,
    /// Whether the letters of questions are written in random case and the answer must repeat them, which makes forged
    /// answers harder (known as 0x20). A server that does not repeat them is asked over TCP.
    pub case_randomization: bool,
    /// What is kept.
    pub cache: CacheLimits,
    /// How many tries in a row without any answer make a server suspect: it is asked whether it is there at all, and
    /// left alone until it is. 0: servers are never left alone.
    pub failures_max: u32,
    /// The time between two such questions to a server that is left alone; it doubles up to a minute.
    pub probe_interval: Duration,
    /// Whether servers that are left alone are asked all the same when there is no other.
    pub ask_dead: bool,
}

/// What the cache keeps, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheLimits {
    /// Answers kept at most. 0: none.
    pub entries: usize,
    /// Their size in bytes, with what is needed to keep them.
    pub bytes: usize,
    /// The shortest time for which records are kept, whatever their TTL.
    pub ttl_min: Duration,
    /// The longest time for which records are kept.
    pub ttl_max: Duration,
    /// The shortest time for which it is kept that there are none; only where the zone names a time at all.
    pub negative_ttl_min: Duration,
    /// The longest time for which it is kept that there are none.
    pub negative_ttl_max: Duration,
}

impl Default for DnsOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            tries: 2,
            case_randomization: false,
            cache: CacheLimits::default(),
            failures_max: 3,
            probe_interval: Duration::from_secs(5),
            ask_dead: false,
        }
    }
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            entries: 10_000,
            bytes: 4_000_000,
            ttl_min: Duration::ZERO,
            ttl_max: Duration::from_secs(86_400),
            negative_ttl_min: Duration::ZERO,
            // RFC 2308 section 5 advises one to three hours.
            negative_ttl_max: Duration::from_secs(3_600),
        }
    }
}
