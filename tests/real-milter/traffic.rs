//! Clients that hand in one message after the other, and try again what is put off.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;

use crate::client::Letter;

/// Clients at work.
pub(crate) struct Traffic {
    clients: Vec<JoinHandle<()>>,
    tries: Tries,
    stop: Arc<AtomicBool>,
}

/// One try to hand in a message.
#[derive(Clone, Debug)]
pub(crate) struct Try {
    /// The message: each has a subject of its own.
    pub(crate) subject: String,
    /// What the MTA said at the end.
    pub(crate) reply: String,
}

type Tries = Arc<Mutex<Vec<Try>>>;

impl Try {
    /// Whether the MTA has taken the message.
    pub(crate) fn is_taken(&self) -> bool {
        self.reply.starts_with('2')
    }
}

impl Traffic {
    /// A client at each of these addresses starts, with that sender.
    pub(crate) fn start(addresses: &[&'static str], sender: &'static str) -> Self {
        let (tries, stop) = (Tries::default(), Arc::new(AtomicBool::new(false)));
        let client = |ip: &&'static str| tokio::spawn(client(ip, sender, Arc::clone(&tries), Arc::clone(&stop)));
        Self { clients: addresses.iter().map(client).collect(), tries, stop }
    }

    /// The tries so far.
    pub(crate) fn tries(&self) -> Vec<Try> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many messages were taken so far.
    pub(crate) fn taken(&self) -> usize {
        self.tries().iter().filter(|attempt| attempt.is_taken()).count()
    }

    /// Every client finishes its message, and stops.
    pub(crate) async fn stop(self) -> Vec<Try> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.ok();
        }
        std::mem::take(&mut *self.tries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A message that is put off is tried again, as a real client would do, but sooner.
async fn client(ip: &'static str, sender: &'static str, tries: Tries, stop: Arc<AtomicBool>) {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        count += 1;
        let subject = format!("letter {count} of {ip}");
        let letter = Letter { ip, from: sender, subject: &subject, ..Letter::default() };
        for _ in 0..TRIES_MAX {
            let reply = letter.send().await.unwrap_or_else(|error| format!("broken: {error}"));
            let put_off = reply.starts_with('4');
            tries.lock().unwrap_or_else(PoisonError::into_inner).push(Try { subject: subject.clone(), reply });
            if !put_off {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Nothing is away for so long.
const TRIES_MAX: usize = 1000;

/// Before a message is tried again.
const PAUSE: Duration = Duration::from_millis(20);
