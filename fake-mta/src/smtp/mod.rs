//! SMTP as the server sees it: command lines in, replies out, no sockets.

mod command;
mod input;
mod quoting;
mod reply;
mod sasl;
mod stuff;

pub(crate) use command::{CommandLine, PathArgument, address_list, bare_address, domain_of, is_xtext, split_at_byte};
pub(crate) use input::{Awaits, Bare, Input, InputBuffer, LineRules};
pub(crate) use quoting::{Part, Quoting};
pub use reply::Reply;
pub(crate) use sasl::{SaslExchange, SaslStep};
pub(crate) use stuff::stuffed;
