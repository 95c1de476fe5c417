//! Cases that take many connections, or the milter's process.

use milter_proto::{Command, Negotiate, Protocol, Reply};

use super::{
    exchange::Exchange,
    letter::{Chunk, Letter, Stage},
    script::Script,
    state::Before,
    step::{Pace, Step, connect, connect_macros, header, opened, opened_then},
    target::Target,
    trouble::Trouble,
    usage::Usage,
};

/// What is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Special {
    /// So many connections, all open at once, and a message over each.
    Crowd(usize),
    /// So many connections, one after the other, each left in another way; then so many files must be open as before.
    Descriptors(usize),
    /// The same, and the threads are counted.
    Threads(usize),
    /// So many large messages over one connection; the memory must not grow with them.
    Memory(usize),
    /// So many header fields are sent without waiting, and the answers are read a byte at a time.
    SlowReader(usize),
    /// It is killed in the middle of a message, and started again at the same address.
    Restart,
    /// It is asked to stop while a connection is open.
    Stop,
    /// A message is sent alone, and with another one before or beside it; the answers must be the same.
    State(Before),
}

impl Special {
    /// Plays it.
    pub(super) async fn play(self, target: &mut Target, log: &mut Exchange) -> Result<(), Trouble> {
        match self {
            Self::Crowd(count) => crowd(target, count, log).await,
            Self::Descriptors(count) => {
                comings_and_goings(target, count, log, |usage| usage.descriptors, "open files").await
            }
            Self::Threads(count) => comings_and_goings(target, count, log, |usage| usage.threads, "threads").await,
            Self::Memory(count) => memory(target, count, log).await,
            Self::SlowReader(count) => slow_reader(target, count, log).await,
            Self::Restart => restart(target, log).await,
            Self::Stop => stop(target, log).await,
            Self::State(before) => before.play(target, log).await,
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

async fn comings_and_goings(
    target: &Target,
    count: usize,
    log: &mut Exchange,
    held: fn(&Usage) -> u64,
    what: &str,
) -> Result<(), Trouble> {
    come_and_go(target, count / 4).await?;
    let before = held(&known(target).await?);
    come_and_go(target, count).await?;
    log.note(&format!("{count} connections came and went"));
    let allowed = before + u64::try_from(count / 4).unwrap_or(u64::MAX);
    let settled = settles(target, |usage| held(usage) <= allowed).await?;
    log.note(&format!("{what} before: {before}, afterwards: {}", held(&settled)));
    if held(&settled) <= allowed {
        return Ok(());
    }
    Err(Trouble::Leak(format!(
        "{what} grew from {before} to {} with {count} connections, all of them closed",
        held(&settled)
    )))
}

/// Connections that end in the ways in which they end with real MTAs.
async fn come_and_go(target: &Target, count: usize) -> Result<(), Trouble> {
    let part = |until| Step::Letter(Box::new(Letter { until, ..Letter::default() }));
    let ways: [Vec<Step>; 4] = [
        opened_then([part(Stage::Eom)]),
        opened_then([part(Stage::Header), Step::Vanish]),
        vec![Step::Vanish],
        opened_then([part(Stage::Rcpt), Step::Event(Command::Abort)]),
    ];
    for way in ways.iter().cycle().take(count) {
        Script::new(target).play(way).await?;
    }
    Ok(())
}

async fn memory(target: &Target, count: usize, log: &mut Exchange) -> Result<(), Trouble> {
    let body = vec![Chunk::Fill { count: BODY_CHUNKS, size: CHUNK_BYTES }];
    let large = Step::Letter(Box::new(Letter { body, ..Letter::default() }));
    let messages = |count: usize| {
        let mut steps = opened();
        steps.extend(std::iter::repeat_n(large.clone(), count));
        steps
    };
    Script::new(target).play(&messages(count / 2)).await?;
    let before = known(target).await?.resident_kib;
    Script::new(target).play(&messages(count)).await?;
    let sent_kib = u64::try_from(count * BODY_CHUNKS * CHUNK_BYTES / 1024).unwrap_or(u64::MAX);
    let allowed = before + sent_kib / 2;
    let after = settles(target, |usage| usage.resident_kib <= allowed).await?.resident_kib;
    log.note(&format!("{count} messages, {sent_kib} KiB in all; memory before: {before} KiB, afterwards: {after} KiB"));
    if after <= allowed {
        return Ok(());
    }
    Err(Trouble::Leak(format!("memory grew from {before} to {after} KiB with {sent_kib} KiB of messages")))
}

async fn known(target: &Target) -> Result<Usage, Trouble> {
    let unknown = "its process is not known: start it with --command, or have it listen on a Unix socket";
    target.usage().await.ok_or_else(|| Trouble::Skipped(unknown.to_owned()))
}

/// What it holds once that is little enough, or when the limit is over.
async fn settles(target: &Target, is_settled: impl Fn(&Usage) -> bool) -> Result<Usage, Trouble> {
    let deadline = tokio::time::Instant::now() + target.limit();
    loop {
        let usage = known(target).await?;
        if is_settled(&usage) || tokio::time::Instant::now() >= deadline {
            return Ok(usage);
        }
        tokio::time::sleep(LOOK_EVERY).await;
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
    let started = target.start_again().await;
    stopped.and(started)
}

/// Four of the largest chunks make a message.
const BODY_CHUNKS: usize = 4;
const CHUNK_BYTES: usize = milter_proto::limits::BODY_CHUNK_MAX;

const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(20);
