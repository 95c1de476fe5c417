//! The program as a process: what MTAs, administrators and postmasters see of it.

mod daemon;
mod independence;
mod process;
mod tools;
