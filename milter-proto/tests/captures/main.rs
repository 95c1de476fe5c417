//! Packets that real MTAs and filters sent, against the codec and both sessions.

mod broken;
mod filter_session;
mod mta_session;
mod packets;
mod random;
mod recording;
