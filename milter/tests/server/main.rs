//! Filters behind real sockets, and an MTA that talks to them.

mod delivery;
mod failures;
mod limits;
mod listening;
mod peer;
mod scripted;
mod stopping;
mod waiting;
