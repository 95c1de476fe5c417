//! The filter side of the milter protocol on tokio.
//!
//! A milter is a program that sendmail and Postfix ask, over a socket, what to do with a message while it arrives.
//! This is a complete one:
//!
//! ```no_run
//! use milter::{Action, Context, Filter, Listener, ServerOptions, SocketOptions};
//!
//! struct NoLists;
//!
//! impl Filter for NoLists {
//!     async fn envrcpt(&mut self, _cx: &Context, recipient: &[u8], _args: &[Vec<u8>]) -> Action {
//!         if recipient == b"<lists@example.org>" { Action::Reject } else { Action::Continue }
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let listener = Listener::bind(&"inet:8890@127.0.0.1".parse()?, SocketOptions::default()).await?;
//!     milter::run([listener], || NoLists, ServerOptions::default(), std::future::pending()).await;
//!     Ok(())
//! }
//! ```
//!
//! | item | what |
//! | --- | --- |
//! | [`Filter`] | one method a stage, all of them optional; one value for each SMTP session |
//! | [`Context`], [`Eom`] | what the MTA said beside the event: macros, flags; and at the end of the message the edits |
//! | [`Action`], [`ReplyText`] | the answers |
//! | [`ListenAddr`], [`Listener`] | where to listen |
//! | [`run`], [`serve`] | the server, and a single connection of it |
//! | [`Monitor`] | what the server does, while it does it |
//!
//! Whatever an MTA sends, the process does not end and its memory does not grow without bound; see [`ServerOptions`].

mod accept;
mod action;
mod connection;
mod context;
mod counts;
mod dispatch;
mod eom;
mod filter;
mod guard;
mod listen_addr;
mod listener;
mod server;
mod server_options;
mod shared;
mod turn_away;

pub use action::Action;
pub use connection::serve;
pub use context::Context;
pub use counts::{Monitor, Summary};
pub use eom::Eom;
pub use filter::Filter;
pub use listen_addr::{ListenAddr, ListenAddrError};
pub use listener::{BindError, Listener, Serving, SocketOptions, Stream};
pub use milter_proto::{
    Actions, Address, MacroStage, Negotiate, Protocol, ProtocolError, ReplyText, ReplyTextError,
    filter::{FilterOptions, MacroStore},
};
pub use server::{run, run_until};
pub use server_options::ServerOptions;
pub use shared::ConnectionError;
