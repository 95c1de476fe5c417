//! A whole run: plan, build, play, report, bless.

use std::sync::Arc;

use super::{
    BlessMode, Cancel, Console, Exit, Options, Player, Status, Summary, UnitResult,
    bless::bless,
    build,
    kept::Kept,
    plan,
    plan::{Plan, Planned},
    pool,
};
use crate::{
    report::{self, Target, differences, human, warnings},
    suite::Suite,
};

/// Runs scenarios and writes the report; the last line of it is `N passed, N failed, N skipped`.
///
/// Raising `cancel` ends the units that run, and skips the others.
pub async fn run(options: &Options, player: impl Player, cancel: &Cancel, console: &mut Console) -> Summary {
    console.set_report_on_out(options.reports.iter().any(|target| target.file.is_none()));
    if let Err(diag) = Target::check(&options.reports) {
        console.diags(&[diag]);
        return Summary { exit: Exit::USAGE, ..Summary::default() };
    }
    let mut plan = match plan::plan(options) {
        Ok(plan) => plan,
        Err(diags) => {
            console.diags(&diags);
            return Summary { exit: Exit::UNREADABLE, ..Summary::default() };
        }
    };
    match build::build(&suites(&plan), &options.bin, cancel).await {
        Ok(bins) => plan.bins = bins,
        Err(diag) => {
            console.diags(&[diag]);
            let exit = if cancel.is_cancelled() { Exit::CANCELLED } else { Exit::HARNESS };
            return Summary { exit, ..Summary::default() };
        }
    }
    let kept = Kept::default();
    let results = play_rounds(&plan, options, player, cancel, &kept, console).await;
    let mut summary = Summary { exit: Exit::of(&results), results, deselected: plan.skipped };
    // What was accepted is a failure no more, and needs no telling beside the difference.
    if let Some(mode @ (BlessMode::Write | BlessMode::Force)) = options.bless {
        bless(&mut summary, mode, console);
    }
    console.results(&human::failures(&summary, console.colour()));
    console.results(&human::skips(&summary));
    console.results(&human::known_deviations(&summary));
    console.results(&warnings::section(&summary, options.verbose, console.colour()));
    console.results(&differences::section(&summary, options.verbose));
    if options.bless == Some(BlessMode::Check) {
        bless(&mut summary, BlessMode::Check, console);
    }
    if let Err(diag) = report::write_files(&options.reports, &summary) {
        console.diags(&[diag]);
        summary.exit = Exit::HARNESS;
    }
    kept.show(cancel, console).await;
    console.results(&human::summary(&summary));
    for target in options.reports.iter().filter(|target| target.file.is_none()) {
        console.report(&report::render(target.format, &summary));
    }
    summary
}

/// The suites of the plan, each once.
fn suites(plan: &Plan) -> Vec<Arc<Suite>> {
    let mut suites: Vec<Arc<Suite>> = Vec::new();
    for Planned { suite, .. } in &plan.units {
        if let Some(suite) = suite
            && !suites.iter().any(|known| Arc::ptr_eq(known, suite))
        {
            suites.push(Arc::clone(suite));
        }
    }
    suites
}

/// Everything, as often as the options say; what a unit came to in all rounds is one result.
async fn play_rounds(
    plan: &Plan,
    options: &Options,
    player: impl Player,
    cancel: &Cancel,
    kept: &Kept,
    console: &mut Console,
) -> Vec<UnitResult> {
    let player = Arc::new(player);
    let mut total: Vec<UnitResult> = Vec::new();
    let mut rounds = 0;
    loop {
        let results = play(plan, options, Arc::clone(&player), cancel, kept, console).await;
        rounds += 1;
        if total.is_empty() {
            total = results;
        } else {
            total.iter_mut().zip(results).for_each(|(all, one)| all.take_round(one));
        }
        let failed = total.iter().any(|result| result.status() == Status::Failed);
        if cancel.is_cancelled() || !options.again.goes_on(rounds, failed) {
            return total;
        }
        console.results(&human::round(rounds));
    }
}

async fn play(
    plan: &Plan,
    options: &Options,
    player: Arc<impl Player>,
    cancel: &Cancel,
    kept: &Kept,
    console: &mut Console,
) -> Vec<UnitResult> {
    console.begin(plan.units.len());
    let verbose = options.verbose;
    let results = pool::run_units(plan, options, player, cancel, kept, |result, in_order| {
        if in_order {
            console.results(&human::unit_line(result, console.colour()));
            if verbose {
                console.results(&human::transcript(result));
            }
        } else {
            console.advance(&result.unit.name());
        }
    });
    let results = results.await;
    console.end();
    results
}
