//! `fake-mta replay PATHS`.

use std::path::PathBuf;

use super::{Capture, Medium, replay, report::Report, source};
use crate::{
    diag::Diag,
    run::{Console, Exit},
};

/// What to replay, and how to tell it.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplayArgs {
    /// Captures (*.json), files of captures (*.jsonl), and folders of both
    #[arg(required = true)]
    paths: Vec<PathBuf>,

    /// Only captures whose MTA/NAME, or whose group, holds this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Write the result as JSON, to standard output
    #[arg(long = "report", value_name = "FORMAT", value_parser = ["json"])]
    report: Option<String>,

    /// Talk over loopback sockets instead of pipes in memory; waits take their time then
    #[arg(long)]
    sockets: bool,
}

/// The end of the help.
pub const HELP: &str = "\
Examples:
  fake-mta replay seen                       what `fake-mta record --dir seen` has written
  fake-mta replay captures --filter neg-v0   some of a folder";

/// Replays the captures and says what differs. The exit code tells whether anything does that is not known to.
pub fn run(args: &ReplayArgs, console: &mut Console) -> Exit {
    let captures = match source::read(&args.paths) {
        Ok(captures) => captures,
        Err(error) => {
            console.diags(&[Diag::error(error.to_string())]);
            return Exit::UNREADABLE;
        }
    };
    let medium = if args.sockets { Medium::Sockets } else { Medium::Memory };
    // A paused clock jumps over waits; with real sockets it would jump over answers too.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = match runtime.enable_all().start_paused(medium == Medium::Memory).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.diags(&[Diag::error(format!("cannot start the runtime: {error}"))]);
            return Exit::HARNESS;
        }
    };
    let mut report = Report::default();
    for capture in captures.iter().filter(|capture| args.wants(capture)) {
        let judged = runtime.block_on(replay(capture, medium));
        if args.report.is_none() {
            console.results(&format!("{judged}\n"));
        }
        report.push(judged);
    }
    match args.report {
        Some(_) => console.results(&format!("{:#}\n", report.to_json())),
        None => console.results(&report.summary()),
    }
    if report.is_good() { Exit::PASSED } else { Exit::FAILED }
}

impl ReplayArgs {
    fn wants(&self, capture: &Capture) -> bool {
        let Some(text) = &self.filter else { return true };
        format!("{}/{}", capture.mta, capture.name).contains(text.as_str()) || capture.group.contains(text.as_str())
    }
}
