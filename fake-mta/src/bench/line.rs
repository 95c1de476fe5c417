//! A connection to the milter, at an MTA's pace: every answer is waited for.

use std::{io, time::Instant};

use milter_proto::{Frame, codes};

use super::{answers::Answers, record::Burst, socket::Socket, stats::Stats};
use crate::run::MilterAddr;

/// A connection to the milter.
pub(super) struct Line {
    pub(super) socket: Socket,
    pub(super) answers: Answers,
}

impl Line {
    pub(super) async fn open(milter: &MilterAddr, opening: &[Burst], stats: &mut Stats) -> io::Result<Self> {
        let line = Self { socket: Socket::connect(milter).await?, answers: Answers::new() };
        line.send(opening, stats).await
    }

    pub(super) async fn send(mut self, bursts: &[Burst], stats: &mut Stats) -> io::Result<Self> {
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

    /// Itself, or nothing after saying goodbye.
    pub(super) async fn keep(mut self, keep: bool) -> Option<Self> {
        if keep {
            return Some(self);
        }
        let mut goodbye = Vec::new();
        Frame { code: codes::QUIT, payload: Vec::new() }.encode(&mut goodbye);
        // A milter that has closed already has nothing more to hear.
        let _ = self.socket.write_all(&goodbye).await;
        None
    }
}

pub(super) fn closed() -> io::Error {
    io::Error::other("the milter closed the connection")
}

fn ends_message(verdict: u8, command: u8) -> bool {
    let content = [codes::MAIL, codes::DATA, codes::HEADER, codes::EOH, codes::BODY].contains(&command);
    match verdict {
        codes::ACCEPT | codes::DISCARD => content || command == codes::RCPT,
        codes::REJECT | codes::TEMPFAIL | codes::REPLY_CODE => content,
        _ => false,
    }
}
