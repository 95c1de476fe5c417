//! `fake-mta bench`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;

use super::{
    load::{End, Shape, load},
    record::{Recording, record},
    report::{Format, Outcome, render},
    threshold::Threshold,
};
use crate::{
    diag::{Diag, Source},
    init::FIRST_SCENARIO,
    run::{Cancel, Console, Exit, Fatal, FatalKind, World, WorldOptions, duration_text},
    scenario::{self, ProfileName, Unit, parse_duration},
    under_test::{MilterArgs, Origin},
};

/// What `fake-mta bench` is asked to do.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// The scenario whose session is the load; without one, a short message
    scenario: Option<PathBuf>,

    #[command(flatten)]
    milters: MilterArgs,

    /// The profile whose packets are sent [default: the first of the scenario]
    #[arg(long, value_name = "PROFILE", value_parser = ProfileName::from_argument)]
    profile: Option<ProfileName>,

    /// How many connections are open at once
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,

    /// Messages a second, on a schedule that waits for nobody (open loop); without it each connection sends as soon as it can
    #[arg(long, value_name = "R", value_parser = rate)]
    rate: Option<f64>,

    /// How long, for each milter
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    duration: Duration,

    /// So many messages for each milter, however long they take
    #[arg(long, short = 'n', value_name = "COUNT", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    messages: Option<u64>,

    /// So many messages go over each connection before it is closed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    reuse: u64,

    /// So many messages are sent ahead on each connection, no answer waited for: no MTA does so, but it shows what a filter can do at
    /// the most. Its answers have to be those of the recording; --reuse says how many messages a connection takes
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, conflicts_with = "rate")]
    ahead: u16,

    /// How many rounds the load is cut into where two milters are compared, turn by turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,

    /// What it has to come to, as in p99<20ms, rate>1000 or errors<1; may be given several times
    #[arg(long = "threshold", value_name = "LIMIT")]
    thresholds: Vec<Threshold>,

    /// How long an answer is waited for
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    timeout: Duration,

    /// text, json or html, to a file or to standard output
    #[arg(long = "report", value_name = "FORMAT[=FILE]", default_value = "text")]
    reports: Vec<String>,
}

impl BenchArgs {
    /// The milters that are named.
    pub(crate) fn milters(&self) -> &MilterArgs {
        &self.milters
    }
}

/// A milter that is measured.
struct Measured {
    name: String,
    world: World,
    recording: Arc<Recording>,
}

/// Puts the load on and reports.
pub async fn run(args: &BenchArgs, bin: PathBuf, cancel: &Cancel, console: &mut Console) -> Exit {
    let prepared = reports(args).and_then(|reports| Ok((reports, unit(args)?, args.milters.origins()?)));
    let (reports, unit, origins) = match prepared {
        Ok(prepared) => prepared,
        Err(problems) => {
            console.diags(&problems);
            return Exit::UNREADABLE;
        }
    };
    if origins.is_empty() {
        let help = "name one with --milter ADDR, --command 'PROGRAM {listen}' or --suite fake-mta.toml";
        console.diags(&[Diag::error("no milter to measure").help(help)]);
        return Exit::USAGE;
    }
    match cancel.or(measure(args, &unit, &origins, bin, cancel)).await {
        None => Exit::CANCELLED,
        Some(Err(fatal)) => {
            let diag = Diag { notes: fatal.notes, ..Diag::error(fatal.text) };
            console.diags(&[Diag { help: fatal.help.into_iter().collect(), ..diag }]);
            Exit::HARNESS
        }
        Some(Ok(outcome)) => finish(args, &reports, &outcome, console),
    }
}

async fn measure(
    args: &BenchArgs,
    unit: &Unit,
    origins: &[(String, Origin)],
    bin: PathBuf,
    cancel: &Cancel,
) -> Result<Outcome, Fatal> {
    let mut measured = Vec::new();
    for (name, origin) in origins {
        let (suite, running) = match origin {
            Origin::Running(addr) => (None, vec![addr.clone()]),
            Origin::Started(suite) => (Some(Arc::clone(suite)), Vec::new()),
        };
        let options = WorldOptions { suite, running, dns: None, bin: bin.clone(), keep: false };
        let world = World::start(unit, &options, cancel).await?;
        let recording = Arc::new(record(unit, world.milter(), world.dir()).await?);
        if args.ahead > 0 && !recording.train.is_answered() {
            return Err(Fatal::new(FatalKind::Harness, "the milter answers nothing: messages cannot be sent ahead"));
        }
        measured.push(Measured { name: name.clone(), world, recording });
    }
    let mut outcome = Outcome { about: about(args, unit), ..Outcome::default() };
    outcome.milters.extend(measured.iter().map(|milter| (milter.name.clone(), super::stats::Stats::default())));
    let rounds = if measured.len() == 1 { 1 } else { args.rounds };
    for _ in 0..rounds {
        let mut rates = Vec::new();
        for (milter, (_, total)) in measured.iter().zip(&mut outcome.milters) {
            let stats = load(milter.world.milter(), &milter.recording, shape(args, rounds)).await;
            rates.push(stats.rate());
            let elapsed = total.elapsed + stats.elapsed;
            total.merge(&stats);
            total.elapsed = elapsed;
        }
        if let [first, second] = rates[..] {
            outcome.ratios.push(second / first);
        }
    }
    for milter in measured {
        milter.world.stop().await;
    }
    Ok(outcome)
}

fn shape(args: &BenchArgs, rounds: u32) -> Shape {
    let end = match args.messages {
        Some(messages) => End::Messages(messages.div_ceil(u64::from(rounds))),
        None => End::After(args.duration / rounds),
    };
    Shape {
        connections: args.connections.into(),
        reuse: args.reuse,
        ahead: args.ahead.into(),
        rate: args.rate,
        end,
        timeout: args.timeout,
    }
}

fn about(args: &BenchArgs, unit: &Unit) -> String {
    let loop_kind = match args.rate {
        Some(rate) => format!("open loop, {rate} messages a second"),
        None if args.ahead > 0 => format!("{} messages ahead", args.ahead),
        None => "closed loop".to_owned(),
    };
    let size = args.messages.map_or_else(|| duration_text(args.duration), |count| format!("{count} messages"));
    let name = unit.name();
    format!(
        "{}: {loop_kind}, {} connections, {} messages on each, {size}",
        crate::diag::escape(&name),
        args.connections,
        args.reuse
    )
}

fn finish(args: &BenchArgs, reports: &[(Format, Option<PathBuf>)], outcome: &Outcome, console: &mut Console) -> Exit {
    let mut exit = Exit::PASSED;
    for (format, file) in reports {
        let text = render(*format, outcome);
        match file {
            None => console.results(&text),
            Some(file) => {
                if let Err(error) = std::fs::write(file, text) {
                    console.diags(&[Diag::error(format!("cannot write the report to {}: {error}", file.display()))]);
                    exit = Exit::HARNESS;
                }
            }
        }
    }
    for (name, stats) in &outcome.milters {
        for threshold in &args.thresholds {
            let (kept, value) = threshold.check(stats);
            let word = if kept { "kept" } else { "NOT KEPT" };
            console.message(&format!("{}: {threshold}: {word}, {value}\n", crate::diag::escape(name)));
            exit = if kept { exit } else { Exit::FAILED };
        }
    }
    exit
}

fn reports(args: &BenchArgs) -> Result<Vec<(Format, Option<PathBuf>)>, Vec<Diag>> {
    let one = |text: &String| {
        let (format, file) =
            text.split_once('=').map_or((text.as_str(), None), |(format, file)| (format, Some(file.into())));
        format.parse().map(|format| (format, file)).map_err(|error: String| vec![Diag::error(error)])
    };
    args.reports.iter().map(one).collect()
}

/// The first run of the scenario that the profile fits.
fn unit(args: &BenchArgs) -> Result<Unit, Vec<Diag>> {
    let source = match &args.scenario {
        Some(path) => {
            let cannot = |error| vec![Diag::error(format!("cannot read {}: {error}", path.display()))];
            Source::new(path, std::fs::read_to_string(path).map_err(cannot)?)
        }
        None => Source::new("a plain message", FIRST_SCENARIO),
    };
    let scenarios = scenario::parse(&source)?;
    let fits = |unit: &Unit| args.profile.as_ref().is_none_or(|profile| unit.profile == *profile);
    scenario::units(&scenarios)
        .into_iter()
        .find(fits)
        .ok_or_else(|| vec![Diag::error("the scenario has no run in that profile")])
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if rate > 0.0 && rate.is_finite() { Ok(rate) } else { Err("more than 0".to_owned()) }
}

/// What `--help` says behind the options.
pub const HELP: &str = "\
Examples:
  fake-mta bench --milter unix:/run/my.sock -c 8                      as fast as it goes over 8 connections
  fake-mta bench --suite scenarios talk.toml -c 64 --rate 500 --threshold 'p99<20ms'
  fake-mta bench --command old='./old {listen}' --command new='./new {listen}' --report html=load.html

With --rate a message's time counts from when it was due, so that a milter that stalls is not spared.
Exit codes: 0   1 a threshold was not kept   2 a file could not be read   3 a milter did not start";
