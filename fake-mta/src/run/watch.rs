//! `fake-mta run --watch`: runs again what has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{self, Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{Cancel, Console, Exit, Options, Player, discover, run};
use crate::{
    diag::{self, Source},
    scenario::{Node, Value},
    suite::{self, FILE_NAME, Suite},
};

/// Runs, and runs again at each change: a scenario alone if only scenarios have changed; everything if a zone, a message, a suite
/// file or the milter has. Ends when `cancel` is raised.
///
/// Files are looked at, not subscribed to: that works in containers and on network folders too, and there are few.
pub async fn watch(options: &Options, player: impl Player + Clone, cancel: &Cancel, console: &mut Console) -> Exit {
    let mut wanted = options.clone();
    loop {
        let watched = Watched::of(options);
        let mut seen = watched.look();
        let summary = run(&wanted, player.clone(), cancel, console).await;
        if cancel.is_cancelled() {
            return summary.exit;
        }
        // The run itself may have built the milter.
        put_stamps(&mut seen, watched.built.iter());
        console.results("\nwaiting for a change; Ctrl-C ends\n");
        let Some(changed) = cancel.or(watched.change(&seen)).await else { return Exit::PASSED };
        console.results(&format!("\nchanged: {}\n", shown(&changed)));
        let paths = watched.scenarios_alone(&changed).unwrap_or_else(|| options.paths.clone());
        wanted = Options { paths, ..options.clone() };
    }
}

fn shown(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().take(SHOWN).map(|path| diag::shown(path)).collect();
    let more = paths.len().saturating_sub(SHOWN);
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

/// When a file was written, and its size.
type Stamp = (SystemTime, u64);

/// The files of a look that are there.
type Seen = BTreeMap<PathBuf, Stamp>;

/// What a run depends on.
#[derive(Debug, Default)]
struct Watched {
    /// Where scenarios are looked for.
    paths: Vec<PathBuf>,
    /// Whether suite files name the milter.
    has_suites: bool,
    /// Files that scenarios and suites name, wherever they are.
    beside: BTreeSet<PathBuf>,
    /// `watch` of suite files.
    sources: Vec<PathBuf>,
    /// What `build` may write.
    built: BTreeSet<PathBuf>,
    /// What the run writes itself.
    reports: Vec<PathBuf>,
}

impl Watched {
    /// Reads the files for what they name. Of one with mistakes nothing is known but itself: it has to change first.
    fn of(options: &Options) -> Self {
        let mut watched = Self {
            paths: options.paths.clone(),
            has_suites: options.milters.is_empty(),
            reports: options.reports.iter().filter_map(|target| target.file.clone()).collect(),
            ..Self::default()
        };
        let scenarios = discover::discover(&options.paths).unwrap_or_default();
        watched.beside.extend(scenarios.iter().flat_map(|path| named_files(path)));
        for suite in watched.suites(&scenarios).into_iter().filter_map(|path| suite::load(path).ok()) {
            watched.add(&suite, &options.bin);
        }
        watched
    }

    fn add(&mut self, suite: &Suite, bin: &Path) {
        let named = suite.command_files(bin);
        if suite.build.is_some() {
            self.built.extend(named.iter().cloned());
        }
        self.beside.extend(named);
        self.sources.extend(suite.watch.iter().map(|source| suite.dir().join(source)));
    }

    /// The suite files of scenarios. They are looked for each time: one may come, go, or come back.
    fn suites<'a>(&self, scenarios: impl IntoIterator<Item = &'a PathBuf>) -> BTreeSet<PathBuf> {
        if !self.has_suites {
            return BTreeSet::new();
        }
        let dirs: BTreeSet<&Path> = scenarios.into_iter().filter_map(|path| path.parent()).collect();
        dirs.into_iter().filter_map(|dir| suite::find(&dir.join(FILE_NAME))).collect()
    }

    /// All files as they are. Nothing is read for it but folders.
    fn look(&self) -> Seen {
        let scenarios = files(&self.paths);
        let (suites, sources) = (self.suites(&scenarios), files(&self.sources));
        let all = scenarios.iter().chain(&suites).chain(&sources).chain(&self.beside);
        let mut seen = Seen::new();
        put_stamps(&mut seen, all.filter(|path| !self.is_report(path)));
        seen
    }

    fn is_report(&self, path: &Path) -> bool {
        let is_here = |report: &PathBuf| path::absolute(report).ok() == path::absolute(path).ok();
        self.reports.iter().any(|report| report.file_name() == path.file_name() && is_here(report))
    }

    /// Ends when something has changed, and has come to rest.
    async fn change(&self, seen: &Seen) -> Vec<PathBuf> {
        let mut before = seen.clone();
        loop {
            tokio::time::sleep(PAUSE).await;
            let now = self.look();
            if now != *seen && now == before {
                return differences(seen, &now);
            }
            before = now;
        }
    }

    /// The changed files, if all of them are scenarios that are still there.
    fn scenarios_alone(&self, changed: &[PathBuf]) -> Option<Vec<PathBuf>> {
        let is_scenario = |path: &PathBuf| {
            let is_toml = path.extension().is_some_and(|extension| extension == "toml");
            is_toml && !path.ends_with(FILE_NAME) && !self.beside.contains(path) && path.is_file()
        };
        changed.iter().all(is_scenario).then(|| changed.to_vec())
    }
}

/// The files that are named, and those below folders; editors keep their own beside the one that is edited.
fn files(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = discover::walk(paths);
    found.below.retain(|path| !is_of_editor(path));
    found.below.append(&mut found.named);
    found.below
}

/// The zones and messages that a scenario names, in whatever part of it.
fn named_files(scenario: &Path) -> Vec<PathBuf> {
    let text = diag::read_text(scenario, diag::MAX_TEXT_BYTES).unwrap_or_default();
    let mut names = Vec::new();
    if let Ok(root) = Node::parse(&Source::new(scenario, text)) {
        collect_names(&root, &mut names);
    }
    let dir = scenario.parent().unwrap_or_else(|| Path::new(""));
    names.into_iter().map(|name| dir.join(name)).collect()
}

fn collect_names(node: &Node, names: &mut Vec<String>) {
    for entry in node.entries() {
        match (entry.key.as_str(), &entry.node.value) {
            ("file", Value::Text(text)) => names.push(text.value.clone()),
            ("include", Value::Array(items)) => names.extend(items.iter().filter_map(|item| match &item.value {
                Value::Text(text) => Some(text.value.clone()),
                _ => None,
            })),
            _ => collect_names(&entry.node, names),
        }
    }
    if let Value::Array(items) = &node.value {
        items.iter().for_each(|item| collect_names(item, names));
    }
}

/// Notes what the files are like now; one that is gone is forgotten.
fn put_stamps<'a>(seen: &mut Seen, files: impl Iterator<Item = &'a PathBuf>) {
    for path in files {
        match stamp(path) {
            Some(stamp) => drop(seen.insert(path.clone(), stamp)),
            None => drop(seen.remove(path)),
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((meta.modified().ok()?, meta.len()))
}

/// What is other, new or gone.
fn differences(before: &Seen, now: &Seen) -> Vec<PathBuf> {
    let paths: BTreeSet<&PathBuf> = before.keys().chain(now.keys()).collect();
    paths.into_iter().filter(|path| before.get(*path) != now.get(*path)).cloned().collect()
}

fn is_of_editor(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(['.', '#']) || name.ends_with('~')
}

/// Between two looks at the files: short for people, long for a machine.
const PAUSE: Duration = Duration::from_millis(250);

/// So many changed files are named.
const SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Format, Target};

    fn watched(path: &Path) -> Watched {
        Watched::of(&Options::new(vec![path.to_owned()], PathBuf::new()))
    }

    #[test]
    fn a_change_of_scenarios_runs_them_alone_and_any_other_runs_all() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        for (name, text) in [
            ("a.toml", ""),
            ("b.toml", ""),
            ("x.zone", ""),
            (FILE_NAME, "[milter]\ncommand = 'm --config=my.toml'\n"),
            ("my.toml", ""),
        ] {
            fs::write(path(name), text).expect("a file");
        }
        let watched = watched(dir.path());
        let both = [path("a.toml"), path("b.toml")];
        assert_eq!(watched.scenarios_alone(&both), Some(both.to_vec()));
        for other in ["x.zone", FILE_NAME, "gone.toml", "my.toml"] {
            assert_eq!(watched.scenarios_alone(&[path("a.toml"), path(other)]), None, "{other}");
        }
    }

    #[test]
    fn new_changed_and_lost_files_are_differences_and_hidden_ones_are_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        for name in ["same", "other", "gone"] {
            fs::write(path(name), "1").expect("a file");
        }
        let report = Target { format: Format::Json, file: Some(path("./new.json")) };
        let options = Options { reports: vec![report], ..Options::new(vec![dir.path().join(".")], PathBuf::new()) };
        let watched = Watched::of(&options);
        let before = watched.look();
        for (name, text) in [("other", "12"), ("new", "1"), (".hidden", "1"), ("new~", "1"), ("new.json", "1")] {
            fs::write(path(name), text).expect("a file");
        }
        fs::remove_file(path("gone")).expect("it was there");
        assert_eq!(
            differences(&before, &watched.look()),
            ["gone", "new", "other"].map(|name| dir.path().join(".").join(name))
        );
    }

    #[test]
    fn what_a_run_depends_on_is_watched_wherever_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        fs::create_dir_all(path("own/src/deep")).expect("folders");
        fs::create_dir(path("zones")).expect("a folder");
        let suite = "[milter]\ncommand = 'python3 my-milter.py {listen}'\nwatch = ['own/src']\n";
        let scenario = "[dns]\ninclude = ['../zones/a.zone']\n[messages]\nletter.file = '../letter.eml'\n\
                        [[variant]]\ndns.include = ['../zones/b.zone']\n";
        fs::write(path("own/a.toml"), scenario).expect("a file");
        fs::write(path(FILE_NAME), suite).expect("a file");
        let files = ["zones/a.zone", "zones/b.zone", "letter.eml", "my-milter.py", "own/src/deep/x.c", FILE_NAME];
        for file in files {
            let change = |by: &dyn Fn()| {
                let watched = watched(&path("own/a.toml"));
                let before = watched.look();
                by();
                let changed = differences(&before, &watched.look());
                // Where the suite's own file is gone another one holds, which is a change too.
                let is_file = |one: &PathBuf| one.file_name() == path(file).file_name();
                assert!(changed.iter().any(is_file), "{file}: {changed:?}");
            };
            change(&|| fs::write(path(file), format!("{suite}# {file}")).expect("a file"));
            change(&|| fs::rename(path(file), path("away")).expect("it is there"));
            change(&|| fs::rename(path("away"), path(file)).expect("it is there"));
        }
    }
}
