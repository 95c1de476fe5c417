//! A scripted fake MTA that speaks the milter protocol as sendmail or Postfix does.
//!
//! The program `fake-mta` is [`cli::main`]. For tests of a milter in Rust there is [`Session`], in a plain `#[tokio::test]` and
//! without a process or a file of its own: the MTA's side of SMTP, of the milter protocol, and the message as it leaves. The crate
//! `fake-dns` is the DNS beside it.
//!
//! | to | use |
//! | --- | --- |
//! | talk to a milter as an MTA would | [`Session`]; [`Mta`] with [`Settings`] for every setting |
//! | play scenario files from a test | [`run::run`] with [`run::Options`] and [`run::Console::recorded`] |
//! | be a filter that answers as a script says | [`filter_script`] |
//! | try a milter's conformance | [`conform`] |

pub mod bench;
pub mod cli;
mod client;
mod clock;
pub mod conform;
mod connector;
pub mod diag;
mod explain;
pub mod filter_script;
pub mod fmt;
pub mod format;
mod init;
mod journal;
mod link;
pub mod lint;
mod listener;
mod manual;
mod message;
mod openspf;
mod profile;
mod queue_id;
pub mod record;
pub mod replay;
pub mod report;
pub mod run;
pub mod scenario;
pub mod send;
pub mod serve;
mod session;
mod settings;
mod smtp;
pub mod suite;
mod under_test;

pub use client::{Client, ClientName};
pub use clock::Clock;
pub use connector::Sockets;
pub use journal::{Channel, Event, Journal, LinkFailure, LogLine, Question};
pub use link::{Connect, Connecting, LinkError, Stream, Unfinished};
pub use message::Delivered;
pub use openspf::TimeoutForm;
pub use profile::{Mta, Personality, Submission};
pub use session::Session;
pub use settings::{DomainCheck, FailureAction, FilterSettings, LogStyle, RecipientRules, Settings, Timeouts};
pub use smtp::Reply;
