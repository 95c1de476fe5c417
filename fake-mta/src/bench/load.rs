//! Connections that send a recording again and again.

use std::{
    io,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use milter_proto::{Frame, FrameDecoder, codes};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::LocalSet,
};

use super::{
    record::{Burst, REPLY_MAX, Recording, connect},
    stats::Stats,
};
use crate::{link::Stream, run::MilterAddr};

/// How the load is put on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// How many connections are open at once.
    pub(super) connections: usize,
    /// So many messages go over a connection before the next one is opened.
    pub(super) reuse: u64,
    /// Messages a second; `None` is a closed loop: each connection sends as soon as it can.
    pub(super) rate: Option<f64>,
    /// When it ends.
    pub(super) end: End,
    /// How long an answer is waited for.
    pub(super) timeout: Duration,
}

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// After so long.
    After(Duration),
    /// After so many messages.
    Messages(u64),
}

/// Puts the load on. Everything goes on in one thread: what it takes itself is what one processor can give.
pub(super) async fn load(milter: &MilterAddr, recording: &Arc<Recording>, shape: Shape) -> Stats {
    let schedule = Rc::new(Schedule { began: Instant::now(), shape, next: std::cell::Cell::new(0) });
    let local = LocalSet::new();
    let workers: Vec<_> = (0..shape.connections)
        .map(|_| local.spawn_local(work(milter.clone(), Arc::clone(recording), Rc::clone(&schedule))))
        .collect();
    let mut total = Stats::default();
    local
        .run_until(async {
            for worker in workers {
                // A worker returns what it has measured, whatever happens to it.
                total.merge(&worker.await.unwrap_or_default());
            }
        })
        .await;
    total.elapsed = schedule.began.elapsed();
    total
}

/// Which message is due when.
struct Schedule {
    began: Instant,
    shape: Shape,
    next: std::cell::Cell<u64>,
}

impl Schedule {
    /// When the next message is due; `None` if there is none.
    fn next(&self) -> Option<Instant> {
        let number = self.next.get();
        let due = match self.shape.rate {
            #[expect(clippy::cast_precision_loss, reason = "a count of messages is far below 2^52")]
            Some(rate) => self.began + Duration::from_secs_f64(number as f64 / rate),
            None => Instant::now(),
        };
        let is_over = match self.shape.end {
            End::After(time) => due.duration_since(self.began) >= time,
            End::Messages(count) => number >= count,
        };
        self.next.set(number + 1);
        (!is_over).then_some(due)
    }
}

async fn work(milter: MilterAddr, recording: Arc<Recording>, schedule: Rc<Schedule>) -> Stats {
    let mut stats = Stats::default();
    let mut line: Option<Line> = None;
    let mut sent = 0;
    while let Some(due) = schedule.next() {
        wait_until(due).await;
        // In a closed loop the clock starts with the message; in an open one when it was due, however late it goes out.
        let began = if schedule.shape.rate.is_some() { due } else { Instant::now() };
        let passed = async {
            let open = match line.take() {
                Some(open) => open,
                None => Line::open(&milter, &recording.opening, &mut stats).await?,
            };
            open.send(&recording.messages, &mut stats).await
        };
        match tokio::time::timeout(schedule.shape.timeout, passed).await {
            Ok(Ok(open)) => {
                stats.done(began.elapsed());
                sent += 1;
                line = open.keep(sent % schedule.shape.reuse != 0).await;
            }
            Ok(Err(error)) => stats.failed(|| error.to_string()),
            Err(_) => stats.failed(|| format!("no answer within {:?}", schedule.shape.timeout)),
        }
    }
    if let Some(open) = line {
        open.keep(false).await;
    }
    stats
}

/// The timer has steps of a millisecond; the rest is waited for awake.
async fn wait_until(due: Instant) {
    let early = due.checked_sub(TIMER_STEP).filter(|early| *early > Instant::now());
    if let Some(early) = early {
        tokio::time::sleep_until(early.into()).await;
    }
    while Instant::now() < due {
        tokio::task::yield_now().await;
    }
}

/// A connection to the milter.
struct Line {
    stream: Box<dyn Stream>,
    decoder: FrameDecoder,
    buffer: Vec<u8>,
}

impl Line {
    async fn open(milter: &MilterAddr, opening: &[Burst], stats: &mut Stats) -> io::Result<Self> {
        let stream = connect(milter).await?;
        let line = Self { stream, decoder: FrameDecoder::new(REPLY_MAX), buffer: vec![0; BUFFER] };
        line.send(opening, stats).await
    }

    async fn send(mut self, bursts: &[Burst], stats: &mut Stats) -> io::Result<Self> {
        for burst in bursts {
            let began = Instant::now();
            self.stream.write_all(&burst.bytes).await?;
            if let Some(code) = burst.awaited {
                let verdict = self.answer().await?;
                stats.answered(code, began.elapsed());
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
            while let Some(Frame { code, .. }) = self.decoder.next().map_err(io::Error::other)? {
                if FINAL.contains(&code) {
                    return Ok(code);
                }
            }
            match self.stream.read(&mut self.buffer).await? {
                0 => return Err(io::Error::other("the milter closed the connection")),
                count => self.decoder.push(&self.buffer[..count]),
            }
        }
    }

    /// Itself, or nothing after saying goodbye.
    async fn keep(mut self, keep: bool) -> Option<Self> {
        if keep {
            return Some(self);
        }
        let mut goodbye = Vec::new();
        Frame { code: codes::QUIT, payload: Vec::new() }.encode(&mut goodbye);
        // A milter that has closed already has nothing more to hear.
        let _ = self.stream.write_all(&goodbye).await;
        None
    }
}

fn ends_message(verdict: u8, command: u8) -> bool {
    let content = [codes::MAIL, codes::DATA, codes::HEADER, codes::EOH, codes::BODY].contains(&command);
    match verdict {
        codes::ACCEPT | codes::DISCARD => content || command == codes::RCPT,
        codes::REJECT | codes::TEMPFAIL | codes::REPLY_CODE => content,
        _ => false,
    }
}

/// What ends the wait for an answer.
const FINAL: [u8; 8] = [
    codes::NEGOTIATE,
    codes::CONTINUE,
    codes::ACCEPT,
    codes::REJECT,
    codes::TEMPFAIL,
    codes::DISCARD,
    codes::REPLY_CODE,
    codes::SKIP,
];

const TIMER_STEP: Duration = Duration::from_millis(1);

const BUFFER: usize = 4096;
