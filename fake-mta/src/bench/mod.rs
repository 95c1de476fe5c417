//! Load: `fake-mta bench`.
//!
//! Scenarios are played once, through the fake MTA and a recording proxy; the packets that went to the milter are the load. They
//! are sent again over many connections, with nothing in between but the wait for the answers that are due. What is measured is
//! therefore the milter, and an MTA's packets are what it gets.
//!
//! | file | what |
//! | --- | --- |
//! | `scenarios.rs`, `together.rs` | the scenarios, and the world in which all of them are played |
//! | `measure.rs` | the milters, started, and the load put on them in turns |
//! | `record.rs` | the scenarios' sessions through a proxy, and what went over it |
//! | `load.rs` | when messages are due, in a closed or an open loop |
//! | `line.rs` | a connection that sends it again, and waits for each answer as an MTA does |
//! | `ahead.rs` | a connection that sends many messages ahead |
//! | `socket.rs`, `answers.rs` | bytes, and the answers in them |
//! | `stats.rs` | latencies by stage |
//! | `threshold.rs` | what `--threshold` says |
//! | `report.rs`, `html.rs` | what came of it |

mod ahead;
mod answers;
mod command;
mod html;
mod line;
mod load;
mod measure;
mod record;
mod report;
mod scenarios;
mod socket;
mod stats;
mod threshold;
mod together;

pub use command::{BenchArgs, HELP, run};
