//! What spf-milter costs beside a filter on libmilter that does nothing, under the same load in the same run; see README.md.

mod bare;
mod filter;
mod generator;
mod load;
mod report;
mod sink;

use std::{env, error::Error, process::ExitCode, time::Duration};

use nix::sys::{resource::Usage, time::TimeVal};

use crate::{
    filter::{Running, World},
    load::{Load, Reuse, Socket},
    report::{Cell, Measured},
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["cost", milter, fake_mta, messages, rounds] => {
            number(messages).and_then(|m| cost(milter, fake_mta, m, number(rounds)?))
        }
        ["memory", milter, fake_mta, messages] => number(messages).and_then(|m| memory(milter, fake_mta, m)),
        ["generator", fake_mta, messages, rounds] => std::path::absolute(fake_mta)
            .map_err(Into::into)
            .and_then(|program| generator::compare(&program.display().to_string(), number(messages)?, number(rounds)?)),
        _ => {
            eprintln!(
                "usage: bench-load cost MILTER FAKE-MTA MESSAGES ROUNDS | bench-load memory MILTER FAKE-MTA MESSAGES | \
                 bench-load generator FAKE-MTA MESSAGES ROUNDS"
            );
            return ExitCode::from(64);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-load: {error}");
            ExitCode::FAILURE
        }
    }
}

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// The processor time of a usage.
fn cpu(usage: &Usage) -> Duration {
    let time = |time: TimeVal| Duration::from_micros((time.tv_sec() * 1_000_000 + time.tv_usec()).unsigned_abs());
    time(usage.user_time()) + time(usage.system_time())
}

fn number(word: &str) -> Done<usize> {
    word.replace('_', "").parse().map_err(|_| format!("`{word}` is no number").into())
}

/// Both filters in turn, for each kind of socket and connection.
fn cost(milter: &str, fake_mta: &str, messages: usize, rounds: usize) -> Done {
    let world = World::new()?;
    for socket in [Socket::Unix, Socket::Tcp] {
        for reuse in [Reuse::Never, Reuse::Always] {
            let filters = [Running::libmilter(&world, socket)?, Running::spf_milter(&world, socket, milter)?];
            let load = Load { fake_mta, reuse, messages, connections: CONNECTIONS };
            let mut cells = [Cell::new(&filters[0]), Cell::new(&filters[1])];
            for filter in &filters {
                // Threads, pools and DNS answers are there from now on.
                Load { messages: WARM_UP, ..load }.run(filter.address())?;
            }
            for _ in 0..rounds {
                for (filter, cell) in filters.iter().zip(&mut cells) {
                    cell.add(Measured::take(filter, &load)?);
                }
            }
            report::table(socket, &load, &cells);
        }
    }
    Ok(())
}

/// What spf-milter holds after a few messages and after many.
fn memory(milter: &str, fake_mta: &str, messages: usize) -> Done {
    let world = World::new()?;
    let filter = Running::spf_milter(&world, Socket::Unix, milter)?;
    let mut done = 0;
    for goal in [FIRST_LOOK.min(messages), messages] {
        let load = Load { fake_mta, reuse: Reuse::Never, messages: goal - done, connections: CONNECTIONS };
        if load.messages > 0 {
            load.run(filter.address())?;
        }
        done = goal;
        report::memory(done, &filter)?;
    }
    Ok(())
}

/// So many connections are open at a time.
const CONNECTIONS: usize = 4;

/// Messages before time is taken.
const WARM_UP: usize = 1_000;

/// The messages after which memory is looked at first.
const FIRST_LOOK: usize = 10_000;
