//! `fake-mta send`: one message through a milter, from the command line.

mod args;
mod columns;
mod dialogue;
mod letter;
mod print;

use std::{sync::Arc, time::Duration};

pub use args::{HELP, SendArgs};

use self::dialogue::{Outcome, Verdict};
use crate::{
    diag::Diag,
    run::{Cancel, Console, Exit},
};

/// Sends the message and shows what came of it. The exit code is that of the worst outcome: 0 taken by the MTA, 1 refused,
/// 3 no connection to the milter, 4 the milter broke the protocol or went away, 5 it did not answer in time.
pub async fn send(args: &SendArgs, cancel: &Cancel, console: &mut Console) -> Exit {
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
    if args.quiet {
        print::raw(&outcomes, console);
    } else {
        show(args, &letter, &outcomes, console).await;
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
        for outcome in outcomes {
            // What the MTA itself does to a message is no change of the milter's.
            let without = dialogue::play(args, outcome.personality, Arc::new(args.settings(false)), letter).await;
            console.results(&print::changes(&without, outcome));
        }
        return;
    }
    match outcomes {
        [first, second] if first.delivered.is_some() && second.delivered.is_some() => {
            console.results(&print::message(first));
            console.results(&print::between(first, second));
        }
        _ => outcomes.iter().for_each(|outcome| console.results(&print::message(outcome))),
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
