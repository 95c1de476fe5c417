//! The same scenarios through real MTAs: Debian's sendmail and Postfix, each in network namespaces of its own, with the scenario's
//! milter attached. Every SMTP reply, every delivered message and every envelope must be what the fake MTA says.
//!
//! `.ci/install-mtas` puts the MTAs where this looks for them. Without `REAL_MTA` in the environment, or where they are missing, the
//! tests are skipped, and say so; `REAL_MTA=required` makes a missing MTA a failure.

mod client;
#[path = "../tests/scenarios/collect.rs"]
mod collect;
mod compare;
mod fake;
mod inside;
mod installed;
mod known;
#[path = "../tests/scenarios/milter.rs"]
mod milter;
mod mta;
mod namespace;
mod normal;
mod postfix;
mod record;
mod sendmail;
mod sink;
mod units;
mod worker;

use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{installed::Installed, units::Comparison, worker::Pool};

fn main() -> ExitCode {
    if let Some(kind) = inside::asked_for() {
        return inside::serve(kind);
    }
    let mut arguments = Arguments::from_args();
    // What takes time here is waiting: for processes to start, and for time-outs to run out.
    arguments.test_threads = arguments.test_threads.or(Some(THREADS));
    let (comparisons, left_out) = units::comparisons();
    let mut trials = match wanted().and_then(|()| Installed::find()) {
        Ok(installed) => compared(comparisons, installed),
        Err(missing) => not_compared(comparisons, &missing),
    };
    trials.push(Trial::test("what_differs_from_run_to_run_is_taken_out", || normal::check().map_err(Failed::from)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        units::report(&left_out);
        known::report();
    }
    conclusion.exit_code()
}

/// The comparison takes minutes and needs root, so it runs where it is asked for.
fn wanted() -> Result<(), String> {
    std::env::var("REAL_MTA")
        .map(drop)
        .map_err(|_| "REAL_MTA is not set (`required` makes what is missing a failure)".to_owned())
}

fn compared(comparisons: Vec<Comparison>, installed: Installed) -> Vec<Trial> {
    let pool = Arc::new(Pool::new(installed));
    let trial = |comparison: Comparison| {
        let pool = Arc::clone(&pool);
        let (name, kind) = (comparison.name.clone(), comparison.kind.word());
        Trial::test(name, move || compare(&comparison, &pool)).with_kind(kind)
    };
    comparisons.into_iter().map(trial).collect()
}

/// The real MTA and the fake one play at the same time.
fn compare(comparison: &Comparison, pool: &Pool) -> Result<(), Failed> {
    let asked = pool.ask(comparison.kind, &comparison.name)?;
    let fake = fake::play(comparison);
    let real = asked.answer();
    let (fake, real) = (fake?, real?);
    let differences = compare::differences(&fake, &real);
    match (differences.is_empty(), known::reason(&comparison.name)) {
        (true, None) | (false, Some(_)) => Ok(()),
        (true, Some(reason)) => Err(Failed::from(format!("equal, and yet on the list of known differences: {reason}"))),
        (false, None) => Err(Failed::from(compare::report(&differences, &fake, &real))),
    }
}

/// Without the MTAs there is nothing to compare with: that is said once, and is a failure where they are required.
fn not_compared(comparisons: Vec<Comparison>, missing: &str) -> Vec<Trial> {
    let required = std::env::var("REAL_MTA").is_ok_and(|word| word == "required");
    let text = format!(
        "{} comparisons with real MTAs: {missing}\n`sudo {}` installs what they need on Debian and its like",
        comparisons.len(),
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/install-mtas").display()
    );
    if required {
        return vec![Trial::test("the_mtas_are_here", move || Err(Failed::from(text)))];
    }
    eprintln!("skipped: {text}");
    let skipped = |comparison: Comparison| {
        Trial::test(comparison.name, || Ok(())).with_kind(comparison.kind.word()).with_ignored_flag(true)
    };
    comparisons.into_iter().map(skipped).collect()
}

/// So many comparisons go at once.
const THREADS: usize = 4;
