//! SPF ([RFC 7208](https://www.rfc-editor.org/rfc/rfc7208)): record parser, macro expansion and `check_host` over
//! a caller's DNS.
//!
//! [`check_host`] decides whether a client address may use a domain in HELO or MAIL FROM. The crate is pure: it
//! has no runtime, no socket, no clock and no resolver. DNS is one trait, [`Lookup`]: a [`Question`] goes out, an
//! [`Answer`] comes back, so a [`Table`] of answers is a resolver too, and a caller's deadline is one answer more
//! ([`Failure::Deadline`]). It writes no headers and no SMTP replies either; an [`Outcome`] holds what they need.
//!
//! ```
//! use std::net::IpAddr;
//! use std::pin::pin;
//! use std::task::{Context, Poll, Waker};
//!
//! use spf::{Request, SpfResult, Table, check_host};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let table = Table::new()
//!     .txt("example.com", "v=spf1 a:mail.example.com -all exp=why.example.com")?
//!     .address("mail.example.com", "192.0.2.1".parse::<IpAddr>()?)?
//!     .txt("why.example.com", "%{c} is no mail host of %{d}.")?;
//!
//! let request = Request::for_mail_from("192.0.2.99".parse()?, "client.example.org", "user@example.com");
//! let outcome = block_on(check_host(&request, &table));
//!
//! assert_eq!(outcome.result, SpfResult::Fail);
//! assert_eq!(outcome.matched().unwrap().text(), "-all");
//! assert_eq!(outcome.explanation.unwrap().text, "192.0.2.99 is no mail host of example.com.");
//! # Ok(())
//! # }
//!
//! /// A table never waits, so the smallest executor will do; with a real resolver this is your runtime's.
//! fn block_on<F: Future>(future: F) -> F::Output {
//!     let mut future = pin!(future);
//!     let mut context = Context::from_waker(Waker::noop());
//!     loop {
//!         if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
//!             return output;
//!         }
//!     }
//! }
//! ```
//!
//! | to | see |
//! | --- | --- |
//! | check an identity | [`Request`], [`check_host`], [`Outcome`] |
//! | ask your own resolver | [`Lookup`], [`Answer`], [`Failure`] |
//! | show how a result came about | [`Trace`], [`Cause`] |
//! | read and print records | [`Record`], [`ParseError`] |
//! | expand macros in configuration text | [`MacroString`], [`MacroContext`] |
//!
//! Results are those of RFC 7208 for a strict verifier: the whole openspf suite passes, type 99 is never asked for,
//! and no guess is made for domains without a record. Section numbers in these pages (§) are those of RFC 7208.
//! Where it leaves a choice:
//!
//! - A void lookup counts for its term once, however many of the term's questions find nothing (§4.6.4 limits terms).
//! - More mail exchangers than the limit are an error before any is asked about, so the order of an answer
//!   does not decide.
//! - A target that is no domain name does not match; for `include` and `redirect` it is `permerror` (§4.8).
//! - `redirect` to a domain that needs a non-ASCII local part is as good as not there (RFC 8616).
//! - An explanation that is empty, over [`EXPLANATION_BYTES_MAX`] or not printable after expansion is none.

mod check;
mod dns;
mod limits;
mod macro_string;
mod name;
mod outcome;
mod record;
mod request;
mod result;
mod table;
mod trace;

pub use check::check_host;
pub use dns::{Answer, AnswerKind, Failure, Lookup, Question, Rdata, RecordType};
pub use limits::{
    DEPTH_MAX, EXPLANATION_BYTES_MAX, LABEL_BYTES_MAX, Limits, MX_NAMES_MAX, NAME_BYTES_MAX, PTR_NAMES_MAX,
    RECORD_BYTES_MAX, TERM_LOOKUPS_MAX, TRACE_TERMS_MAX, VOID_LOOKUPS_MAX,
};
pub use macro_string::{MacroContext, MacroLetter, MacroString};
pub use name::{Labels, Name, NameError};
pub use outcome::{Cause, CauseKind, Explanation, Matched, Outcome};
pub use record::{
    Directive, DualCidr, Mechanism, Modifier, ParseError, ParseErrorKind, Qualifier, Record, Term, TermRef,
    is_spf_record,
};
pub use request::{Request, Sender};
pub use result::{SpfResult, UnknownResult};
pub use table::Table;
pub use trace::{Trace, TraceCheck, TraceQuery, TraceTerm, Verdict};
