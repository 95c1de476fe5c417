//! From the bytes of a question to the bytes of its answer, without any socket or clock.
//!
//! [`World::react`] is the whole way: read the question, choose the faults, look the records up, write the log, build the
//! answer ([`wire`]), tamper with its bytes ([`tamper`]).

mod choose;
mod header;
mod tamper;
mod wire;
mod world;

pub(crate) use world::{Reply, StreamFault, World};
