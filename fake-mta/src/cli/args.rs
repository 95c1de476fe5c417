//! The options of `fake-mta run`, and of the commands that only read scenarios.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, builder::TypedValueParser};

use super::{program_dir, suggest::suggesting};
use crate::{
    openspf::TimeoutForm,
    report::{self, Target},
    run::{Again, BlessMode, Keep, MilterAddr, Options, Part, Shard},
    scenario::{ProfileName, Unknown},
};

#[derive(Args, Debug)]
pub(super) struct SelectArgs {
    /// Scenario files and openspf suites (*.yml), and folders to search for them (*.toml, fake-mta.toml apart)
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,

    /// Only the runs in this profile: sendmail, postfix, direct, or a release such as postfix-3.7
    #[arg(long, value_name = "PROFILE", value_parser = profiles(), hide_possible_values = true)]
    profile: Option<ProfileName>,

    /// Only the runs whose file or name holds this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Only the runs of scenarios with this tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,

    /// Only one share of the runs: 1/3, 2/3 and 3/3 together are all of them
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
}

#[derive(Args, Debug)]
pub(super) struct RunArgs {
    #[command(flatten)]
    select: SelectArgs,

    /// A milter that is running already, as unix:/path or inet:port@host; then no fake-mta.toml is needed, and runs are played one at
    /// a time; may be given several times, for scenarios with a chain of milters
    #[arg(long = "milter", value_name = "ADDR")]
    milters: Vec<MilterAddr>,

    /// Where the fake DNS server listens, for a milter that has to know it beforehand; runs are then played one at a time [default: a
    /// free port of 127.0.0.1]
    #[arg(long, value_name = "IP:PORT")]
    dns: Option<SocketAddr>,

    /// Start milters in a network of their own, whose /etc/resolv.conf names the fake DNS server, at 127.0.0.1:53;
    /// `netns = true` in fake-mta.toml does the same
    #[arg(long, conflicts_with_all = ["milters", "dns"])]
    pub(super) netns: bool,

    /// What TIMEOUT in openspf suites (*.yml) stands for: servfail (nobody waits) or silence
    #[arg(long, value_name = "FORM", default_value_t, value_parser = timeout_form)]
    openspf_timeout: TimeoutForm,

    /// How many runs are played at once [default: the number of processors]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Accept what came: rewrite the lines that differ. `check` only shows it, `force` rewrites lines with matchers too
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true, default_missing_value = "write", hide_possible_values = true, value_parser = suggesting(bless_mode, BLESS_MODES))]
    bless: Option<BlessMode>,

    /// Play everything this many times; what passes and fails by turns is flaky, which is a failure [default: 1, or no limit
    /// with --until-fail]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    repeat: Option<u32>,

    /// Play everything again and again until something fails (at most as often as --repeat says)
    #[arg(long)]
    until_fail: bool,

    /// A report for machines: junit, tap, json, github or html, to a file or to standard output; may be given several times
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = reports(), hide_possible_values = true)]
    reports: Vec<Target>,

    /// Treat warnings as failures: what the milter should not send, and what sendmail and Postfix deliver differently
    #[arg(long)]
    strict: bool,

    /// Run again what changes: a scenario by itself, everything when a suite file, a zone or the milter's program changes
    #[arg(long, conflicts_with_all = ["repeat", "until_fail"])]
    watch: bool,

    /// Leave the milters, their DNS servers and their folders up until Ctrl-C, and say where they are; `folder` only leaves the
    /// folders behind
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "world", value_parser = keep, conflicts_with = "watch")]
    keep: Option<Keep>,

    /// Show the transcript of every run, and all places of a warning
    #[arg(long, short)]
    verbose: bool,
}

impl SelectArgs {
    pub(super) fn options(&self) -> Options {
        Options {
            profile: self.profile.clone(),
            filter: self.filter.clone(),
            part: Part { tags: self.tags.clone(), shard: self.shard },
            ..Options::new(self.paths.clone(), program_dir())
        }
    }
}

impl RunArgs {
    pub(super) fn options(&self) -> Options {
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Options {
            milters: self.milters.clone(),
            dns: self.dns,
            openspf_timeout: self.openspf_timeout,
            again: Again { times: self.repeat.unwrap_or_default(), until_fail: self.until_fail },
            jobs: self.jobs.map_or_else(processors, usize::from),
            bless: self.bless,
            reports: self.reports.clone(),
            strict: self.strict,
            watch: self.watch,
            keep: self.keep.unwrap_or_default(),
            verbose: self.verbose,
            ..self.select.options()
        }
    }
}

fn timeout_form(text: &str) -> Result<TimeoutForm, String> {
    text.parse().map_err(|unknown: Unknown| format!("{unknown}, {}", unknown.help))
}

fn keep(text: &str) -> Result<Keep, String> {
    match text {
        "world" => Ok(Keep::World),
        "folder" => Ok(Keep::Folder),
        _ => Err("write --keep or --keep=folder".to_owned()),
    }
}

/// The parser of `--profile`.
fn profiles() -> impl TypedValueParser<Value = ProfileName> {
    suggesting(ProfileName::from_argument, ProfileName::ALL.map(|(name, _)| name))
}

/// The parser of `--report`.
fn reports() -> impl TypedValueParser<Value = Target> {
    suggesting(str::parse::<Target>, report::format_names())
}

const BLESS_MODES: [&str; 3] = ["write", "check", "force"];

fn bless_mode(text: &str) -> Result<BlessMode, String> {
    match text {
        "write" => Ok(BlessMode::Write),
        "check" => Ok(BlessMode::Check),
        "force" => Ok(BlessMode::Force),
        _ => Err("write --bless, --bless=check or --bless=force".to_owned()),
    }
}

/// The end of the help of `run`.
pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  fake-mta run scenarios                                  everything below a folder
  fake-mta run scenarios/talk --profile postfix           one profile
  fake-mta run a.toml --filter 'DNS time-out' -v          one run, with its transcript
  fake-mta run scenarios --bless=check                    what would --bless rewrite?
  fake-mta run a.toml --milter inet:8891@127.0.0.1 --dns 127.0.0.1:5353
                                                          a milter that is running already";

/// The end of the help of `check`.
pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  fake-mta check                                          everything below the folder scenarios
  fake-mta check a.toml                                   one file; no milter is needed";

/// The end of the help of `list`.
pub(super) const LIST_EXAMPLES: &str = "\
Examples:
  fake-mta list                                           all runs below the folder scenarios
  fake-mta list scenarios/talk --profile postfix          those of a folder, in one profile";
