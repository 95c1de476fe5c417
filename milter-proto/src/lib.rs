//! The milter wire protocol and both session state machines, without IO.
//!
//! A milter (mail filter) is a program that sendmail and Postfix ask, over a socket, what to do with a message while
//! it arrives. The two ends are called **mta** and **filter** here; the filter is the one that listens. This crate
//! turns bytes into events and events into bytes. Sockets, time and tasks are the caller's business.
//!
//! | module | what |
//! | --- | --- |
//! | `wire` | packets: [`Frame`], [`Command`], [`Reply`], [`Negotiate`], flags, addresses; all exported at the root |
//! | [`filter`] | the session as the filter sees it: events in, replies out |
//! | [`mta`] | the session as the MTA sees it: events out, replies in |
//! | [`limits`] | everything that a peer could make grow has its limit there |
//!
//! Constants and variants carry their C names as search aliases: look for `SMFIC_MAIL` or `SMFIP_NR_HDR`.

pub mod filter;
mod judge;
pub mod limits;
pub mod mta;
mod protocol_error;
mod wire;

pub use protocol_error::ProtocolError;
pub use wire::{
    Actions, Address, Command, DecodeError, Frame, FrameDecoder, FrameError, MacroStage, Negotiate, NegotiateError,
    Protocol, Reply, ReplyText, ReplyTextError, codes, is_unsafe,
};
