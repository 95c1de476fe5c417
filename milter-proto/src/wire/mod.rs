//! Packets: what goes over the wire, byte for byte.

mod address;
pub mod codes;
mod command;
mod command_codec;
mod error;
mod escape;
mod flags;
mod frame;
mod macro_stage;
mod negotiate;
mod payload;
mod reply;
mod reply_codec;
mod reply_text;

pub use address::Address;
pub use command::Command;
pub use error::{DecodeError, FrameError, NegotiateError};
pub use escape::is_unsafe;
pub use flags::{Actions, Protocol};
pub use frame::{Frame, FrameDecoder};
pub use macro_stage::MacroStage;
pub use negotiate::Negotiate;
pub use reply::Reply;
pub use reply_text::{ReplyText, ReplyTextError};

pub(crate) use negotiate::VERSION_MIN;
pub(crate) use reply_text::check_wire_text;
