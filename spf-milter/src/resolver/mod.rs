//! The DNS as [`spf::Lookup`]: hickory-resolver underneath, a time budget on top; or zone files in its place.
//!
//! | module     | holds                                                                  |
//! | ---------- | ---------------------------------------------------------------------- |
//! | `dns`      | [`DnsResolver`]: the parts below put together, and a budget for events  |
//! | `options`  | how the DNS is asked                                                   |
//! | `cache`    | answers kept for as long as their zones allow                          |
//! | `flights`  | identical questions under way are asked once                           |
//! | `servers`  | several servers: order, rounds, probes                                 |
//! | `breaker`  | whether a server is worth asking                                       |
//! | `hickory`  | one server, asked by hickory-resolver                                  |
//! | `response` | what a server says                                                     |
//! | `answers`  | from hickory's responses and errors to SPF's four outcomes             |
//! | `meter`    | what one event cost                                                    |
//! | `system`   | the name servers of `/etc/resolv.conf`                                 |
//! | `zone`     | zone files as a resolver, for the offline tools                        |
//! | `source`   | either of the two                                                      |
//!
//! A question goes from `dns` through `cache` and `flights` to `servers`, which puts it to one `hickory` after the other.
//! Time is tokio's everywhere, so that tests stop the clock.
//!
//! What hickory-resolver 0.26.3 does by itself, and what that means here:
//!
//! - `localhost`, `127.in-addr.arpa`, the reverse name of `::1`, `.invalid` and `.onion` are answered locally and
//!   never reach a server (RFC 6761). So the name of a loopback client is always `localhost`.
//! - A CNAME loop, or a chain of more than eight CNAMEs that the server does not follow itself, comes out as "no
//!   data". Every response had RCODE 0 and none held a record of the type, so RFC 7208 section 4.6.4 calls it a void
//!   lookup and not an error; recursive servers answer SERVFAIL to a loop, and that is `temperror`.
//! - Its pool of several servers has one time-out for all of them together, which a silent first server uses up: so
//!   there is one resolver for each server here, and the change from one to the next is ours.
//! - It has a cache of its own, one for each server and without a bound in bytes: it is switched off.
//! - Silence over UDP is not tried again over TCP; a truncated answer is.
//! - One TXT record without any string makes the whole response unreadable, which is `temperror`.

mod answers;
mod breaker;
mod cache;
mod dns;
mod flights;
mod hickory;
mod meter;
mod options;
mod response;
mod servers;
mod source;
mod system;
mod zone;

pub use dns::{DnsLookup, DnsResolver, ResolverError};
pub use meter::DnsCost;
pub use options::{CacheLimits, DnsOptions};
pub(crate) use source::{DnsSource, SourceLookup};
pub(crate) use zone::ZoneLookup;
