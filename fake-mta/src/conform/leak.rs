//! What a milter keeps of connections and messages that are over.

use milter_proto::{Command, Negotiate};
use tokio::time::Instant;

use super::{
    exchange::Exchange,
    letter::{Chunk, Letter, Stage},
    script::Script,
    step::{Step, opened, opened_then, raw, rcpt_to},
    target::Target,
    trouble::Trouble,
    usage::Usage,
};

/// What is counted, and after what.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leak {
    /// Open files, after connections that end in every way.
    Files,
    /// Threads and processes, after the same.
    Threads,
    /// Memory, after large messages over one connection.
    LargeMessages,
    /// Memory, after small messages over one connection.
    SmallMessages,
    /// Memory, after connections with the beginning of a message.
    Connections,
}

impl Leak {
    /// Looks for it.
    pub(super) async fn play(self, target: &Target, log: &mut Exchange) -> Result<(), Trouble> {
        match self {
            Self::Files => in_every_way(target, log, |usage| usage.descriptors, "open files").await,
            Self::Threads => in_every_way(target, log, |usage| usage.threads, "threads and processes").await,
            Self::LargeMessages => {
                let body = vec![Chunk::Fill { count: 4, size: milter_proto::limits::BODY_CHUNK_MAX }];
                let large = Step::Letter(Box::new(Letter { body, ..Letter::default() }));
                let growth = Growth { steps: repeated(&large, 50), times: 1, units: 50, allowed_kib: 128 };
                growth.check(target, log, "messages of 256 KiB").await
            }
            Self::SmallMessages => {
                let steps = repeated(&Step::Letter(Box::default()), 300);
                let growth = Growth { steps, times: 1, units: 300, allowed_kib: SMALL_KIB };
                growth.check(target, log, "small messages").await
            }
            Self::Connections => {
                let steps = opened_then([part(Stage::Rcpt)]);
                let growth = Growth { steps, times: 500, units: 500, allowed_kib: SMALL_KIB };
                growth.check(target, log, "connections").await
            }
        }
    }
}

/// Each way alone: a milter that forgets one of them would hide among the others.
async fn in_every_way(target: &Target, log: &mut Exchange, held: fn(&Usage) -> u64, what: &str) -> Result<(), Trouble> {
    for (way, steps) in ways() {
        play_often(target, &steps, WARM_UP).await?;
        let before = held(&known(target).await?);
        play_often(target, &steps, CONNECTIONS).await?;
        let allowed = before + ALLOWED;
        let after = held(&settles(target, |usage| held(usage) <= allowed).await?);
        log.note(&format!("{CONNECTIONS} connections that end {way}; {what} before: {before}, afterwards: {after}"));
        if after > allowed {
            let text = format!("{what} grew from {before} to {after} with {CONNECTIONS} connections that ended {way}");
            return Err(Trouble::Leak(text));
        }
    }
    Ok(())
}

/// The ways in which connections end.
fn ways() -> Vec<(&'static str, Vec<Step>)> {
    let quit = || [Step::Event(Command::Quit), Step::Vanish];
    let nobody = Letter { rcpts: vec![rcpt_to("<nobody@invalid>")], ..Letter::default() };
    let refused = Step::Letter(Box::new(Letter { until: Stage::Rcpt, ..nobody }));
    let vanishing = |steps: &[Step]| opened_then(steps.iter().cloned().chain([Step::Vanish]));
    vec![
        ("with QUIT after a message", opened_then([part(Stage::Eom)])),
        ("with QUIT in the middle of a message", opened_then([part(Stage::Header)].into_iter().chain(quit()))),
        ("with QUIT after a recipient who may have been refused", opened_then([refused].into_iter().chain(quit()))),
        ("with QUIT after an abort", opened_then([part(Stage::Rcpt), Step::Event(Command::Abort)])),
        ("without a word in the middle of a message", vanishing(&[part(Stage::Header)])),
        ("without a word before the offer", vec![Step::Vanish]),
        ("without a word after the offer", vec![Step::Negotiate(Negotiate::offer(6)), Step::Vanish]),
        ("in the middle of a packet", vanishing(&[raw([0, 0, 0, 20, b'M', b'<'], "6 bytes of mail")])),
        // One that no milter dies of: that is for other cases to find.
        ("with a packet of an unknown code", opened_then([raw([0, 0, 0, 2, b'Z', 0], "a packet with the code Z")])),
    ]
}

fn part(until: Stage) -> Step {
    Step::Letter(Box::new(Letter { until, ..Letter::default() }))
}

fn repeated(letter: &Step, count: usize) -> Vec<Step> {
    let mut steps = opened();
    steps.extend(std::iter::repeat_n(letter.clone(), count));
    steps
}

async fn play_often(target: &Target, steps: &[Step], times: usize) -> Result<(), Trouble> {
    for _ in 0..times {
        Script::new(target).play(steps).await?;
    }
    Ok(())
}

/// The same is done twice; the first time a milter may take what it needs, the second time it needs no more.
struct Growth {
    steps: Vec<Step>,
    /// How often the steps are played.
    times: usize,
    /// How many messages or connections that is.
    units: u64,
    /// So much of each may stay.
    allowed_kib: u64,
}

impl Growth {
    async fn check(&self, target: &Target, log: &mut Exchange, what: &str) -> Result<(), Trouble> {
        known(target).await?;
        play_often(target, &self.steps, self.times).await?;
        let before = known(target).await?.resident_kib;
        play_often(target, &self.steps, self.times).await?;
        let allowed = before + self.units * self.allowed_kib;
        let after = settles(target, |usage| usage.resident_kib <= allowed).await?.resident_kib;
        let units = self.units;
        log.note(&format!("memory after {units} {what}: {before} KiB, after {units} more: {after} KiB"));
        if after <= allowed {
            return Ok(());
        }
        let each = (after - before) / units;
        Err(Trouble::Leak(format!(
            "memory grew from {before} to {after} KiB with the second {units} {what}: {each} KiB with each"
        )))
    }
}

async fn known(target: &Target) -> Result<Usage, Trouble> {
    let unknown = "its process is not known: start it with --command or --suite; of one that runs already only its Unix socket \
                   tells, as long as the process that has made the socket is there";
    target.usage().await.ok_or_else(|| Trouble::Skipped(unknown.to_owned()))
}

/// What it holds once that is little enough, or when the limit is over.
async fn settles(target: &Target, is_settled: impl Fn(&Usage) -> bool) -> Result<Usage, Trouble> {
    let deadline = Instant::now() + target.limit();
    loop {
        let usage = known(target).await?;
        if is_settled(&usage) || Instant::now() >= deadline {
            return Ok(usage);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The connections before those that are counted.
const WARM_UP: usize = 10;

/// The connections of each way.
const CONNECTIONS: usize = 40;

/// A thread more in a pool is no leak.
const ALLOWED: u64 = 4;

/// Less than this is lost in what an allocator does.
const SMALL_KIB: u64 = 4;

const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(20);
