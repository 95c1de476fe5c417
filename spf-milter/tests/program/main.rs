//! The program as a process: what MTAs, administrators and postmasters see of it.

mod daemon;
mod hostile;
mod independence;
mod logging;
mod mail;
mod metrics;
mod process;
mod service;
mod tools;
