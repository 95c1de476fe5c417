//! Cases that take many connections, or the milter's process.

use milter_proto::{Negotiate, Protocol, Reply};

use super::{
    exchange::Exchange,
    growth,
    leak::Leak,
    letter::{Letter, Stage},
    manners::Manners,
    script::Script,
    state::Before,
    step::{Pace, Step, connect, connect_macros, header, opened, opened_then},
    target::Target,
    trouble::Trouble,
};

/// What is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Special {
    /// So many connections, all open at once, each of them answered at connect.
    Crowd(usize),
    /// It must give back what connections and messages have taken.
    Leak(Leak),
    /// The last fields of a long header must not take longer than the first.
    LongHeader,
    /// So many header fields are sent without waiting, and the answers are read a byte at a time.
    SlowReader(usize),
    /// It is killed in the middle of a message, and started again at the same address.
    Restart,
    /// It is asked to stop while a connection is open.
    Stop,
    /// A message is sent alone, and with another one before or beside it; the answers must be the same.
    State(Before),
    /// A few ordinary messages are sent, and what comes back is looked at word by word.
    Manners(Manners),
}

impl Special {
    /// Plays it.
    pub(super) async fn play(self, target: &mut Target, log: &mut Exchange) -> Result<(), Trouble> {
        match self {
            Self::Crowd(count) => crowd(target, count, log).await,
            Self::Leak(leak) => leak.play(target, log).await,
            Self::LongHeader => growth::of_header(target, log).await,
            Self::SlowReader(count) => slow_reader(target, count, log).await,
            Self::Restart => restart(target, log).await,
            Self::Stop => stop(target, log).await,
            Self::State(before) => before.play(target, log).await,
            Self::Manners(manners) => manners.play(target, log).await,
        }
    }
}

async fn crowd(target: &Target, count: usize, log: &mut Exchange) -> Result<(), Trouble> {
    let mut talks = Vec::new();
    let mut quiet = Exchange::default();
    for _ in 0..count {
        talks.push(target.talk().await?);
    }
    log.note(&format!("{count} connections are open"));
    for (number, talk) in talks.iter_mut().enumerate() {
        let nth = |trouble: Trouble| nth_connection(number, trouble);
        talk.negotiate(&Negotiate::offer(6), &mut quiet).await.map_err(nth)?;
        talk.event(&connect_macros(), &mut quiet).await.map_err(nth)?;
        talk.event(&connect(), &mut quiet).await.map_err(nth)?;
    }
    log.note("each of them was negotiated and answered at connect");
    for (number, talk) in talks.into_iter().enumerate().rev() {
        talk.close(&mut quiet).await.map_err(|trouble| nth_connection(number, trouble))?;
    }
    log.note("each of them was closed");
    Ok(())
}

fn nth_connection(number: usize, trouble: Trouble) -> Trouble {
    let text = format!("connection {}: {trouble}", number + 1);
    match trouble {
        Trouble::Silent(_) => Trouble::Silent(text),
        Trouble::Skipped(_) => trouble,
        _ => Trouble::Wrong(text),
    }
}

async fn slow_reader(target: &Target, count: usize, log: &mut Exchange) -> Result<(), Trouble> {
    let mut script = Script::new(target);
    script
        .leave_open(&opened_then([Step::Letter(Box::new(Letter { until: Stage::Header, ..Letter::default() }))]))
        .await?;
    let ended = script.ended_early.clone();
    let Some(mut talk) = script.take_talk().filter(|_| ended.is_none()) else {
        log.note("the milter wants no header fields");
        return Ok(());
    };
    let protocol = talk.agreed().protocol;
    if protocol.contains(Protocol::NO_HEADERS) || protocol.contains(Protocol::NR_HEADER) {
        log.note("the milter answers no header fields");
        return talk.close(log).await;
    }
    talk.set_pace(Pace::Packets);
    let came = talk.pipelined(&header("X-Fill", "0123456789"), count).await?;
    log.note(&format!("{count} header fields were sent without waiting, and the answers read byte by byte"));
    let odd = came.iter().find(|reply| **reply != Reply::Continue);
    match odd {
        Some(reply) => log.note(&format!("the milter's verdict: {reply}")),
        None => log.came(&format!("continue, {count} times")),
    }
    drop(talk);
    Ok(())
}

async fn restart(target: &mut Target, log: &mut Exchange) -> Result<(), Trouble> {
    if !target.is_own() {
        return target.kill().await;
    }
    let mut script = Script::new(target);
    script
        .leave_open(&opened_then([Step::Letter(Box::new(Letter { until: Stage::Eoh, ..Letter::default() }))]))
        .await?;
    let open = script.take_talk();
    target.kill().await?;
    log.note("the milter was killed in the middle of a message");
    drop(open);
    target.start_again().await?;
    log.note("it was started again at the same address");
    Script::new(target).play(&opened_then([Step::Letter(Box::default())])).await
}

async fn stop(target: &mut Target, log: &mut Exchange) -> Result<(), Trouble> {
    if !target.is_own() {
        return target.kill().await;
    }
    let mut script = Script::new(target);
    script.leave_open(&opened()).await?;
    let open = script.take_talk();
    log.note("it is asked to stop while a connection is open");
    let stopped = target.stop_milter().await;
    drop(open);
    if target.remove_socket() {
        log.note("it has left its socket file: whether it starts all the same is tried by process/killed");
    }
    let started = target.start_again().await;
    stopped.and(started)
}
