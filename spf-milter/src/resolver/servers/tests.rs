//! Servers that do as they are told, under a clock that stands still.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use spf::{AnswerKind, Name, RecordType};

use super::*;

/// A server that answers, or lets the time-out pass.
#[derive(Clone, Default)]
struct Told {
    dead: Arc<AtomicBool>,
    /// It is there but has nothing to say about the domain.
    sulks: Arc<AtomicBool>,
    fails: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
    probed: Arc<AtomicU32>,
}

impl Exchange for Told {
    async fn exchange(&self, _question: &Question) -> Response {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.dead.load(Ordering::Relaxed) || self.sulks.load(Ordering::Relaxed) {
            sleep(TIMEOUT).await;
            return Response::silence(Failure::Timeout);
        }
        let fails = self.fails.load(Ordering::Relaxed);
        Response::said(if fails { AnswerKind::Failed(Failure::Servfail) } else { AnswerKind::NxDomain }, None)
    }

    async fn is_there(&self) -> bool {
        self.probed.fetch_add(1, Ordering::Relaxed);
        let dead = self.dead.load(Ordering::Relaxed);
        if dead {
            sleep(TIMEOUT / 2).await;
        }
        !dead
    }
}

const TIMEOUT: Duration = Duration::from_secs(2);

struct World {
    servers: Arc<Servers<Told>>,
    told: Vec<Told>,
    metrics: DnsMetrics,
}

impl World {
    fn new(count: u8, change: impl FnOnce(&mut DnsOptions)) -> Self {
        let mut options = DnsOptions::default();
        change(&mut options);
        let told: Vec<Told> = (0..count).map(|_| Told::default()).collect();
        let address = |index: usize| SocketAddr::from(([192, 0, 2, 1], 53 + u16::try_from(index).unwrap()));
        let list = told.iter().cloned().enumerate().map(|(index, told)| (address(index), told)).collect();
        let metrics = DnsMetrics::default();
        Self { servers: Arc::new(Servers::new(list, &options, &metrics)), told, metrics }
    }

    /// What a question comes to, how long that takes in seconds, and how often each server was asked for it.
    async fn ask(&self) -> String {
        let before = self.asked();
        let start = Instant::now();
        let response = self.servers.ask(&Question::new(Name::parse("a.example").unwrap(), RecordType::A)).await;
        let asked: Vec<_> = self.asked().iter().zip(before).map(|(now, before)| (now - before).to_string()).collect();
        format!("{} after {} s, asked {}", response.kind, start.elapsed().as_secs(), asked.join(" "))
    }

    fn asked(&self) -> Vec<u32> {
        self.told.iter().map(|told| told.asked.load(Ordering::Relaxed)).collect()
    }

    fn probed(&self, index: usize) -> u32 {
        self.told[index].probed.load(Ordering::Relaxed)
    }

    fn is_open(&self, index: usize) -> bool {
        self.servers.list[index].breaker().turn(Instant::now()) == Turn::Never
    }
}

fn kill(told: &Told) {
    told.dead.store(true, Ordering::Relaxed);
}

fn revive(told: &Told) {
    told.dead.store(false, Ordering::Relaxed);
}

#[tokio::test(start_paused = true)]
async fn a_dead_first_server_costs_one_message_its_time_and_not_each() {
    let world = World::new(2, |_| {});
    kill(&world.told[0]);
    assert_eq!(world.ask().await, "no such name after 2 s, asked 1 1");
    for _ in 0..5 {
        assert_eq!(world.ask().await, "no such name after 0 s, asked 0 1");
    }
    // It is tried again now and then, until it is known to be dead; from then on it is only probed.
    let mut slow = 0;
    for _ in 0..100 {
        sleep(Duration::from_secs(6)).await;
        slow += u32::from(world.ask().await.contains("2 s"));
    }
    assert_eq!(slow, 2);
    assert!(world.is_open(0) && !world.is_open(1));
    revive(&world.told[0]);
    sleep(PAUSE_MAX + TIMEOUT).await;
    assert_eq!(world.ask().await, "no such name after 0 s, asked 1 0");
}

#[tokio::test(start_paused = true)]
async fn errors_and_silence_go_to_the_next_server_in_each_round() {
    let world = World::new(2, |options| options.tries = 3);
    world.told[0].fails.store(true, Ordering::Relaxed);
    assert_eq!(world.ask().await, "no such name after 0 s, asked 1 1");
    world.told[1].sulks.store(true, Ordering::Relaxed);
    assert_eq!(world.ask().await, "time-out after 6 s, asked 3 3");
}

#[tokio::test(start_paused = true)]
async fn a_server_with_an_error_is_alive() {
    let world = World::new(1, |options| options.failures_max = 1);
    world.told[0].fails.store(true, Ordering::Relaxed);
    for _ in 0..10 {
        assert_eq!(world.ask().await, "SERVFAIL after 0 s, asked 2");
    }
    assert_eq!(world.probed(0), 0);
}

#[tokio::test(start_paused = true)]
async fn when_all_are_dead_nobody_waits_until_one_is_back() {
    let world = World::new(1, |_| {});
    kill(&world.told[0]);
    assert_eq!(world.ask().await, "time-out after 4 s, asked 2");
    // The third silence in a row makes it suspect; the probe is waited for, and is not answered.
    assert_eq!(world.ask().await, "time-out after 3 s, asked 1");
    assert!(world.is_open(0));
    assert_eq!(world.servers.list[0].metrics.dead.get(), 1);
    for _ in 0..50 {
        assert_eq!(world.ask().await, "no name server answers after 0 s, asked 0");
    }
    revive(&world.told[0]);
    sleep(Duration::from_secs(12)).await;
    assert_eq!(world.ask().await, "no such name after 0 s, asked 1");
    assert_eq!(world.servers.list[0].metrics.dead.get(), 0);
    assert_eq!(world.metrics.queries(), 4);
}

#[tokio::test(start_paused = true)]
async fn or_everybody_waits_if_that_is_wanted() {
    let world = World::new(1, |options| options.ask_dead = true);
    kill(&world.told[0]);
    assert_eq!(world.ask().await, "time-out after 4 s, asked 2");
    assert_eq!(world.ask().await, "time-out after 5 s, asked 2");
    for _ in 0..5 {
        assert_eq!(world.ask().await, "time-out after 4 s, asked 2");
    }
    assert!(world.is_open(0));
    revive(&world.told[0]);
    // The answer to a question is as good as one to a probe.
    assert_eq!(world.ask().await, "no such name after 0 s, asked 1");
    assert!(!world.is_open(0));
}

/// Anybody can send mail from domains whose own servers are silent: that must not stop the mail of all others.
#[tokio::test(start_paused = true)]
async fn silence_about_some_domains_does_not_make_a_server_dead() {
    let world = World::new(1, |_| {});
    world.told[0].sulks.store(true, Ordering::Relaxed);
    for _ in 0..20 {
        assert_eq!(world.ask().await, "time-out after 4 s, asked 2");
    }
    assert!(!world.is_open(0));
    assert!((5..=20).contains(&world.probed(0)), "{}", world.probed(0));
}

/// Whoever comes while a suspect server is probed waits for that, and is told the truth.
#[tokio::test(start_paused = true)]
async fn nobody_asks_a_suspect_server_before_it_is_probed() {
    let world = World::new(1, |options| options.failures_max = 1);
    kill(&world.told[0]);
    let later = async {
        sleep(TIMEOUT + TIMEOUT / 4).await;
        world.ask().await
    };
    let (first, later) = tokio::join!(world.ask(), later);
    assert_eq!(first, "time-out after 3 s, asked 1");
    assert_eq!(later, "no name server answers after 0 s, asked 0");
    let response = world.servers.ask(&Question::new(Name::parse("a.example").unwrap(), RecordType::A)).await;
    assert_eq!(response.reached, Reached::Nobody);
}

#[tokio::test(start_paused = true)]
async fn probes_grow_rare_and_end_with_the_resolver() {
    let world = World::new(1, |options| options.failures_max = 1);
    kill(&world.told[0]);
    world.ask().await;
    sleep(Duration::from_secs(600)).await;
    // 5, 10, 20, 40, then every 60 seconds, and the time-out of each.
    assert_eq!(world.probed(0), 13);
    let World { servers, told, .. } = world;
    drop(servers);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(told[0].probed.load(Ordering::Relaxed), 13);
}
