//! `check_host` over tables of answers: what RFC 7208 says and the openspf suite does not ask.

mod explanation;
mod initial;
mod limits;
mod macros;
mod mechanisms;
mod modifiers;
mod records;
#[path = "../support/mod.rs"]
mod support;
mod trace;
mod traps;
mod world;
