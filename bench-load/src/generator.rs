//! What putting the load on costs: `fake-mta bench` beside miltertest, with the same dialogue over one connection.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sched::{CpuSet, sched_setaffinity},
    sys::resource::{UsageWho, getrusage},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::{
    Done, bare, cpu,
    filter::{Running, compile},
    report::median,
    sink::{self, Answers, Kept},
};

/// One of those that are compared.
struct Generator {
    name: &'static str,
    /// Whether it sends more messages in a round than the others: a fast one would be over before its start is forgotten.
    is_fast: bool,
    kind: Kind,
}

/// What a generator is.
enum Kind {
    /// miltertest, with the script beside this.
    Miltertest,
    /// fake-mta, with further arguments.
    Bench(&'static [&'static str]),
    /// A loop of one write and one read.
    Bare,
}

/// What a generator is put before.
struct Peer<'a> {
    path: &'a str,
    answers: Answers,
    /// The filter, if it is a process.
    filter: Option<&'a Running>,
    /// So many times the messages of a round go to it from a fast generator.
    factor: usize,
    /// A message in packets, and the abort behind it.
    message: &'a [u8],
}

/// One round of one generator.
struct Round {
    messages: f64,
    wall: Duration,
    cpu: Duration,
    /// The processor time of the filter.
    filter_cpu: Option<Duration>,
}

/// All of them in turn, with the filter on one processor (what it costs to wake another one is no generator's doing): before a filter that costs next to nothing, one that answers the end of a message alone, and one on libmilter.
pub fn compare(program: &str, messages: usize, rounds: usize) -> Done {
    let mut one = CpuSet::new();
    one.set(0)?;
    sched_setaffinity(Pid::from_raw(0), &one)?;
    let dir = tempfile::tempdir()?;
    for (name, answers) in [
        ("a filter that costs next to nothing", Answers::Each),
        ("the same filter, which answers the end of a message alone", Answers::End),
    ] {
        let path = dir.path().join(if answers == Answers::Each { "each.sock" } else { "end.sock" });
        let kept = sink::start(&path, answers)?;
        let path = path.display().to_string();
        let message = same_dialogue(program, &path, &kept)?;
        println!("{name}; {rounds} rounds of {messages} messages by miltertest");
        table(program, messages, rounds, &Peer { path: &path, answers, filter: None, factor: 100, message: &message })?;
        println!();
        if answers == Answers::End {
            let filter = libmilter(&dir)?;
            let path = filter.1.trim_start_matches("unix:");
            println!("a filter on libmilter that does nothing; {rounds} rounds of {messages} messages by miltertest");
            let peer = Peer { path, answers: Answers::Each, filter: Some(&filter.0), factor: 5, message: &message };
            table(program, messages, rounds, &peer)?;
        }
    }
    Ok(())
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

/// Sees to it that all programs say the same, byte for byte, over a connection with two messages; gives one of these.
fn same_dialogue(program: &str, path: &str, kept: &Kept) -> Done<Vec<u8>> {
    GENERATORS[0].start(program, path, 2)?;
    let first = kept.recv_timeout(LIMIT)?;
    for generator in GENERATORS.iter().filter(|generator| matches!(generator.kind, Kind::Bench(_))) {
        generator.start(program, path, 2)?;
        // The connection over which its load was recorded has one message.
        while kept.recv_timeout(LIMIT).map_err(|_| format!("{} does not say what {MILTERTEST} says", generator.name))?
            != first
        {}
    }
    Ok(first[..first.len() / 2].to_vec())
}

impl Generator {
    fn round(&self, program: &str, messages: usize, peer: &Peer<'_>) -> Done<Round> {
        let messages = if self.is_fast { messages * peer.factor } else { messages };
        let filter_before = peer.filter.map(Running::cpu).transpose()?;
        let (wall, cpu) = match self.kind {
            Kind::Bare => bare::run(peer.path, peer.message, peer.answers, messages)?,
            _ => {
                let (before, start) = (children_cpu()?, Instant::now());
                self.start(program, peer.path, messages)?;
                (start.elapsed(), children_cpu()? - before)
            }
        };
        let filter_cpu = match (peer.filter, filter_before) {
            (Some(filter), Some(before)) => Some(filter.cpu()? - before),
            _ => None,
        };
        Ok(Round { messages: messages as f64, wall, cpu, filter_cpu })
    }

    /// Starts the program and waits for its end.
    fn start(&self, program: &str, path: &str, messages: usize) -> Done {
        let (address, messages) = (format!("unix:{path}"), messages.to_string());
        let (program, words) = match self.kind {
            Kind::Bench(more) => {
                (program, [bench(&address, &messages), more.iter().copied().map(str::to_owned).collect()].concat())
            }
            _ => (MILTERTEST, miltertest(&address, &messages)),
        };
        let output = Command::new(program)
            .args(&words)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !said.contains(", 0 errors") && program != MILTERTEST {
            return Err(
                format!("{program}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr)).into()
            );
        }
        Ok(())
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
    Ok(cpu(&getrusage(UsageWho::RUSAGE_CHILDREN)?))
}

fn miltertest(address: &str, messages: &str) -> Vec<String> {
    let defines = ["-D".to_owned(), format!("sock={address}"), "-D".to_owned(), format!("count={messages}")];
    defines.into_iter().chain(["-s".to_owned(), "dialogue.lua".to_owned()]).collect()
}

fn bench(address: &str, messages: &str) -> Vec<String> {
    let words = ["bench", "dialogue.toml", "--milter", address, "-n", messages, "--reuse", messages];
    words.map(str::to_owned).to_vec()
}

/// For what has been sent already.
const LIMIT: Duration = Duration::from_secs(10);

const MILTERTEST: &str = "miltertest";

const GENERATORS: [Generator; 4] = [
    Generator { name: MILTERTEST, is_fast: false, kind: Kind::Miltertest },
    Generator { name: "fake-mta bench", is_fast: false, kind: Kind::Bench(&[]) },
    Generator { name: "a write and a read, no more", is_fast: false, kind: Kind::Bare },
    Generator { name: "fake-mta bench --ahead 512", is_fast: true, kind: Kind::Bench(&["--ahead", "512"]) },
];
