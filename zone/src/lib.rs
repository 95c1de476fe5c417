//! DNS master-file text with the place of every record, and answers from it.
//!
//! A pure crate: text in, records out; no socket, no clock, no runtime. It reads the format of RFC 1035 §5 with `$TTL`
//! (RFC 2308 §4), unknown types in generic form (RFC 3597 §5) and wildcard owners (RFC 4592), and is lenient where a test
//! author leaves things out: TTL, class, SOA and origin are optional, and a zone that is wrong on purpose (a CNAME beside
//! other data, two SOA records) is read as it stands; [`lint`](lint()) says what is odd.
//!
//! ```
//! use zone::{Mode, ParseOptions, RecordType, Store};
//!
//! let text = r#"
//! example.com.        TXT  ( "v=spf1 mx "    ; two strings
//!                            "-all" )
//!                     MX   10 mail.example.com.
//! mail.example.com.   A    192.0.2.25
//! "#;
//! let records = zone::parse(text, &ParseOptions::default())?;
//! assert_eq!(records[0].to_string(), r#"example.com. 0 IN TXT "v=spf1 mx " "-all""#);
//!
//! let store: Store = records.into_iter().collect();
//! let answer = store.lookup(&"mail.example.com".parse()?, RecordType::A, Mode::Recursive);
//! assert_eq!(answer.records[0].rdata.to_string(), "192.0.2.25");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod lex;
mod lint;
mod name;
mod near;
mod parse;
mod rdata;
mod rdata_text;
mod rdata_wire;
mod record;
mod rtype;
mod store;

pub use error::{ZoneError, ZoneErrors, line_column};
pub use lint::{MAX_WARNINGS, Warning, WarningKind, Warnings, lint};
pub use name::{Labels, MAX_LABEL_BYTES, MAX_NAME_BYTES, Name, NameError};
pub use near::NearMiss;
pub use parse::{MAX_ERRORS, MAX_RECORDS, MAX_TEXT_BYTES, ParseOptions, parse};
pub use rdata::{Rdata, Soa};
pub use rdata_wire::{MAX_RDATA_BYTES, MAX_STRING_BYTES, RdataError};
pub use record::{Record, Span, print};
pub use rtype::{Class, RecordType, UnknownMnemonic};
pub use store::{Answer, Mode, Outcome, Store};
