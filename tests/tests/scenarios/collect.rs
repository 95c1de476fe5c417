//! From the folder of scenarios to what is to be played.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use fake_mta::{
    diag::{Diag, Source},
    scenario::{self, Unit},
    suite::{self, Suite},
};

/// What a folder holds.
#[derive(Default)]
pub(crate) struct Collected {
    /// One entry for each scenario and profile, in the order of the files.
    pub(crate) entries: Vec<Entry>,
    /// Files with mistakes, each with what is wrong.
    pub(crate) broken: Vec<(String, String)>,
    suites: BTreeMap<PathBuf, Arc<Suite>>,
}

/// A unit and what belongs to it.
pub(crate) struct Entry {
    /// What to play.
    pub(crate) unit: Unit,
    /// The milter to play it against.
    pub(crate) suite: Arc<Suite>,
    /// The name of its snapshot and of its test: folder, file, variant and case, profile.
    pub(crate) snapshot: String,
    /// The scenario file, as its snapshot names it: relative to the root of the project.
    #[allow(dead_code, reason = "only one of the two test programs that share this file has a use for it")]
    pub(crate) file: String,
}

/// Reads every scenario below `dir`.
pub(crate) fn collect(dir: &Path) -> Collected {
    let mut collected = Collected::default();
    let mut files = Vec::new();
    walk(dir, &mut files);
    files.sort();
    for path in files {
        let name = path.strip_prefix(dir).unwrap_or(&path).with_extension("");
        let name = name.to_string_lossy().replace('/', "__");
        if let Err(problems) = collected.add_file(&path, &name) {
            let drawn: Vec<String> = problems.iter().map(|problem| problem.render(false)).collect();
            collected.broken.push((name, drawn.join("\n")));
        }
    }
    collected
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "toml") && !path.ends_with(suite::FILE_NAME) {
            files.push(path);
        }
    }
}

impl Collected {
    fn add_file(&mut self, path: &Path, name: &str) -> Result<(), Vec<Diag>> {
        let cannot = |error| vec![Diag::error(format!("cannot read {}: {error}", path.display()))];
        let text = fs::read_to_string(path).map_err(cannot)?;
        let scenarios = scenario::parse(&Source::new(path, text))?;
        let suite = self.suite(path)?;
        for unit in scenario::units(&scenarios) {
            let snapshot = format!("{name}{}__{}", slug(suffix(&unit)), unit.profile);
            let file = format!("scenarios/{}.toml", name.replace("__", "/"));
            self.entries.push(Entry { unit, suite: Arc::clone(&suite), snapshot, file });
        }
        Ok(())
    }

    fn suite(&mut self, scenario: &Path) -> Result<Arc<Suite>, Vec<Diag>> {
        let none = || vec![Diag::error(format!("no {} above {}", suite::FILE_NAME, scenario.display()))];
        let path = suite::find(scenario).ok_or_else(none)?;
        if let Some(known) = self.suites.get(&path) {
            return Ok(Arc::clone(known));
        }
        let loaded = Arc::new(suite::load(path.clone())?);
        self.suites.insert(path, Arc::clone(&loaded));
        Ok(loaded)
    }
}

/// ` / variant / case`: what stands behind the name that the file gives.
fn suffix(unit: &Unit) -> &str {
    let name = &unit.scenario.name;
    name.strip_prefix(name.span.text().trim()).unwrap_or(name)
}

/// `__variant__case` in small letters, with a dash for everything that does not suit a file's name.
fn slug(suffix: &str) -> String {
    let mut slug = String::new();
    for part in suffix.split(" / ").skip(1) {
        slug.push_str("__");
        let words = part.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        slug.push_str(&words.collect::<Vec<_>>().join("-").to_lowercase());
    }
    slug
}
