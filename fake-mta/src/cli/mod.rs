//! The command line.

mod args;
mod stop;
mod suggest;

use std::{ffi::OsString, path::PathBuf};

use clap::{CommandFactory as _, Parser, Subcommand, builder::StringValueParser, error::ErrorKind};

use self::{
    args::{CHECK_EXAMPLES, LIST_EXAMPLES, RUN_EXAMPLES, RunArgs, SelectArgs},
    stop::{on_one_thread, until_stopped},
    suggest::suggesting,
};
use crate::{
    bench::{self, BenchArgs},
    conform::{self, ConformArgs},
    diag::Diag,
    explain,
    filter_script::{self, FilterOptions},
    fmt::{self, FmtArgs},
    format::{self, FileKind},
    init::{self, InitArgs},
    lint::Lint,
    manual,
    record::{self, DecodeArgs, RecordArgs},
    replay::{self, ReplayArgs},
    run::{self, Console, Exit, Options, Player},
    send::{self, SendArgs},
    serve::{self, ServeArgs},
    under_test::MilterArgs,
};

/// A scripted fake MTA: runs scenarios against a milter as sendmail and Postfix would.
#[derive(Debug, Parser)]
#[command(name = "fake-mta", version, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"), max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios and judge what comes out
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Read scenario files and say what is wrong in them, without running any
    #[command(after_help = CHECK_EXAMPLES)]
    Check(SelectArgs),
    /// List the runs that the scenario files stand for: one for each variant, case and profile
    #[command(after_help = LIST_EXAMPLES)]
    List(SelectArgs),
    /// Be a filter that answers as a script says: any answer, legal or not
    #[command(after_help = filter_script::HELP)]
    Filter(FilterOptions),
    /// Replay captured sessions of real MTAs against the fake one, and say what differs
    #[command(after_help = replay::HELP)]
    Replay(ReplayArgs),
    /// Send one message through a milter, and show the session and what became of the message
    #[command(after_help = send::HELP)]
    Send(Box<SendArgs>),
    /// Be an MTA that real SMTP clients can talk to, with milters and a maildir
    #[command(after_help = serve::HELP)]
    Serve(Box<ServeArgs>),
    /// Stand between a real MTA and a real milter, and write down what goes through
    #[command(after_help = record::RECORD_HELP)]
    Record(RecordArgs),
    /// Show the milter packets in captures, pcap files and dumps
    #[command(after_help = record::DECODE_HELP)]
    Decode(DecodeArgs),
    /// Test how milters cope with all that MTAs send, and with what none should send: conformance and robustness
    #[command(after_help = conform::HELP)]
    Conform(ConformArgs),
    /// Put load on milters with the packets of a scenario: latencies by stage, messages a second
    #[command(after_help = bench::HELP)]
    Bench(BenchArgs),
    /// Write a fake-mta.toml and a first scenario for a milter of your own
    #[command(after_help = init::HELP)]
    Init(InitArgs),
    /// Format scenario files and fake-mta.toml: spaces, empty lines, lists; comments and lined-up columns stay
    #[command(after_help = fmt::HELP)]
    Fmt(FmtArgs),
    /// Write the JSON schema of scenario files, or of fake-mta.toml, to standard output: for editors
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema {
        /// Of which files
        #[arg(value_enum, default_value_t = FileKind::Scenario)]
        kind: FileKind,
    },
    /// Say what a warning means, why it matters and what to do; without a name, list all
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// The name of a warning: edit-not-negotiated
        #[arg(value_parser = suggesting(StringValueParser::new(), Lint::ALL.iter().map(|lint| lint.id())), hide_possible_values = true)]
        name: Option<String>,
    },
    /// Write completions for a shell to standard output
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Write a manual page for each command into a folder
    #[command(after_help = MAN_EXAMPLES)]
    Man {
        /// The folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
}

/// Does what the command line asks for, and stops it at Ctrl-C or SIGTERM; a second Ctrl-C ends the program at once.
pub fn main(args: impl IntoIterator<Item = OsString>, player: impl Player + Clone) -> Exit {
    let mut console = Console::standard();
    let args: Vec<OsString> = args.into_iter().collect();
    let exit = parse_and_execute(&args, player, &mut console);
    console.ended(exit)
}

fn parse_and_execute(args: &[OsString], player: impl Player + Clone, console: &mut Console) -> Exit {
    let command = match parse(args, console) {
        Ok(command) => command,
        Err(exit) => return exit,
    };
    match wants_namespaces(&command) {
        Ok(true) if !run::is_in_namespaces() => enter_namespaces(args, console),
        Ok(_) => execute(command, player, console),
        Err(diag) => {
            console.diags(&[diag]);
            Exit::USAGE
        }
    }
}

/// Reads the command line; help and complaints are written here, and the exit code is what is left to say.
fn parse(args: &[OsString], console: &mut Console) -> Result<Command, Exit> {
    let cli = Cli::try_parse_from(args).map_err(|error| {
        let text = error.render().to_string();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                console.results(&text);
                Exit::PASSED
            }
            _ => {
                console.message(&text);
                Exit::USAGE
            }
        }
    })?;
    Ok(cli.command)
}

fn execute(command: Command, player: impl Player + Clone, console: &mut Console) -> Exit {
    match command {
        Command::Run(args) => run_scenarios(&args.options(), player, console),
        Command::Check(select) => run::check(&select.options(), console),
        Command::List(select) => run::list(&select.options(), console),
        Command::Filter(options) => {
            until_stopped(console, async |cancel, console| filter_script::serve(&options, cancel, console).await)
        }
        Command::Serve(args) => {
            until_stopped(console, async |cancel, console| serve::serve(&args, cancel, console).await)
        }
        Command::Record(args) => {
            until_stopped(console, async |cancel, console| record::record(&args, cancel, console).await)
        }
        Command::Decode(args) => record::decode(&args, console),
        Command::Replay(args) => replay::run(&args, console),
        Command::Send(args) => {
            until_stopped(console, async |cancel, console| send::send(&args, program_dir(), cancel, console).await)
        }
        Command::Conform(args) => {
            until_stopped(console, async |cancel, console| conform::run(&args, program_dir(), cancel, console).await)
        }
        // The load itself must not take the processors that the milter runs on, as far as that can be.
        Command::Bench(args) => {
            on_one_thread(console, async |cancel, console| bench::run(&args, program_dir(), cancel, console).await)
        }
        Command::Init(args) => init::init(&args, console),
        Command::Fmt(args) => fmt::run(&args, console),
        Command::Schema { kind } => {
            console.results(&format::schema_text(kind));
            Exit::PASSED
        }
        Command::Explain { name } => explain::explain(name.as_deref(), console),
        Command::Completions { shell } => manual::completions(shell, console),
        Command::Man { dir } => manual::pages(&dir, console),
    }
}

fn run_scenarios(options: &Options, player: impl Player + Clone, console: &mut Console) -> Exit {
    until_stopped(console, async |cancel, console| {
        if options.watch {
            return run::watch(options, player, cancel, console).await;
        }
        run::run(options, player, cancel, console).await.exit
    })
}

/// Whether a milter has to be started in namespaces of its own.
fn wants_namespaces(command: &Command) -> Result<bool, Diag> {
    match command {
        Command::Run(args) => Ok(args.netns || run::wants_namespaces(&args.options())),
        Command::Send(args) => Ok(send::suite(args).is_ok_and(|suite| suite.is_some_and(|suite| suite.netns))),
        Command::Conform(args) => args.milters().map_or(Ok(false), MilterArgs::wants_namespaces),
        Command::Bench(args) => args.wants_namespaces(),
        _ => Ok(false),
    }
}

/// Replaces the program by itself in namespaces of its own; comes back only with a complaint.
fn enter_namespaces(args: &[OsString], console: &mut Console) -> Exit {
    console.diags(&[run::enter_namespaces(args)]);
    Exit::HARNESS
}

/// The command line's description, for manual pages and completions.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// The folder of the running program; the current one if the system does not tell.
fn program_dir() -> PathBuf {
    let program = std::env::current_exe().ok();
    program.and_then(|program| Some(program.parent()?.to_owned())).unwrap_or_else(|| PathBuf::from("."))
}

/// The first commands that anybody needs.
const EXAMPLES: &str = "\
Examples:
  fake-mta init --command './my-milter {listen}'          a first scenario for your milter
  fake-mta run                                            play all scenarios of the folder scenarios
  fake-mta send -m unix:/run/my.sock --diff letter.eml    what does a milter do to one message?
  fake-mta conform --milter unix:/run/my.sock             does it keep to the protocol?

A TIME is a number with a unit: 500ms, 10s, 5m, 1h.
An ADDR is unix:/path, inet:port@host or inet6:port@host.";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  fake-mta schema > scenario.json            for scenario files
  fake-mta schema suite > suite.json         for fake-mta.toml";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  fake-mta explain                           all warnings, a line each
  fake-mta explain reply-unasked             one of them";

const COMPLETIONS_EXAMPLES: &str = "\
Example:
  fake-mta completions bash > ~/.local/share/bash-completion/completions/fake-mta";

const MAN_EXAMPLES: &str = "\
Example:
  fake-mta man ~/.local/share/man/man1; man fake-mta-run";

/// What each exit code means, under a heading.
pub(crate) const EXIT_CODES: &str = "\
Exit status:
  0 all passed   1 an expectation failed   2 a file could not be read   3 the harness failed
  4 the milter crashed or broke the protocol   5 time-out   64 wrong usage   130 stopped by Ctrl-C";
