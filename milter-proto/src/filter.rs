//! The session as the filter sees it.
//!
//! [`FilterSession`] takes bytes and gives [`Event`]s; it takes [`Reply`](crate::Reply)s and gives bytes. It
//! negotiates by itself, keeps the macros, and puts up with everything that libmilter puts up with.
//!
//! ```
//! use milter_proto::{Command, Negotiate, Reply, filter::{Event, FilterOptions, FilterSession}};
//!
//! let mut session = FilterSession::new(FilterOptions::default());
//! let mut bytes = Vec::new();
//! Command::Negotiate(Negotiate::offer(6)).encode(&mut bytes);
//! Command::Helo(b"mail.example.org".to_vec()).encode(&mut bytes);
//! session.receive(&bytes);
//! assert_eq!(session.next_event()?, Some(Event::Helo(b"mail.example.org".to_vec())));
//! session.reply(&Reply::Continue)?;
//! assert!(session.take_output().ends_with(b"\0\0\0\x01c"));
//! # Ok::<(), milter_proto::ProtocolError>(())
//! ```

mod check;
mod event;
mod macros;
mod options;
mod session;
mod table;

pub use event::Event;
pub use macros::MacroStore;
pub use options::FilterOptions;
pub use session::FilterSession;
