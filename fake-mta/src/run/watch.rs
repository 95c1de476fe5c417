//! `fake-mta run --watch`: runs again what has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{Cancel, Console, Exit, Options, Player, plan, run};
use crate::suite::FILE_NAME;

/// Runs, and runs again at each change: a scenario alone if only scenarios have changed; everything if a zone, a message, a suite
/// file or the milter's program has. Ends when `cancel` is raised.
///
/// Files are looked at, not subscribed to: that works in containers and on network folders too, and there are few.
pub async fn watch(options: &Options, player: impl Player + Clone, cancel: &Cancel, console: &mut Console) -> Exit {
    let mut wanted = options.clone();
    loop {
        let mut seen = Snapshot::take(options);
        let summary = run(&wanted, player.clone(), cancel, console).await;
        if cancel.is_cancelled() {
            return summary.exit;
        }
        // The run itself may have built the milter.
        seen.refresh_programs();
        console.results("\nwaiting for a change; Ctrl-C ends\n");
        let Some(changed) = cancel.or(change(&seen, options)).await else { return Exit::PASSED };
        console.results(&format!("\nchanged: {}\n", shown(&changed)));
        wanted =
            Options { paths: scenarios_alone(&changed).unwrap_or_else(|| options.paths.clone()), ..options.clone() };
    }
}

/// Ends when something has changed, and has come to rest.
async fn change(seen: &Snapshot, options: &Options) -> Vec<PathBuf> {
    let mut before = Vec::new();
    loop {
        tokio::time::sleep(PAUSE).await;
        let changed = seen.differences(&Snapshot::take(options));
        if !changed.is_empty() && changed == before {
            return changed.into_iter().map(|(path, _)| path).collect();
        }
        before = changed;
    }
}

fn shown(paths: &[PathBuf]) -> String {
    let names: Vec<String> =
        paths.iter().take(SHOWN).map(|path| crate::diag::escape(&path.to_string_lossy()).into_owned()).collect();
    let more = paths.len().saturating_sub(SHOWN);
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

/// The changed files, if all of them are scenarios that are still there.
fn scenarios_alone(changed: &[PathBuf]) -> Option<Vec<PathBuf>> {
    let is_scenario = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "toml") && !path.ends_with(FILE_NAME) && path.is_file()
    };
    changed.iter().all(is_scenario).then(|| changed.to_vec())
}

/// When a file was written, and its size; `None` if it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// What the files are like that a run depends on.
#[derive(Debug)]
struct Snapshot {
    files: BTreeMap<PathBuf, Stamp>,
    programs: BTreeSet<PathBuf>,
}

impl Snapshot {
    fn take(options: &Options) -> Self {
        let mut found = BTreeSet::new();
        options.paths.iter().for_each(|path| collect(path, 0, &mut found));
        let mut programs = BTreeSet::new();
        // While a file has mistakes it is not known what else belongs to it.
        if let Ok(plan) = plan::plan(options) {
            for suite in plan.units.iter().filter_map(|planned| planned.suite.as_ref()) {
                found.insert(suite.source.path().to_owned());
                programs.extend(suite.program(&options.bin));
            }
        }
        let files = found.union(&programs).map(|path| (path.clone(), stamp(path))).collect();
        Self { files, programs }
    }

    fn refresh_programs(&mut self) {
        for program in &self.programs {
            self.files.insert(program.clone(), stamp(program));
        }
    }

    /// What is other, new or gone. A file that only one of them could know of is no difference while it is what it was.
    fn differences(&self, now: &Self) -> Vec<(PathBuf, Stamp)> {
        let paths: BTreeSet<&PathBuf> = self.files.keys().chain(now.files.keys()).collect();
        let differs = |path: &&PathBuf| match (self.files.get(*path), now.files.get(*path)) {
            (Some(before), Some(now)) => before != now,
            (Some(before), None) => *before != stamp(path),
            (None, _) => !now.programs.contains(*path) && !path.ends_with(FILE_NAME),
        };
        paths.into_iter().filter(differs).map(|path| (path.clone(), stamp(path))).collect()
    }
}

fn stamp(path: &Path) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

/// All files below a folder, but hidden ones.
fn collect(path: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
    if !path.is_dir() {
        found.insert(path.to_owned());
        return;
    }
    if depth > MAX_DEPTH {
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        // Editors keep their own files beside the one that is edited.
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with(['.', '#']) && !name.ends_with('~') {
            collect(&entry.path(), depth + 1, found);
        }
    }
}

/// Between two looks at the files: short for people, long for a machine.
const PAUSE: Duration = Duration::from_millis(250);

/// A loop of symbolic links ends here.
const MAX_DEPTH: usize = 32;

/// So many changed files are named.
const SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_scenarios_runs_them_alone_and_any_other_runs_all() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        for name in ["a.toml", "b.toml", "x.zone", FILE_NAME] {
            fs::write(path(name), "").expect("a file");
        }
        let both = [path("a.toml"), path("b.toml")];
        assert_eq!(scenarios_alone(&both), Some(both.to_vec()));
        for other in ["x.zone", FILE_NAME, "gone.toml"] {
            assert_eq!(scenarios_alone(&[path("a.toml"), path(other)]), None, "{other}");
        }
    }

    #[test]
    fn new_changed_and_lost_files_are_differences_and_hidden_ones_are_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        for name in ["same", "other", "gone"] {
            fs::write(path(name), "1").expect("a file");
        }
        let look = || {
            let mut found = BTreeSet::new();
            collect(dir.path(), 0, &mut found);
            let files = found.into_iter().map(|path| (path.clone(), stamp(&path))).collect();
            Snapshot { files, programs: BTreeSet::new() }
        };
        let before = look();
        fs::write(path("other"), "12").expect("a file");
        fs::write(path("new"), "1").expect("a file");
        fs::write(path(".hidden"), "1").expect("a file");
        fs::remove_file(path("gone")).expect("it was there");
        let names: Vec<PathBuf> = before.differences(&look()).into_iter().map(|(path, _)| path).collect();
        assert_eq!(names, ["gone", "new", "other"].map(path));
    }
}
