//! The openspf conformance suites, read as they are and played over the wire.
//!
//! A file holds several YAML documents, each a small DNS world (`zonedata`) with tests that share it. A test becomes a unit in the
//! profile `direct`: one SMTP session from the test's client with its HELO name and its sender. What counts is the result that
//! the milter records in the delivered message, or the refusal that stands for one. A test with an `explanation` is played a second
//! time, with a milter that refuses `fail` with the explanation as its text.
//!
//! How `zonedata` is read:
//!
//! - The strings of a TXT or SPF list are the character-strings of one record; for an empty list, which no DNS server can hold, an
//!   empty string is sent. All records have the TTL 0.
//! - An `SPF` item is served as type 99, and as TXT too unless the name has a `TXT` item of its own; `TXT: NONE` is such an item
//!   and adds no record.
//! - `TIMEOUT` lets every question about the name fail whose type is not listed before it; `TYPE: TIMEOUT` that type alone.
//!   [`TimeoutForm`] says how it fails.
//! - Names are split at their dots and nothing else: there are no escapes. Characters up to U+00FF are single bytes, as `"\x96"`
//!   means them; text with other characters is UTF-8.
//! - What is not there does not exist.

mod bytes;
mod case;
mod file;
mod header;
mod judge;
mod timeout;
mod unit;
mod verdict;
mod yaml;
mod zonedata;

pub use timeout::TimeoutForm;

pub(crate) use case::Case;
pub(crate) use file::{Setting, is_found_in_folders, is_suite_file, read};
pub(crate) use judge::judge;
