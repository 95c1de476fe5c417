//! `fake-mta conform`.

use std::{fmt::Write as _, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;

use super::{
    battery::{Battery, MilterResult, Verdict, run_milter},
    case::{Case, Level},
    report::{Format, human, render},
};
use crate::{
    diag::Diag,
    report::{self, Target},
    run::{Cancel, Console, Exit},
    under_test::{MilterArgs, Origin, some_time},
};

/// What `fake-mta conform` is asked to do.
#[derive(Args, Debug)]
pub struct ConformArgs {
    #[command(flatten)]
    milters: MilterArgs,

    /// Only the cases whose id holds this text; may be given several times
    #[arg(long = "filter", value_name = "TEXT")]
    filters: Vec<String>,

    /// Only the cases of this level and above: must, should or may
    #[arg(long, value_name = "LEVEL", default_value_t = Level::May)]
    level: Level,

    /// How long the milter may take for any answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    timeout: Duration,

    /// List the cases, with their levels and reasons, and try none
    #[arg(long)]
    list: bool,

    /// A report: human, md, json, junit or html, to a file or to standard output (-); may be given several times
    #[arg(long = "report", value_name = "FORMAT[=FILE]")]
    reports: Vec<Target<Format>>,

    /// Show what went over the wire in every case that did not pass; twice for every case
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
        console.results(&listing(&cases));
        return Exit::PASSED;
    }
    let milters = match args.milters.origins() {
        Ok(milters) => milters,
        Err(problems) => {
            console.diags(&problems);
            return Exit::UNREADABLE;
        }
    };
    if milters.is_empty() || cases.is_empty() {
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
    let mut battery = Battery { cases, milters: Vec::new() };
    for (name, origin) in milters {
        let result = try_milter(&name, &origin, &battery.cases, args, &bin, cancel, console).await;
        battery.milters.push(result);
    }
    finish(&battery, args, cancel, console)
}

async fn try_milter(
    name: &str,
    origin: &Origin,
    cases: &[Arc<Case>],
    args: &ConformArgs,
    bin: &std::path::Path,
    cancel: &Cancel,
    console: &mut Console,
) -> MilterResult {
    let colour = console.colour();
    console.results(&human::heading(name, cases.len()));
    let verbose = args.verbose;
    let each =
        |case: &Case, result: &super::battery::CaseResult| console.results(&human::line(case, result, verbose, colour));
    let result = run_milter(name, origin, cases, args.timeout, bin, cancel, each).await;
    if let Some(fatal) = &result.fatal {
        console.diags(&[fatal.diag()]);
    }
    result
}

fn finish(battery: &Battery, args: &ConformArgs, cancel: &Cancel, console: &mut Console) -> Exit {
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
    if cancel.is_cancelled() { Exit::CANCELLED } else { exit }
}

/// What crashed counts for more than what failed; below `must` nothing is a failure of the run.
fn exit_of(battery: &Battery) -> Exit {
    let results = || battery.milters.iter().flat_map(|milter| battery.cases.iter().zip(&milter.results));
    if battery.milters.iter().any(|milter| milter.fatal.is_some()) {
        Exit::HARNESS
    } else if results().any(|(_, result)| result.verdict == Verdict::Crash) {
        Exit::MILTER
    } else if results().any(|(case, result)| case.level == Level::Must && result.verdict.is_bad()) {
        Exit::FAILED
    } else {
        Exit::PASSED
    }
}

fn selected(args: &ConformArgs) -> Vec<Arc<Case>> {
    let wanted =
        |case: &Case| args.filters.is_empty() || args.filters.iter().any(|text| case.id.contains(text.as_str()));
    super::cases().into_iter().filter(|case| case.level <= args.level && wanted(case)).map(Arc::new).collect()
}

fn listing(cases: &[Arc<Case>]) -> String {
    let mut text = String::new();
    for case in cases {
        writeln!(text, "{:<6} {:<40} {}", case.level, case.id, case.title).expect("a String takes everything");
    }
    writeln!(text, "{} cases", cases.len()).expect("a String takes everything");
    text
}

/// What `--help` says behind the options.
pub const HELP: &str = "\
Examples:
  fake-mta conform --milter unix:/run/my.sock              a milter that runs already
  fake-mta conform --command './my-milter -s {listen}'     started here, and again when it crashes
  fake-mta conform --suite scenarios --level must          as scenarios/fake-mta.toml says
  fake-mta conform --command a='./a {listen}' --command b='./b {listen}' --report html=matrix.html
  fake-mta conform --list                                  what is tried, and why

Verdicts: pass, fail (broke the protocol), crash, hang, leak, skip (cannot be tried here).
Exit codes: 0 every `must` passed   1 one did not   3 a milter did not start   4 one crashed";
