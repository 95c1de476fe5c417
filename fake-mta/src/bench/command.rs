//! `fake-mta bench`.

use std::{ops::RangeInclusive, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;

use super::{
    load::{End, Shape},
    measure::measure,
    report::{Figures, Format, Outcome, render},
    scenarios::{Choice, Scenarios, no_milter},
    threshold::Threshold,
};
use crate::{
    diag::{self, Diag, escape},
    report::{self, Target},
    run::{self, Cancel, Console, Exit, Fatal, FatalKind},
    scenario::ProfileName,
    suite::Suite,
    under_test::{MilterArgs, Origin, some_time, suite_at, suite_name},
};

/// What `fake-mta bench` is asked to do.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// The scenarios whose sessions are the load, connection by connection in turn: files, or folders; without one, a short message
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,

    /// Only scenarios with this text in their path or name
    #[arg(long, value_name = "TEXT", requires = "scenarios")]
    filter: Option<String>,

    #[command(flatten)]
    milters: MilterArgs,

    /// The profile whose packets are sent [default: the first of each scenario]
    #[arg(long, value_name = "PROFILE", value_parser = ProfileName::from_argument)]
    profile: Option<ProfileName>,

    /// How many connections are open at once
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,

    /// Messages a second, on a schedule that waits for nobody (open loop); without it each connection sends as soon as it can
    #[arg(long, value_name = "R", value_parser = rate)]
    rate: Option<f64>,

    /// How long each milter is under load
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    duration: Duration,

    /// This many messages for each milter, however long they take
    #[arg(long, short = 'n', value_name = "COUNT", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    messages: Option<u64>,

    /// How many messages go over each connection before it is closed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    reuse: u64,

    /// Send this many messages ahead on each connection without waiting for answers: no MTA does so, but it shows the most that a
    /// filter can do [default: 0]. Its answers have to be those of the recording; --reuse says how many messages a connection takes
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, conflicts_with = "rate")]
    ahead: u16,

    /// How many rounds the load is split into where two milters are compared, turn by turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,

    /// A limit that has to be kept, as in p99<20ms, eom.p99<5ms (one stage), rate>1000 or errors<1; may be given several times
    #[arg(long = "threshold", value_name = "LIMIT")]
    thresholds: Vec<Threshold>,

    /// How long a message may take, or what comes before the first one on a connection
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = some_time)]
    timeout: Duration,

    /// A report: text, json or html, to a file or to standard output (-); may be given several times
    #[arg(long = "report", value_name = "FORMAT[=FILE]", default_value = "text")]
    reports: Vec<Target<Format>>,
}

impl BenchArgs {
    /// Whether a milter has to be started in namespaces of its own. What is wrong in the files is told later.
    ///
    /// # Errors
    /// Another one cannot be reached from there.
    pub(crate) fn wants_namespaces(&self) -> Result<bool, Diag> {
        if self.milters.names_any() {
            return self.milters.wants_namespaces();
        }
        // A pipe can be read once: what is in there is for the load.
        let suite = match self.scenarios.iter().find(|path| diag::waits(path)) {
            Some(pipe) => run::suite_of(pipe),
            None => self.choice().read().and_then(|scenarios| own_suite(&scenarios)).ok(),
        };
        Ok(suite.is_some_and(|suite| suite.netns))
    }

    fn choice(&self) -> Choice<'_> {
        Choice {
            paths: &self.scenarios,
            profile: self.profile.as_ref(),
            filter: self.filter.as_deref(),
            is_started: self.milters.starts_any(),
        }
    }
}

/// Puts the load on and reports.
pub async fn run(args: &BenchArgs, bin: PathBuf, cancel: &Cancel, console: &mut Console) -> Exit {
    if !args.milters.names_any() && args.scenarios.is_empty() {
        console.diags(&[no_milter()]);
        return Exit::USAGE;
    }
    if let Err(problem) = Target::check(&args.reports) {
        console.diags(&[problem]);
        return Exit::USAGE;
    }
    let read = args.choice().read().and_then(|scenarios| {
        let origins = origins(args, &scenarios)?;
        Ok((scenarios, origins))
    });
    let (scenarios, origins) = match read {
        Ok(prepared) => prepared,
        Err(problems) => {
            console.diags(&problems);
            return Exit::UNREADABLE;
        }
    };
    match measure(&scenarios, shape(args), args.rounds, &origins, &bin, cancel).await {
        Err(fatal) if fatal.kind == FatalKind::Cancelled => Exit::CANCELLED,
        Err(fatal) => {
            console.diags(&[fatal.diag()]);
            exit_of(&fatal)
        }
        Ok(outcome) => finish(args, &outcome, console),
    }
}

/// The milters that are named; else that of the suite file beside the scenarios.
fn origins(args: &BenchArgs, scenarios: &Scenarios) -> Result<Vec<(String, Origin)>, Vec<Diag>> {
    if args.milters.names_any() {
        return args.milters.origins();
    }
    let suite = own_suite(scenarios)?;
    Ok(vec![(suite_name(&suite), Origin::Started(Arc::new(suite)))])
}

fn own_suite(scenarios: &Scenarios) -> Result<Suite, Vec<Diag>> {
    suite_at(scenarios.suite_file().map_err(|diag| vec![diag])?)
}

fn shape(args: &BenchArgs) -> Shape {
    Shape {
        connections: args.connections.into(),
        reuse: args.reuse,
        ahead: args.ahead.into(),
        rate: args.rate,
        end: args.messages.map_or(End::After(args.duration), End::Messages),
        timeout: args.timeout,
    }
}

/// Reports, and judges; what broke the load off counts for more than a report that cannot be written, and that for more than figures.
fn finish(args: &BenchArgs, outcome: &Outcome, console: &mut Console) -> Exit {
    let mut unwritten = false;
    for target in &args.reports {
        let text = render(target.format, outcome, &args.thresholds);
        match &target.file {
            None => console.results(&text),
            Some(file) => {
                if let Err(problem) = report::write(file, &text) {
                    console.diags(&[problem]);
                    unwritten = true;
                }
            }
        }
    }
    let mut is_good = true;
    for figures in &outcome.milters {
        is_good &= is_kept(args, figures, console);
    }
    match &outcome.broken_off {
        Some(fatal) => {
            console.diags(&[fatal.diag()]);
            exit_of(fatal)
        }
        None if unwritten => Exit::HARNESS,
        None if is_good => Exit::PASSED,
        None => Exit::FAILED,
    }
}

/// Whether a milter came to what it has to, told line by line. Where nothing is said of errors there may be none.
fn is_kept(args: &BenchArgs, Figures { name, total, .. }: &Figures, console: &mut Console) -> bool {
    let name = escape(name);
    let mut is_kept = true;
    for threshold in &args.thresholds {
        let checked = threshold.check(total);
        console.message(&format!("{name}: {threshold}: {checked}\n"));
        is_kept &= checked.kept;
    }
    if total.messages == 0 {
        console.message(&format!("{name}: no message came through\n"));
        return false;
    }
    if total.errors > 0 && !args.thresholds.iter().any(Threshold::is_about_errors) {
        console.message(&format!("{name}: {} errors; --threshold 'errors<N' allows some\n", total.errors));
        return false;
    }
    is_kept
}

fn exit_of(fatal: &Fatal) -> Exit {
    match fatal.kind {
        FatalKind::Harness => Exit::HARNESS,
        FatalKind::Milter => Exit::MILTER,
        FatalKind::Timeout => Exit::TIMEOUT,
        FatalKind::Cancelled => Exit::CANCELLED,
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if RATES.contains(&rate) { Ok(rate) } else { Err(format!("from {} to {}", RATES.start(), RATES.end())) }
}

/// Messages a second that can be meant.
const RATES: RangeInclusive<f64> = 0.001..=1_000_000.0;

/// What `--help` says behind the options.
pub const HELP: &str = "\
Examples:
  fake-mta bench --milter unix:/run/my.sock -c 8                      as fast as it goes over 8 connections
  fake-mta bench scenarios/a.toml scenarios/b.toml -c 64 --rate 500 --threshold 'p99<20ms'
                                                                      the milter of the fake-mta.toml beside them
  fake-mta bench --command old='./old {listen}' --command new='./new {listen}' --report html=load.html

Several scenarios are played in one world: the milter is started once, and the DNS server has the zones of all;
those that part in that are measured apart. What they expect is not looked at.
With --rate a message's time counts from when it was due, so that a milter that stalls is not spared;
what was due and could not be sent within a second after the duration is an error. A milter that
ends, ends the load.

Exit codes:
  0 all is well
  1 a threshold was not kept, no message came through, or there were errors and no threshold
    says how many there may be
  2 a file could not be read    3 a milter did not start or cannot be reached    4 a milter ended
  5 a milter did not answer while the load was recorded    64 usage
  130 interrupted; what was measured is shown";
