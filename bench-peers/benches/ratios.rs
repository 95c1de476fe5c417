//! The ten figures as ratios: short blocks of both evaluators in turn, so that whatever else the machine does falls on
//! both, and of many such pairs the median.

use std::hint::black_box;
use std::time::Duration;

use bench_peers::cases::{Case, five, others};
use bench_peers::ours::Ours;
use bench_peers::peer::Peer;
use bench_peers::{Mail, Records};

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let pairs = if std::env::args().any(|argument| argument == "--bench") { PAIRS } else { 1 };
    println!("Evaluations a second on one thread, medians of {pairs} interleaved pairs of {BLOCK:?} each;");
    println!("ratio: spf to mail-auth in the same pair, median (5th to 95th percentile).\n");
    let ten = print_table("The five records", &five(), pairs);
    print_table("Others", &others(), pairs);
    let ahead = ten.iter().filter(|&&ratio| ratio > 1.0).count();
    println!("spf is ahead on {ahead} of {} figures.", ten.len());
}

/// Prints the rows of some cases; returns the median ratios.
fn print_table(title: &str, cases: &[Case], pairs: usize) -> Vec<f64> {
    println!("{title:<20} {:<16} {:>9} {:>10}   ratio", "record", "spf", "mail-auth");
    let mut medians = Vec::new();
    for case in cases {
        for records in [Records::ParsedEachTime, Records::KeptParsed] {
            let pair = Pair::new(case, records);
            let figures = pair.figures(pairs);
            let form = if records == Records::KeptParsed { "kept parsed" } else { "parsed each time" };
            println!("{:<20} {form:<16} {figures}", case.name);
            medians.push(figures.ratio);
        }
    }
    println!();
    medians
}

/// Both evaluators, ready for one case.
struct Pair<'a> {
    ours: Ours,
    peer: Peer,
    mail: &'a Mail,
}

impl<'a> Pair<'a> {
    fn new(case: &'a Case, records: Records) -> Self {
        let pair =
            Self { ours: Ours::new(&case.answers, records), peer: Peer::new(&case.answers, records), mail: &case.mail };
        assert_eq!(pair.ours.check(pair.mail).result.to_string(), case.result, "{}", case.name);
        assert_eq!(pair.peer.check(pair.mail).result().to_string(), case.result, "{}", case.name);
        pair
    }

    fn figures(&self, pairs: usize) -> Figures {
        let measure = |turn: usize| {
            let ours = || rate(|| drop(black_box(self.ours.check(black_box(self.mail)))));
            let peer = || rate(|| drop(black_box(self.peer.check(black_box(self.mail)))));
            // Each goes first in half of the pairs.
            if turn.is_multiple_of(2) {
                (ours(), peer())
            } else {
                let peer = peer();
                (ours(), peer)
            }
        };
        measure(0);
        let rates: Vec<(f64, f64)> = (0..pairs).map(measure).collect();
        Figures::new(&rates)
    }
}

/// What a line of the table says.
struct Figures {
    ours: f64,
    peer: f64,
    ratio: f64,
    spread: (f64, f64),
}

impl Figures {
    fn new(rates: &[(f64, f64)]) -> Self {
        let ratios = sorted(rates.iter().map(|(ours, peer)| ours / peer));
        Self {
            ours: percentile(&sorted(rates.iter().map(|rates| rates.0)), 50),
            peer: percentile(&sorted(rates.iter().map(|rates| rates.1)), 50),
            ratio: percentile(&ratios, 50),
            spread: (percentile(&ratios, 5), percentile(&ratios, 95)),
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ours, peer, ratio, spread: (low, high) } = self;
        write!(f, "{:>7.2} M {:>8.2} M   {ratio:.2} ({low:.2} to {high:.2})", ours / 1e6, peer / 1e6)
    }
}

/// Calls a function for about one block of time; returns calls a second of this thread's time on the processor, so
/// that what other programs take does not count.
fn rate(mut call: impl FnMut()) -> f64 {
    let start = processor_time();
    let mut calls = 0_u32;
    loop {
        (0..BATCH).for_each(|_| call());
        calls += BATCH;
        let elapsed = processor_time() - start;
        if elapsed >= BLOCK {
            return f64::from(calls) / elapsed.as_secs_f64();
        }
    }
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("the clock of a thread starts at zero")
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let index = (sorted.len().saturating_sub(1) * percent).div_ceil(100);
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

const PAIRS: usize = 201;
const BLOCK: Duration = Duration::from_millis(2);
const BATCH: u32 = 64;
