//! The command line.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{Args, CommandFactory as _, Parser, Subcommand, error::ErrorKind};

use crate::{
    bench::{self, BenchArgs},
    conform::{self, ConformArgs},
    diag::Diag,
    filter_script::{self, FilterOptions},
    fmt::{self, FmtArgs},
    format::{self, FileKind},
    init::{self, InitArgs},
    manual,
    openspf::TimeoutForm,
    record::{self, DecodeArgs, RecordArgs},
    replay::{self, ReplayArgs},
    report::Target,
    run::{self, Again, BlessMode, Cancel, Console, Exit, MilterAddr, Options, Part, Player, Shard},
    scenario::{ProfileName, Unknown},
    send::{self, SendArgs},
    serve::{self, ServeArgs},
    under_test::MilterArgs,
};

/// A scripted fake MTA: runs scenarios against a milter as sendmail and Postfix would.
#[derive(Debug, Parser)]
#[command(name = "fake-mta", version, after_help = EXAMPLES, max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    command: Subcommands,
}

/// What the program is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Run scenarios.
    Run(Options),
    /// Run scenarios in namespaces of their own.
    RunApart(Options),
    /// Read scenarios and say what is wrong in them.
    Check(Options),
    /// Write the names of the runs.
    List(Options),
    /// Be a filter that answers as a script says.
    Filter(FilterOptions),
    /// Replay captured sessions of real MTAs.
    Replay(ReplayArgs),
    /// Send one message through a milter.
    Send(Box<SendArgs>),
    /// Serve real SMTP clients.
    Serve(ServeArgs),
    /// Stand between an MTA and a milter.
    Record(RecordArgs),
    /// Show what is in a capture.
    Decode(DecodeArgs),
    /// Try how a milter takes what MTAs send, and what they do not.
    Conform(ConformArgs),
    /// Put load on a milter.
    Bench(BenchArgs),
    /// Write a first scenario.
    Init(InitArgs),
    /// Give files their one form.
    Fmt(FmtArgs),
    /// Write the JSON schema of a kind of file.
    Schema(FileKind),
    /// Write completions for a shell.
    Completions(clap_complete::Shell),
    /// Write manual pages into a folder.
    Man(PathBuf),
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Run scenarios and judge what comes out
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Read scenario files and say what is wrong in them, without running any
    Check(SelectArgs),
    /// List the runs that the scenario files stand for: one for each variant, case and profile
    List(SelectArgs),
    /// Be a filter that answers as a script says: any answer, legal or not
    #[command(after_help = filter_script::HELP)]
    Filter(FilterArgs),
    /// Replay captured sessions of real MTAs against the fake one, and say what differs
    Replay(ReplayArgs),
    /// Send one message through a milter, and show the session and what became of the message
    #[command(after_help = send::HELP)]
    Send(Box<SendArgs>),
    /// Be an MTA that real SMTP clients can talk to, with milters and a maildir
    #[command(after_help = serve::HELP)]
    Serve(ServeArgs),
    /// Stand between a real MTA and a real milter, and write down what goes through
    #[command(after_help = record::RECORD_HELP)]
    Record(RecordArgs),
    /// Show the milter packets in captures, pcap files and dumps
    #[command(after_help = record::DECODE_HELP)]
    Decode(DecodeArgs),
    /// Try how milters take everything that MTAs send, and what none should: conformance and robustness
    #[command(after_help = conform::HELP)]
    Conform(ConformArgs),
    /// Put load on milters with the packets of a scenario: latencies by stage, messages a second
    #[command(after_help = bench::HELP)]
    Bench(BenchArgs),
    /// Write a fake-mta.toml and a first scenario for a milter of one's own
    Init(InitArgs),
    /// Give scenario files and fake-mta.toml their one form: spaces, empty lines, lists; comments and lined-up columns stay
    Fmt(FmtArgs),
    /// Write the JSON schema of scenario files, or of fake-mta.toml, to standard output: for editors
    Schema {
        /// Of which files
        #[arg(value_enum, default_value_t = FileKind::Scenario)]
        kind: FileKind,
    },
    /// Write completions for a shell to standard output
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Write a manual page for each command into a folder
    Man {
        /// The folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
}

#[derive(Args, Debug)]
struct SelectArgs {
    /// Scenario files and openspf suites (*.yml), and folders to search for them (*.toml, fake-mta.toml apart)
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,

    /// Only the runs in this profile
    #[arg(long, value_name = "PROFILE", value_parser = ProfileName::from_argument)]
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
struct RunArgs {
    #[command(flatten)]
    select: SelectArgs,

    /// A milter that runs already, as unix:/path or inet:port@host; fake-mta.toml is not needed then, and one run goes at a time
    #[arg(long, value_name = "ADDR")]
    milter: Option<MilterAddr>,

    /// Where the fake DNS server listens, for a milter that has to know it beforehand; one run goes at a time then
    #[arg(long, value_name = "IP:PORT")]
    dns: Option<SocketAddr>,

    /// Start milters in a network of their own, whose /etc/resolv.conf names the fake DNS server, at 127.0.0.1:53;
    /// `netns = true` in fake-mta.toml does the same
    #[arg(long, conflicts_with_all = ["milter", "dns"])]
    netns: bool,

    /// What TIMEOUT in openspf suites (*.yml) stands for: servfail (nobody waits) or silence
    #[arg(long, value_name = "FORM", default_value_t, value_parser = timeout_form)]
    openspf_timeout: TimeoutForm,

    /// How many runs go at once [default: the number of processors]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Accept what came: rewrite the lines that differ. `check` only shows it, `force` rewrites lines with matchers too
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true, default_missing_value = "write", value_parser = bless_mode)]
    bless: Option<BlessMode>,

    /// Play everything so many times; what passes and fails by turns is flaky, which is a failure
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    repeat: u32,

    /// Play everything again and again until something fails (at most as often as --repeat says)
    #[arg(long)]
    until_fail: bool,

    /// A report for machines: junit, tap, json, github or html, to a file or to standard output
    #[arg(long = "report", value_name = "FORMAT[=FILE]")]
    reports: Vec<Target>,

    /// Warnings are failures: what the milter should not send, and what sendmail and Postfix deliver differently
    #[arg(long)]
    strict: bool,

    /// Run again what changes: a scenario by itself, everything when a suite file, a zone or the milter's program changes
    #[arg(long, conflicts_with_all = ["repeat", "until_fail"])]
    watch: bool,

    /// Leave the temporary folders behind
    #[arg(long)]
    keep: bool,

    /// Show the transcript of every run, and all places of a warning
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Args, Debug)]
struct FilterArgs {
    /// The script; see below
    #[arg(long, value_name = "FILE")]
    script: PathBuf,

    /// Where to listen: unix:/path or inet:port@host
    #[arg(long, value_name = "ADDR")]
    listen: MilterAddr,

    /// Say on standard error what goes over the connections
    #[arg(long, short)]
    verbose: bool,
}

/// Reads the command line.
///
/// # Errors
/// The exit code, when help was asked for (0) or the line is wrong (64); the text is written already.
pub fn parse(args: impl IntoIterator<Item = OsString>, console: &mut Console) -> Result<Command, Exit> {
    let cli = Cli::try_parse_from(args).map_err(|error| {
        let text = error.render();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                console.results(&text.to_string());
                Exit::PASSED
            }
            _ => {
                console.message(&text.to_string());
                Exit::USAGE
            }
        }
    })?;
    Ok(match cli.command {
        Subcommands::Run(args) if args.netns => Command::RunApart(args.into_options()),
        Subcommands::Run(args) => Command::Run(args.into_options()),
        Subcommands::Check(select) => Command::Check(select.into_options()),
        Subcommands::List(select) => Command::List(select.into_options()),
        Subcommands::Filter(FilterArgs { script, listen, verbose }) => {
            Command::Filter(FilterOptions { script, listen, verbose })
        }
        Subcommands::Replay(args) => Command::Replay(args),
        Subcommands::Send(args) => Command::Send(args),
        Subcommands::Serve(args) => Command::Serve(args),
        Subcommands::Record(args) => Command::Record(args),
        Subcommands::Decode(args) => Command::Decode(args),
        Subcommands::Conform(args) => Command::Conform(args),
        Subcommands::Bench(args) => Command::Bench(args),
        Subcommands::Init(args) => Command::Init(args),
        Subcommands::Fmt(args) => Command::Fmt(args),
        Subcommands::Schema { kind } => Command::Schema(kind),
        Subcommands::Completions { shell } => Command::Completions(shell),
        Subcommands::Man { dir } => Command::Man(dir),
    })
}

/// Does what the command line asks for, and stops it at Ctrl-C or SIGTERM; a second Ctrl-C ends the program at once.
pub fn main(args: impl IntoIterator<Item = OsString>, player: impl Player + Clone) -> Exit {
    let mut console = Console::standard();
    let args: Vec<OsString> = args.into_iter().collect();
    let command = parse(args.clone(), &mut console);
    match command.as_ref().map_or(Ok(false), wants_namespaces) {
        Ok(true) if !run::is_in_namespaces() => return enter_namespaces(&args, &mut console),
        Ok(_) => {}
        Err(diag) => {
            console.diags(&[diag]);
            return Exit::USAGE;
        }
    }
    match command {
        Ok(Command::Run(options) | Command::RunApart(options)) => run_until_stopped(&options, player, &mut console),
        Ok(Command::Check(options)) => run::check(&options, &mut console),
        Ok(Command::List(options)) => run::list(&options, &mut console),
        Ok(Command::Filter(options)) => filter_until_stopped(&options, &mut console),
        Ok(Command::Serve(args)) => {
            until_stopped(&mut console, async |cancel, console| serve::serve(&args, cancel, console).await)
        }
        Ok(Command::Record(args)) => {
            until_stopped(&mut console, async |cancel, console| record::record(&args, cancel, console).await)
        }
        Ok(Command::Decode(args)) => record::decode(&args, &mut console),
        Ok(Command::Replay(args)) => replay::run(&args, &mut console),
        Ok(Command::Send(args)) => {
            until_stopped(&mut console, async |cancel, console| send::send(&args, cancel, console).await)
        }
        Ok(Command::Conform(args)) => until_stopped(&mut console, async |cancel, console| {
            conform::run(&args, program_dir(), cancel, console).await
        }),
        Ok(Command::Bench(args)) => bench_until_stopped(&args, &mut console),
        Ok(Command::Init(args)) => init::init(&args, &mut console),
        Ok(Command::Fmt(args)) => fmt::run(&args, &mut console),
        Ok(Command::Schema(kind)) => {
            console.results(&format::schema_text(kind));
            Exit::PASSED
        }
        Ok(Command::Completions(shell)) => manual::completions(shell, &mut console),
        Ok(Command::Man(dir)) => manual::pages(&dir, &mut console),
        Err(exit) => exit,
    }
}

/// Whether a milter has to be started in namespaces of its own.
fn wants_namespaces(command: &Command) -> Result<bool, Diag> {
    match command {
        Command::RunApart(_) => Ok(true),
        Command::Run(options) => Ok(run::wants_namespaces(options)),
        Command::Conform(args) => args.milters().map_or(Ok(false), MilterArgs::wants_namespaces),
        Command::Bench(args) => args.milters().wants_namespaces(),
        _ => Ok(false),
    }
}

/// Replaces the program by itself in namespaces of its own; comes back only with a complaint.
fn enter_namespaces(args: &[OsString], console: &mut Console) -> Exit {
    console.diags(&[run::enter_namespaces(args)]);
    Exit::HARNESS
}

/// One thread: the load itself must not take the processors that the milter runs on, as far as that can be.
fn bench_until_stopped(args: &BenchArgs, console: &mut Console) -> Exit {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) =
        built.map_err(|error| console.diags(&[Diag::error(format!("cannot start the runtime: {error}"))]))
    else {
        return Exit::HARNESS;
    };
    let cancel = Cancel::new();
    runtime.spawn(watch_signals(cancel.clone()));
    runtime.block_on(bench::run(args, program_dir(), &cancel, console))
}

fn run_until_stopped(options: &Options, player: impl Player + Clone, console: &mut Console) -> Exit {
    let Some(runtime) = runtime(console) else { return Exit::HARNESS };
    let cancel = Cancel::new();
    runtime.spawn(watch_signals(cancel.clone()));
    if options.watch {
        return runtime.block_on(run::watch(options, player, &cancel, console));
    }
    runtime.block_on(run::run(options, player, &cancel, console)).exit
}

/// A filter is stopped by a signal and by nothing else: that is no failure.
fn filter_until_stopped(options: &FilterOptions, console: &mut Console) -> Exit {
    let Some(runtime) = runtime(console) else { return Exit::HARNESS };
    let cancel = Cancel::new();
    runtime.spawn(watch_signals(cancel.clone()));
    match runtime.block_on(filter_script::run(options, &cancel)) {
        Ok(()) => Exit::PASSED,
        Err(problems) => {
            console.diags(&problems);
            Exit::UNREADABLE
        }
    }
}

/// Does something that ends by itself, or at a signal.
fn until_stopped(console: &mut Console, work: impl AsyncFnOnce(&Cancel, &mut Console) -> Exit) -> Exit {
    let Some(runtime) = runtime(console) else { return Exit::HARNESS };
    let cancel = Cancel::new();
    runtime.spawn(watch_signals(cancel.clone()));
    runtime.block_on(work(&cancel, console))
}

fn runtime(console: &mut Console) -> Option<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| console.diags(&[Diag::error(format!("cannot start the runtime: {error}"))])).ok()
}

/// Raises the flag at the first signal. At the second one nothing is left to wait for.
async fn watch_signals(cancel: Cancel) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return;
    };
    loop {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
        if cancel.is_cancelled() {
            std::process::exit(Exit::CANCELLED.0.into());
        }
        cancel.cancel();
    }
}

/// The command line's description, for manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

impl SelectArgs {
    fn into_options(self) -> Options {
        Options {
            paths: self.paths,
            milter: None,
            dns: None,
            profile: self.profile,
            filter: self.filter,
            part: Part { tags: self.tags, shard: self.shard },
            again: Again::default(),
            openspf_timeout: TimeoutForm::default(),
            jobs: 1,
            bless: None,
            reports: Vec::new(),
            strict: false,
            watch: false,
            keep: false,
            verbose: false,
            bin: program_dir(),
        }
    }
}

impl RunArgs {
    fn into_options(self) -> Options {
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Options {
            milter: self.milter,
            dns: self.dns,
            openspf_timeout: self.openspf_timeout,
            again: Again { times: self.repeat, until_fail: self.until_fail },
            jobs: self.jobs.map_or_else(processors, usize::from),
            bless: self.bless,
            reports: self.reports,
            strict: self.strict,
            watch: self.watch,
            keep: self.keep,
            verbose: self.verbose,
            ..self.select.into_options()
        }
    }
}

fn timeout_form(text: &str) -> Result<TimeoutForm, String> {
    text.parse().map_err(|unknown: Unknown| format!("{unknown}, {}", unknown.help))
}

fn bless_mode(text: &str) -> Result<BlessMode, String> {
    match text {
        "write" => Ok(BlessMode::Write),
        "check" => Ok(BlessMode::Check),
        "force" => Ok(BlessMode::Force),
        _ => Err("write --bless, --bless=check or --bless=force".to_owned()),
    }
}

/// The folder of the running program; the current one if the system does not tell.
fn program_dir() -> PathBuf {
    let program = std::env::current_exe().ok();
    program.and_then(|program| Some(program.parent()?.to_owned())).unwrap_or_else(|| PathBuf::from("."))
}

const EXAMPLES: &str = "\
Exit codes:
  0 all passed   1 an expectation failed   2 a file could not be read   3 the harness failed
  4 the milter crashed or broke the protocol   5 time-out   64 wrong usage   130 stopped by Ctrl-C";

const RUN_EXAMPLES: &str = "\
Examples:
  fake-mta run scenarios                                  everything below a folder
  fake-mta run scenarios/talk --profile postfix           one profile
  fake-mta run a.toml --filter 'DNS time-out' -v          one run, with its transcript
  fake-mta run scenarios --bless=check                    what would --bless rewrite?
  fake-mta run a.toml --milter inet:8891@127.0.0.1 --dns 127.0.0.1:5353
                                                          a milter that runs already";
