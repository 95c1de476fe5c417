//! A scripted fake MTA that speaks the milter protocol as sendmail or Postfix does.

pub mod cli;
mod client;
mod clock;
pub mod conform;
mod connector;
pub mod diag;
pub mod filter_script;
mod journal;
mod link;
pub mod lint;
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
mod settings;
mod smtp;
pub mod suite;

pub use client::{Client, ClientName};
pub use clock::Clock;
pub use connector::Sockets;
pub use journal::{Channel, Event, Journal, LinkFailure, LogLine, Question};
pub use link::{Connect, Connecting, LinkError, Stream, Unfinished};
pub use message::Delivered;
pub use openspf::TimeoutForm;
pub use profile::{Mta, Personality, Submission};
pub use settings::{DomainCheck, FailureAction, FilterSettings, LogStyle, RecipientRules, Settings, Timeouts};
pub use smtp::Reply;
