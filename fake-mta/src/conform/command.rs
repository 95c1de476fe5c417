//! `fake-mta conform`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;

use super::{
    battery::{Battery, MilterResult, Trial, Verdict},
    case::{Case, Level},
    report::{Format, human, human::Teller, render},
    surroundings::surroundings,
};
use crate::{
    clock::Clock,
    diag::Diag,
    report::{self, Target, text::put},
    run::{Cancel, Console, Exit},
    under_test::{MilterArgs, Origin, some_time},
};

/// What `fake-mta conform` is asked to do.
#[derive(Args, Debug)]
pub struct ConformArgs {
    #[command(flatten)]
    milters: MilterArgs,

    /// Zone text for the DNS server of milters that are started, in place of the one in docs/conformance.md; may be given again
    #[arg(long = "zone", value_name = "FILE", conflicts_with = "milters")]
    zones: Vec<PathBuf>,

    /// Only the cases whose id holds this text; may be given several times
    #[arg(long = "filter", value_name = "TEXT")]
    filters: Vec<String>,

    /// None of the cases whose id holds this text; may be given several times
    #[arg(long = "skip", value_name = "TEXT")]
    skipped: Vec<String>,

    /// Only the cases of this level and above: must, should or may
    #[arg(long, value_name = "LEVEL", default_value_t = Level::May)]
    level: Level,

    /// How long the milter may take for any answer; with progress, six times as long in all
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    timeout: Duration,

    /// List the cases, with their levels and reasons, and try none; with -v also what libmilter does, and which MTA does the like
    #[arg(long)]
    list: bool,

    /// A report: human, md, json, junit or html, to a file or to standard output (-); may be given several times
    #[arg(long = "report", value_name = "FORMAT[=FILE]")]
    reports: Vec<Target<Format>>,

    /// Show what went over the wire, and what the milter wrote last, in every case that did not pass; twice for every case, with its reason
    #[arg(long, short, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl ConformArgs {
    /// The milters that are named, unless none is tried.
    pub(crate) fn milters(&self) -> Option<&MilterArgs> {
        (!self.list).then_some(&self.milters)
    }
}

/// Plays the battery and reports.
pub async fn run(args: &ConformArgs, bin: PathBuf, cancel: &Cancel, console: &mut Console) -> Exit {
    let cases = selected(args);
    if args.list {
        console.results(&listing(&cases, args.verbose > 0));
        return Exit::PASSED;
    }
    let read = args.milters.origins().and_then(|origins| Ok((origins, surroundings(&args.zones)?)));
    let (origins, unit) = match read {
        Ok(read) => read,
        Err(problems) => {
            console.diags(&problems);
            return Exit::UNREADABLE;
        }
    };
    if origins.is_empty() || cases.is_empty() {
        let (title, help) = match cases.is_empty() {
            true => ("no case fits", "`fake-mta conform --list` shows their ids"),
            false => (
                "no milter to try",
                "name one with --milter ADDR, --command 'PROGRAM {listen}' or --suite fake-mta.toml",
            ),
        };
        console.diags(&[Diag::error(title).help(help)]);
        return Exit::USAGE;
    }
    if let Err(problem) = Target::check(&args.reports) {
        console.diags(&[problem]);
        return Exit::USAGE;
    }
    console
        .set_report_on_out(args.reports.iter().any(|target| target.file.is_none() && target.format != Format::Human));
    let date = Some(Clock::System.date_and_minute());
    let trial = Trial { cases: &cases, limit: args.timeout, unit: &unit, bin: &bin, cancel };
    let mut milters = Vec::new();
    for (name, origin) in origins {
        milters.push(try_milter(&trial, &name, &origin, args.verbose, console).await);
    }
    if cancel.is_cancelled() {
        console.message("stopped: what is left is not tried\n");
    }
    let battery = Battery { cases, milters, date, is_interrupted: cancel.is_cancelled() };
    finish(&battery, args, console)
}

async fn try_milter(
    trial: &Trial<'_>,
    name: &str,
    origin: &Origin,
    verbose: u8,
    console: &mut Console,
) -> MilterResult {
    if trial.cancel.is_cancelled() {
        return MilterResult::not_tried(name, origin);
    }
    let (mut teller, colour) = (Teller::new(verbose), console.colour());
    console.results(&human::heading(name, trial.cases.len()));
    let result = trial.run(name, origin, |case, result| console.results(&teller.case(case, result, colour))).await;
    if let Some(fatal) = &result.fatal {
        console.diags(&[fatal.diag()]);
    }
    result
}

fn finish(battery: &Battery, args: &ConformArgs, console: &mut Console) -> Exit {
    let mut exit = exit_of(battery);
    for target in &args.reports {
        let text = render(target.format, battery);
        match &target.file {
            Some(file) => {
                if let Err(problem) = report::write(file, &text) {
                    console.diags(&[problem]);
                    exit = Exit::HARNESS;
                }
            }
            None if target.format == Format::Human => {}
            None => console.report(&text),
        }
    }
    console.results(&human::summary(battery));
    if battery.is_interrupted { Exit::CANCELLED } else { exit }
}

/// What crashed counts for more than what failed; below `must` nothing is a failure of the run, unless others were not tried for it.
fn exit_of(battery: &Battery) -> Exit {
    let results = || battery.milters.iter().flat_map(|milter| battery.cases.iter().zip(&milter.results));
    if battery.milters.iter().any(|milter| milter.fatal.is_some()) {
        Exit::HARNESS
    } else if battery.milters.iter().any(|milter| milter.results.len() < battery.cases.len())
        || results().any(|(case, result)| case.level == Level::Must && result.verdict == Verdict::Crash)
    {
        Exit::MILTER
    } else if results().any(|(case, result)| case.level == Level::Must && result.verdict.is_bad()) {
        Exit::FAILED
    } else {
        Exit::PASSED
    }
}

fn selected(args: &ConformArgs) -> Vec<Arc<Case>> {
    let holds = |case: &Case, texts: &[String]| texts.iter().any(|text| case.id.contains(text.as_str()));
    let wanted = |case: &Case| (args.filters.is_empty() || holds(case, &args.filters)) && !holds(case, &args.skipped);
    super::cases().into_iter().filter(|case| case.level <= args.level && wanted(case)).map(Arc::new).collect()
}

fn listing(cases: &[Arc<Case>], with_all: bool) -> String {
    let mut text = String::new();
    for case in cases {
        let Case { id, level, title, reason, standard, seen, .. } = case.as_ref();
        put(&mut text, format_args!("{level:<6} {id:<40} {title}\n       {reason}\n"));
        if with_all {
            put(&mut text, format_args!("       libmilter {standard}\n       seen: {seen}\n"));
        }
    }
    put(&mut text, format_args!("{} cases\n", cases.len()));
    text
}

/// What `--help` says behind the options.
pub const HELP: &str = "\
Examples:
  fake-mta conform --milter unix:/run/my.sock              a milter that is running already
  fake-mta conform --command './my-milter -s {listen}'     started here, and again when it crashes
  fake-mta conform --suite scenarios --level must          as scenarios/fake-mta.toml says
  fake-mta conform --suite scenarios --zone my.zone        with another DNS, where the milter refuses most of the mail
  fake-mta conform --command a='./a {listen}' --command b='./b {listen}' --report html=matrix.html
  fake-mta conform --list                                  what is tried, and why
  fake-mta conform --list -v --filter message/quit         all that is known of a case: what libmilter does, which MTA does the like

Verdicts: pass, fail (broke the protocol), crash, hang, leak, skip (cannot be tried here).
Exit codes: 0 every `must` passed   1 one did not   3 a milter did not start, or nobody listens there
            4 one crashed in a `must`, or cannot be tried any more   130 interrupted; what was tried is shown";
