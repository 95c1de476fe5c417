//! Accepting what came: the files are rewritten, and what was played is judged by the new text.

use std::sync::Arc;

use super::{BlessMode, Console, Exit, Status, Summary, UnitResult, pool::expectations};
use crate::{
    diag::{self, Diag, Source},
    openspf,
    scenario::{self, Judged, Scenario},
};

/// Accepts what came in every file that has differences.
pub(super) fn bless(summary: &mut Summary, mode: BlessMode, console: &mut Console) {
    let mut fatal = None;
    for source in sources(summary) {
        if let Err(diag) = bless_file(&source, summary, mode, console) {
            console.diags(&[diag]);
            fatal = Some(Exit::HARNESS);
        }
    }
    summary.exit = fatal.unwrap_or_else(|| Exit::of(&summary.results));
}

/// The files with differences, each once.
fn sources(summary: &Summary) -> Vec<Arc<Source>> {
    let mut sources: Vec<Arc<Source>> = Vec::new();
    for result in summary.results.iter().filter(|result| !result.mismatches.is_empty() && is_whole(result)) {
        let source = &result.unit.scenario.source;
        // An openspf suite is the standard, not a record of what came.
        let is_known = sources.iter().any(|known| known.path() == source.path());
        if !is_known && !openspf::is_suite_file(source.path()) {
            sources.push(Arc::clone(source));
        }
    }
    sources
}

fn bless_file(source: &Arc<Source>, summary: &mut Summary, mode: BlessMode, console: &mut Console) -> Result<(), Diag> {
    let whole = summary.results.iter().filter(|result| is_of(result, source) && is_whole(result));
    let judged: Vec<Judged<'_>> = whole.map(judged).collect();
    let blessing = scenario::bless(source, &judged, mode == BlessMode::Force);
    console.results(&scenario::diff(source.path(), source.text(), &blessing.text, "blessed"));
    console.diags(&blessing.refused);
    if blessing.changes == 0 || mode == BlessMode::Check {
        return Ok(());
    }
    let path = source.path();
    let left = |why: &str| Diag::error(format!("{} {why}, and was not blessed", diag::shown(path)));
    // Nothing of a file may be lost by a mistake of ours.
    let scenarios = scenario::parse(&Source::new(path, blessing.text.as_str())).map_err(|diags| {
        let why = diags.into_iter().next().map(|diag| diag.title).unwrap_or_default();
        left("could not be read any more").note(why)
    })?;
    // The file may have been edited while the scenarios ran.
    if diag::read_text(path, diag::MAX_TEXT_BYTES)? != source.text() {
        return Err(left("has changed since it was read"));
    }
    diag::replace(path, blessing.text.as_bytes())?;
    let now = judge_again(source, &scenarios, summary);
    console.results(&format!("blessed {}: {} changed, {now}\n", diag::shown(path), blessing.changes));
    Ok(())
}

/// Judges what was played by the new text, and says how many units that failed pass now.
fn judge_again(source: &Source, scenarios: &[Arc<Scenario>], summary: &mut Summary) -> String {
    let units = scenario::units(scenarios);
    let (mut passed, mut failed) = (0, 0);
    for result in summary.results.iter_mut().filter(|result| is_of(result, source)) {
        let before = result.status();
        let Some(unit) = units.iter().find(|unit| unit.name() == result.unit.name()) else { continue };
        result.unit = unit.clone();
        result.mismatches = expectations(unit, &mut result.played);
        match (before, result.status()) {
            (Status::Failed, Status::Passed) => passed += 1,
            (Status::Failed, _) => failed += 1,
            _ => {}
        }
    }
    match failed {
        0 => format!("{passed} runs that failed pass now"),
        _ => format!("{passed} runs that failed pass now, {failed} do not"),
    }
}

fn is_of(result: &UnitResult, source: &Source) -> bool {
    result.unit.scenario.source.path() == source.path()
}

/// A run that broke off shows what a milter does that fails: nothing of it is accepted.
fn is_whole(result: &UnitResult) -> bool {
    result.played.fatal.is_none()
}

fn judged(result: &UnitResult) -> Judged<'_> {
    Judged {
        unit: &result.unit,
        sessions: &result.played.sessions,
        journal: &result.played.journal,
        mismatches: &result.mismatches,
    }
}
