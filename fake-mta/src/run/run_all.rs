//! A whole run: plan, build, play, report, bless.

use std::{fs, sync::Arc};

use super::{
    BlessMode, Cancel, Console, Exit, Options, Player, Status, Summary, UnitResult, build, plan,
    plan::{Plan, Planned},
    pool,
};
use crate::{
    diag::{Diag, Source},
    openspf,
    report::{self, differences, human, warnings},
    scenario::{self, Judged},
    suite::Suite,
};

/// Runs scenarios and writes the report; the last line of it is `N passed, N failed, N skipped`.
///
/// Raising `cancel` ends the units that run, and skips the others.
pub async fn run(options: &Options, player: impl Player, cancel: &Cancel, console: &mut Console) -> Summary {
    console.set_report_on_out(options.reports.iter().any(|target| target.file.is_none()));
    let plan = match plan::plan(options) {
        Ok(plan) => plan,
        Err(diags) => {
            console.diags(&diags);
            return Summary { exit: Exit::UNREADABLE, ..Summary::default() };
        }
    };
    if let Err(diag) = build::build(&suites(&plan), &options.bin, cancel).await {
        console.diags(&[diag]);
        let exit = if cancel.is_cancelled() { Exit::CANCELLED } else { Exit::HARNESS };
        return Summary { exit, ..Summary::default() };
    }
    let results = play_rounds(&plan, options, player, cancel, console).await;
    let mut summary = Summary { exit: Exit::of(&results), results, deselected: plan.skipped };
    console.results(&human::failures(&summary, console.colour()));
    console.results(&human::skips(&summary));
    console.results(&human::known_deviations(&summary));
    console.results(&warnings::section(&summary, options.verbose, console.colour()));
    console.results(&differences::section(&summary, options.verbose));
    if let Some(mode) = options.bless {
        bless(&mut summary, mode, console);
    }
    if let Err(diag) = report::write_files(&options.reports, &summary) {
        console.diags(&[diag]);
        summary.exit = Exit::HARNESS;
    }
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
    console: &mut Console,
) -> Vec<UnitResult> {
    let player = Arc::new(player);
    let mut total: Vec<UnitResult> = Vec::new();
    let mut rounds = 0;
    loop {
        let results = play(plan, options, Arc::clone(&player), cancel, console).await;
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
    console: &mut Console,
) -> Vec<UnitResult> {
    console.begin(plan.units.len());
    let verbose = options.verbose;
    let results = pool::run_units(plan, options, player, cancel, |result, in_order| {
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

/// Accepts what came in every file that has differences. What was rewritten counts as passed the next time, not this time.
fn bless(summary: &mut Summary, mode: BlessMode, console: &mut Console) {
    let mut sources: Vec<Arc<Source>> = Vec::new();
    for result in summary.results.iter().filter(|result| !result.mismatches.is_empty()) {
        let source = &result.unit.scenario.source;
        // The suite is the standard, not a record of what came.
        if openspf::is_suite_file(source.path()) {
            continue;
        }
        if !sources.iter().any(|known| known.path() == source.path()) {
            sources.push(Arc::clone(source));
        }
    }
    for source in sources {
        if let Err(diag) = bless_file(&source, summary, mode, console) {
            console.diags(&[diag]);
            summary.exit = Exit::HARNESS;
        }
    }
}

fn bless_file(source: &Arc<Source>, summary: &Summary, mode: BlessMode, console: &mut Console) -> Result<(), Diag> {
    let of_file = |result: &&UnitResult| result.unit.scenario.source.path() == source.path();
    let judged: Vec<Judged<'_>> = summary.results.iter().filter(of_file).map(judged).collect();
    let blessing = scenario::bless(source, &judged, mode == BlessMode::Force);
    console.results(&scenario::diff(source.path(), source.text(), &blessing.text, "blessed"));
    console.diags(&blessing.refused);
    if blessing.changes == 0 || mode == BlessMode::Check {
        return Ok(());
    }
    let path = source.path();
    let cannot = |error| Diag::error(format!("cannot write {}: {error}", path.display()));
    // The file may have been edited while the scenarios ran.
    if fs::read_to_string(path).map_err(cannot)? != source.text() {
        return Err(Diag::error(format!("{} has changed since it was read, and was not blessed", path.display())));
    }
    fs::write(path, &blessing.text).map_err(cannot)?;
    console.results(&format!("blessed {}: {} changed\n", path.display(), blessing.changes));
    Ok(())
}

fn judged(result: &UnitResult) -> Judged<'_> {
    Judged {
        unit: &result.unit,
        sessions: &result.played.sessions,
        journal: &result.played.journal,
        mismatches: &result.mismatches,
    }
}
