//! `fake-mta send`: one message through a milter, from the command line.

mod args;
mod columns;
mod dialogue;
mod letter;
mod print;
mod started;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use args::{HELP, SendArgs};
pub(crate) use started::suite;

use self::dialogue::{Outcome, Verdict};
use crate::{
    diag::Diag,
    run::{Cancel, Console, Exit},
    under_test::{Zones, unit_with},
};

/// Starts the milter, if it does not run already, sends the message through it and shows what came of it.
pub async fn send(args: &SendArgs, bin: PathBuf, cancel: &Cancel, console: &mut Console) -> Exit {
    let read = suite(args).and_then(|suite| Ok((suite, unit_with("send", Zones::Files(&args.zone))?)));
    let (suite, unit) = match read {
        Ok((Some(suite), unit)) => (suite, unit),
        Ok((None, _)) => return send_through(args, cancel, console).await,
        Err(problems) => {
            console.diags(&problems);
            return Exit::UNREADABLE;
        }
    };
    let mut world = match started::start(suite, &unit, bin, cancel).await {
        Ok(world) => world,
        Err(fatal) => {
            console.diags(&[Diag::from(&fatal)]);
            return Exit::HARNESS;
        }
    };
    let exit = send_through(&SendArgs { milter: world.milters().to_vec(), ..args.clone() }, cancel, console).await;
    let fatal = if exit == Exit::MILTER { world.milter_end().await } else { None };
    let fatal = fatal.or(world.stop().await);
    fatal.iter().for_each(|fatal| console.diags(&[Diag::from(fatal)]));
    if fatal.is_some() { Exit::MILTER } else { exit }
}

/// Sends the message and shows what came of it. The exit code is that of the worst outcome: 0 taken by the MTA, 1 refused,
/// 3 no connection to the milter, 4 the milter broke the protocol or went away, 5 it did not answer in time.
async fn send_through(args: &SendArgs, cancel: &Cancel, console: &mut Console) -> Exit {
    let letter = match args.letter() {
        Ok(letter) => letter,
        Err(diag) => {
            console.diags(&[diag]);
            return Exit::UNREADABLE;
        }
    };
    let mut outcomes = Vec::new();
    for personality in args.personalities() {
        let filters = || Arc::new(args.settings(true));
        let sent = tokio::time::timeout(SEND_LIMIT, dialogue::play(args, personality, filters(), &letter));
        match cancel.or(sent).await {
            Some(Ok(outcome)) => outcomes.push(outcome),
            Some(Err(_)) => {
                let limit = crate::run::duration_text(SEND_LIMIT);
                console.diags(&[Diag::error(format!("the session was not over within {limit}"))]);
                return Exit::TIMEOUT;
            }
            None => return Exit::CANCELLED,
        }
    }
    match (args.quiet, args.diff) {
        (true, false) => print::raw(&outcomes, console),
        (true, true) => show_changes(args, &letter, &outcomes, console).await,
        (false, _) => show(args, &letter, &outcomes, console).await,
    }
    worst(&outcomes)
}

async fn show(args: &SendArgs, letter: &[u8], outcomes: &[Outcome], console: &mut Console) {
    match outcomes {
        [one] => console.results(&print::transcript(one)),
        several => console.results(&columns::side_by_side(several, args.width())),
    }
    for outcome in outcomes {
        console.results(&print::verdict(outcome));
    }
    if args.diff {
        return show_changes(args, letter, outcomes, console).await;
    }
    match outcomes {
        [first, second] if first.delivered.is_some() && second.delivered.is_some() => {
            console.results(&print::message(first));
            console.results(&print::between(first, second));
        }
        _ => outcomes.iter().for_each(|outcome| console.results(&print::message(outcome))),
    }
}

async fn show_changes(args: &SendArgs, letter: &[u8], outcomes: &[Outcome], console: &mut Console) {
    // --quiet has told nothing else yet.
    for outcome in outcomes.iter().filter(|outcome| args.quiet && outcome.delivered.is_none()) {
        console.message(&print::verdict(outcome));
    }
    for outcome in outcomes {
        // What the MTA itself does to a message is no change of the milter's.
        let without = dialogue::play(args, outcome.personality, Arc::new(args.settings(false)), letter).await;
        console.results(&print::changes(&without, outcome));
    }
}

fn worst(outcomes: &[Outcome]) -> Exit {
    let exit = |outcome: &Outcome| match outcome.verdict {
        Verdict::Taken | Verdict::Held(_) | Verdict::Discarded => Exit::PASSED,
        Verdict::Refused(_) => Exit::FAILED,
        Verdict::Failed(exit, _) => exit,
    };
    outcomes.iter().map(exit).max_by_key(|exit| exit.0).unwrap_or(Exit::HARNESS)
}

/// How long a session may take altogether; each wait in it has a limit of its own.
const SEND_LIMIT: Duration = Duration::from_secs(600);
