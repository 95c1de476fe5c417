//! A connection to the milter, at an MTA's pace: every answer is waited for.

use std::{
    io,
    time::{Duration, Instant},
};

use milter_proto::{Frame, codes};

use super::{answers::Answers, record::Burst, socket::Socket, stats::Stats};
use crate::run::{MilterAddr, duration_text};

/// A connection to the milter.
pub(super) struct Line {
    pub(super) socket: Socket,
    pub(super) answers: Answers,
}

impl Line {
    /// Connects, and says what comes before the first message; all of it may take so long.
    pub(super) async fn open(
        milter: &MilterAddr,
        opening: &[Burst],
        limit: Duration,
        stats: &mut Stats,
    ) -> io::Result<Self> {
        within(limit, async {
            let told = |error: io::Error| io::Error::new(error.kind(), format!("cannot connect to {milter}: {error}"));
            let socket = Socket::connect(milter).await.map_err(told)?;
            Self { socket, answers: Answers::new() }.exchange(opening, stats).await
        })
        .await
    }

    /// Sends messages; all of them together may take so long.
    pub(super) async fn send(self, bursts: &[Burst], limit: Duration, stats: &mut Stats) -> io::Result<Self> {
        within(limit, self.exchange(bursts, stats)).await
    }

    async fn exchange(mut self, bursts: &[Burst], stats: &mut Stats) -> io::Result<Self> {
        for burst in bursts {
            let began = Instant::now();
            self.socket.write_all(&burst.bytes).await?;
            if let Some(code) = burst.awaited {
                let verdict = self.answer().await?;
                stats.answered(code, began.elapsed());
                if burst.answer.is_some_and(|first| first != verdict) {
                    stats.unlike += 1;
                }
                // The message is over: what was recorded behind it was sent because of another verdict.
                if ends_message(verdict, code) {
                    break;
                }
            }
        }
        Ok(self)
    }

    /// The code of the final answer.
    async fn answer(&mut self) -> io::Result<u8> {
        loop {
            if let Some(code) = self.answers.next()? {
                return Ok(code);
            }
            match self.socket.read(self.answers.space()).await? {
                0 => return Err(closed()),
                count => self.answers.filled(count),
            }
        }
    }

    /// Says goodbye.
    pub(super) async fn close(mut self, limit: Duration) {
        let mut goodbye = Vec::new();
        Frame { code: codes::QUIT, payload: Vec::new() }.encode(&mut goodbye);
        // A milter that has closed already, or reads no more, has nothing more to hear.
        let _ = within(limit, self.socket.write_all(&goodbye)).await;
    }
}

pub(super) fn closed() -> io::Error {
    io::Error::other("the milter closed the connection")
}

/// The error of a milter that took longer than it may.
pub(super) fn silent(limit: Duration) -> io::Error {
    io::Error::other(format!("no answer within {}", duration_text(limit)))
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(limit, work).await.map_err(|_| silent(limit))?
}

fn ends_message(verdict: u8, command: u8) -> bool {
    let content = [codes::MAIL, codes::DATA, codes::HEADER, codes::EOH, codes::BODY].contains(&command);
    match verdict {
        codes::ACCEPT | codes::DISCARD => content || command == codes::RCPT,
        codes::REJECT | codes::TEMPFAIL | codes::REPLY_CODE => content,
        _ => false,
    }
}
