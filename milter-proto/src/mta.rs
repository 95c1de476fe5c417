//! The session as the MTA sees it.

mod session;
mod table;

pub use session::{Due, MtaSession, Received, Standing};
