//! What putting the load on costs: `fake-mta bench` beside miltertest, with the same dialogue over one connection.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeVal,
};
use tempfile::TempDir;

use crate::{
    Done,
    filter::{Running, compile},
    report::median,
    sink,
};

/// One of the programs that are compared.
struct Generator {
    name: &'static str,
    /// Whether it sends more messages in a round than the others: a fast one would be over before its start is forgotten.
    is_fast: bool,
    arguments: fn(&str, &str) -> Vec<String>,
}

/// What a generator is put before.
struct Peer<'a> {
    address: &'a str,
    /// The filter, if it is a process.
    filter: Option<&'a Running>,
    /// So many times the messages of a round go to it from a fast generator.
    factor: usize,
}

/// One round of one generator.
struct Round {
    messages: f64,
    wall: Duration,
    cpu: Duration,
    /// The processor time of the filter.
    filter_cpu: Option<Duration>,
}

/// Both programs in turn, before a filter that costs nothing and before one on libmilter.
pub fn compare(program: &str, messages: usize, rounds: usize) -> Done {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("sink.sock");
    let counts = sink::start(&path)?;
    let address = format!("unix:{}", path.display());
    println!("a filter that costs next to nothing; {rounds} rounds of {messages} messages by miltertest");
    let sink = Peer { address: &address, filter: None, factor: 100 };
    table(program, messages, rounds, &sink)?;
    same_dialogue(program, messages, &sink, &counts)?;
    let filter = libmilter(&dir)?;
    println!("\na filter on libmilter that does nothing; {rounds} rounds of {messages} messages by miltertest");
    table(program, messages, rounds, &Peer { address: &filter.1, filter: Some(&filter.0), factor: 5 })
}

fn libmilter(dir: &TempDir) -> Done<(Running, String)> {
    let program = compile(dir.path())?;
    Running::do_nothing(&program, &dir.path().join("libmilter.sock"), &["all"])
}

fn table(program: &str, messages: usize, rounds: usize, peer: &Peer<'_>) -> Done {
    let mut all: Vec<Vec<Round>> = GENERATORS.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (generator, rounds) in GENERATORS.iter().zip(&mut all) {
            rounds.push(generator.round(program, messages, peer)?);
        }
    }
    println!("  {:<27} messages/s  times miltertest    CPU us/message  times less  filter's", "");
    for (generator, rounds) in GENERATORS.iter().zip(&all) {
        let all_of = |value: fn(&Round) -> f64| -> Vec<f64> { rounds.iter().map(value).collect() };
        let against = |value: fn(&Round) -> f64| -> Vec<f64> {
            rounds.iter().zip(&all[0]).map(|(ours, theirs)| value(ours) / value(theirs)).collect()
        };
        let rates = against(Round::rate);
        let low = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let high = rates.iter().copied().fold(0.0, f64::max);
        let filter: Vec<f64> = rounds.iter().filter_map(Round::filter_cpu_us).collect();
        println!(
            "  {:<27} {:>10.0} {:>6.1} {:<18} {:>7.2} {:>11.1} {:>9}",
            generator.name,
            median(&all_of(Round::rate)),
            median(&rates),
            format!("({low:.1} to {high:.1})"),
            median(&all_of(Round::cpu_us)),
            1.0 / median(&against(Round::cpu_us)),
            if filter.is_empty() { String::new() } else { format!("{:.0}", median(&filter)) },
        );
    }
    Ok(())
}

/// Shows that both say the same.
fn same_dialogue(program: &str, messages: usize, peer: &Peer<'_>, counts: &sink::Counts) -> Done {
    for generator in [&GENERATORS[0], &GENERATORS[1]] {
        counts.packets.store(0, Ordering::Relaxed);
        counts.bytes.store(0, Ordering::Relaxed);
        let round = generator.round(program, messages, peer)?;
        let each = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed) as f64 / round.messages;
        println!(
            "  {}: {:.1} packets, {:.0} bytes a message",
            generator.name,
            each(&counts.packets),
            each(&counts.bytes)
        );
    }
    Ok(())
}

impl Generator {
    fn round(&self, program: &str, messages: usize, peer: &Peer<'_>) -> Done<Round> {
        let messages = if self.is_fast { messages * peer.factor } else { messages };
        let words = (self.arguments)(peer.address, &messages.to_string());
        let program = if self.name == MILTERTEST { MILTERTEST } else { program };
        let (filter_before, before, start) =
            (peer.filter.map(Running::cpu).transpose()?, children_cpu()?, Instant::now());
        let output = Command::new(program)
            .args(&words)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        let (wall, cpu) = (start.elapsed(), children_cpu()? - before);
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !said.contains(", 0 errors") && program != MILTERTEST {
            return Err(
                format!("{program}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr)).into()
            );
        }
        let filter_cpu = match (peer.filter, filter_before) {
            (Some(filter), Some(before)) => Some(filter.cpu()? - before),
            _ => None,
        };
        Ok(Round { messages: messages as f64, wall, cpu, filter_cpu })
    }
}

impl Round {
    fn rate(&self) -> f64 {
        self.messages / self.wall.as_secs_f64()
    }

    fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.messages
    }

    fn filter_cpu_us(&self) -> Option<f64> {
        Some(self.filter_cpu?.as_secs_f64() * 1e6 / self.messages)
    }
}

/// The processor time of all children that have ended.
fn children_cpu() -> Done<Duration> {
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = |time: TimeVal| Duration::from_micros((time.tv_sec() * 1_000_000 + time.tv_usec()).unsigned_abs());
    Ok(time(usage.user_time()) + time(usage.system_time()))
}

fn miltertest(address: &str, messages: &str) -> Vec<String> {
    let defines = ["-D".to_owned(), format!("sock={address}"), "-D".to_owned(), format!("count={messages}")];
    defines.into_iter().chain(["-s".to_owned(), "dialogue.lua".to_owned()]).collect()
}

fn at_pace(address: &str, messages: &str) -> Vec<String> {
    let words = ["bench", "dialogue.toml", "--milter", address, "-n", messages, "--reuse", messages];
    words.map(str::to_owned).to_vec()
}

fn ahead(address: &str, messages: &str) -> Vec<String> {
    [at_pace(address, messages), vec!["--ahead".to_owned(), AHEAD.to_owned()]].concat()
}

const MILTERTEST: &str = "miltertest";

const AHEAD: &str = "512";

const GENERATORS: [Generator; 3] = [
    Generator { name: MILTERTEST, is_fast: false, arguments: miltertest },
    Generator { name: "fake-mta bench", is_fast: false, arguments: at_pace },
    Generator { name: "fake-mta bench --ahead 512", is_fast: true, arguments: ahead },
];
