//! The end of a connection, and what comes then.

use std::time::Duration;

use milter_proto::Command;
use tokio::{io::AsyncWriteExt as _, time::Instant};

use super::{Exchange, Talk, Trouble, shown};

impl Talk {
    /// Says goodbye as an MTA does, and sees that nothing came that nobody asked for, and that the milter lets go. What a milter makes
    /// of the goodbye itself, and of the end of input, is for the cases that are about it.
    pub(in crate::conform) async fn close(mut self, log: &mut Exchange) -> Result<(), Trouble> {
        let is_agreed = !self.lenient && !self.session.awaits_reply() && self.session.agreed().version > 0;
        let quits = is_agreed && !self.habits.answers_quit();
        if quits {
            match self.event(&Command::Quit, log).await {
                Err(trouble @ Trouble::Wrong(_)) => return Err(trouble),
                Ok(None) => {}
                _ => log.note("the milter has closed already"),
            }
        }
        self.half_close().await;
        let owed = if quits {
            0
        } else if is_agreed && !self.is_amid_message {
            self.habits.answers_to_end()
        } else {
            ANY
        };
        let stays_open = self.habits.stays_open();
        let limit = if stays_open { SHORT } else { self.limit };
        match self.until_end(limit, owed, log).await.1 {
            Err(Trouble::Wrong(text)) if quits => Err(Trouble::AfterQuit(text)),
            Err(Trouble::Silent(_)) if stays_open => {
                log.note("the milter leaves the connection open");
                Ok(())
            }
            other => other,
        }
    }

    /// Reads on until the milter closes. What it says to the end of input, if it was told that, may be anything.
    pub(in crate::conform) async fn wait_for_end(&mut self, log: &mut Exchange) -> Result<(), Trouble> {
        let owed = if self.is_half_closed { ANY } else { 0 };
        self.until_end(self.limit, owed, log).await.1
    }

    /// Closes the sending side: how many packets come of that, and whether the milter closes then.
    pub(in crate::conform) async fn end_input(mut self, log: &mut Exchange) -> (usize, Result<(), Trouble>) {
        self.half_close().await;
        self.until_end(self.limit, ANY, log).await
    }

    pub(super) async fn half_close(&mut self) {
        self.is_half_closed = true;
        // A milter that has closed already is found out when something is read.
        let _ = self.stream.shutdown().await;
    }

    /// How many packets came before the milter closed. More of them than these are a fault.
    async fn until_end(&mut self, limit: Duration, owed: usize, log: &mut Exchange) -> (usize, Result<(), Trouble>) {
        let deadline = Instant::now() + limit;
        let owed = if self.lenient { ANY } else { owed };
        let mut count = 0;
        loop {
            match self.next_packet() {
                Ok(Some(received)) => {
                    log.came(&shown(&received));
                    count += 1;
                    if count > owed {
                        return (count, Err(self.unasked()));
                    }
                }
                Ok(None) => match self.read(deadline).await {
                    Ok(0) => {
                        log.note("the milter closed the connection");
                        return (count, Ok(()));
                    }
                    Ok(_) => {}
                    Err(trouble) => return (count, Err(trouble)),
                },
                Err(trouble) if owed > 0 => {
                    log.note(&trouble.to_string());
                    return (count, Ok(()));
                }
                Err(trouble) => return (count, Err(trouble)),
            }
        }
    }
}

/// So long the end of a connection is waited for that a milter leaves open as a rule.
const SHORT: Duration = Duration::from_millis(20);

/// Of what comes at the end nothing is judged.
const ANY: usize = usize::MAX;
