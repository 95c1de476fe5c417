//! The sockets.

mod bind;
mod due;
mod tcp;
mod udp;

pub(crate) use bind::bind_pair;
pub(crate) use tcp::serve_tcp;
pub(crate) use udp::serve_udp;
