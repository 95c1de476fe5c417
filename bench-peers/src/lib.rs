//! `spf` beside mail-auth: the same questions, the same answers, in one process and on one thread.
//!
//! Both get their DNS from a table in memory ([`Answers`]), so that only the evaluators differ. Each has a form that
//! parses a record whenever it is asked for, and one that keeps records parsed, as a cache would.
//!
//! | module | holds |
//! | --- | --- |
//! | [`cases`] | the evaluations that are timed |
//! | [`ours`], [`peer`] | the two evaluators behind one shape: `new` from answers, `check` a [`Mail`] |
//! | [`hostile`] | the records that buy the most work the limits allow |

mod answers;
pub mod cases;
pub mod hostile;
pub mod ours;
pub mod peer;

use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use answers::{Answers, Data};

/// What an evaluator is asked about.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The client.
    pub ip: IpAddr,
    /// The name it gave in HELO.
    pub helo: String,
    /// The reverse path, without angle brackets.
    pub sender: String,
}

impl Mail {
    /// Makes a mail of a client whose HELO name is `mail.example.org`.
    #[must_use]
    pub fn new(ip: IpAddr, sender: &str) -> Self {
        Self { ip, helo: "mail.example.org".to_owned(), sender: sender.to_owned() }
    }
}

/// Whether records are parsed each time or kept parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// The text comes out of the table, and is parsed whenever it is asked for.
    ParsedEachTime,
    /// Every record was parsed beforehand.
    KeptParsed,
}

/// Runs a future that never waits.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
