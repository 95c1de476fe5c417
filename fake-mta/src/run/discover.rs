//! Scenario files below the given paths.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{
    diag::{self, Diag},
    openspf, suite,
};

/// All scenario files: the files named, and every `*.toml` and openspf suite below the folders named, sorted. Suite files and
/// what begins with a dot are left out.
///
/// # Errors
/// A path that cannot be read, or paths without any scenario.
pub(crate) fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Diag>> {
    collect(paths, false)
}

/// The same, and the suite files below the folders named.
///
/// # Errors
/// A path that cannot be read, or paths without any file of ours.
pub(crate) fn with_suites(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Diag>> {
    collect(paths, true)
}

fn collect(paths: &[PathBuf], suites: bool) -> Result<Vec<PathBuf>, Vec<Diag>> {
    let mut found = walk(paths);
    found.below.retain(|path| is_ours(path, suites));
    found.below.append(&mut found.named);
    if found.problems.is_empty() && found.below.is_empty() {
        let paths: Vec<String> = paths.iter().map(|path| diag::shown(path)).collect();
        found.problems.push(
            Diag::error(format!("no scenario in {}", paths.join(", "))).help(format!(
                "scenarios are files named *.toml, {} apart, and openspf suites (*.yml)",
                suite::FILE_NAME
            )),
        );
    }
    if found.problems.is_empty() { Ok(found.below.into_iter().collect()) } else { Err(found.problems) }
}

fn is_ours(path: &Path, suites: bool) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_scenario =
        name.ends_with(".toml") && (suites || name != suite::FILE_NAME) && !OTHERS.contains(&name.as_ref());
    is_scenario || openspf::is_found_in_folders(path)
}

/// What is at paths and below them.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The paths that are files.
    pub(super) named: BTreeSet<PathBuf>,
    /// All files below those that are folders, hidden ones apart.
    pub(super) below: BTreeSet<PathBuf>,
    /// What cannot be read.
    pub(super) problems: Vec<Diag>,
}

/// Looks through folders. Each is entered once, however many links lead to it: the paths are those without a link where there are
/// any.
pub(super) fn walk(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut entered = BTreeSet::new();
    let mut links = BTreeSet::new();
    for path in paths {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => enter(path.clone(), &mut entered, &mut links, &mut found),
            Ok(_) => drop(found.named.insert(path.clone())),
            Err(error) => found.problems.push(unreadable(path, &error)),
        }
    }
    while let Some(link) = links.pop_first() {
        enter(link, &mut entered, &mut links, &mut found);
    }
    found
}

/// A path that somebody named, or that stands for one that nobody has.
fn unreadable(path: &Path, error: &std::io::Error) -> Diag {
    let diag = diag::cannot("read", path, error);
    match error.kind() {
        std::io::ErrorKind::NotFound => diag.help("is the name right? `fake-mta init` writes a first scenario"),
        _ => diag,
    }
}

/// Goes through a folder and those below it; links to others are left for later.
fn enter(dir: PathBuf, entered: &mut BTreeSet<(u64, u64)>, links: &mut BTreeSet<PathBuf>, found: &mut Found) {
    let mut open = vec![dir];
    while let Some(dir) = open.pop() {
        let entries = fs::metadata(&dir).and_then(|meta| {
            let is_new = entered.insert((meta.dev(), meta.ino()));
            is_new.then(|| fs::read_dir(&dir)).transpose()
        });
        let entries = match entries {
            Ok(entries) => entries.into_iter().flatten().flatten(),
            Err(error) => {
                found.problems.push(diag::cannot("read", &dir, error));
                continue;
            }
        };
        for path in entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.')).map(|e| e.path()) {
            match (path.is_dir(), path.is_symlink()) {
                (true, true) => drop(links.insert(path)),
                (true, false) => open.push(path),
                (false, _) if diag::waits(&path) => {}
                (false, _) => drop(found.below.insert(path)),
            }
        }
    }
}

/// Files of other programs in a project's folder, which nobody means who names the folder.
const OTHERS: [&str; 6] =
    ["Cargo.toml", "clippy.toml", "deny.toml", "pyproject.toml", "rust-toolchain.toml", "rustfmt.toml"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scenarios_are_found_and_they_come_sorted() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(dir.path().join("b/.hidden")).expect("folders");
        for name in
            ["z.toml", "b/a.toml", "b/fake-mta.toml", "b/x.zone", "b/.hidden/c.toml", "b/other.yml", "Cargo.toml"]
        {
            fs::write(dir.path().join(name), "").expect("a file");
        }
        fs::write(dir.path().join("b/tests.yml"), "tests: {}\nzonedata: {}\n").expect("a file");
        let found = discover(&[dir.path().to_owned()]).expect("there are scenarios");
        let names = ["b/a.toml", "b/tests.yml", "z.toml"];
        assert_eq!(found, names.map(|name| dir.path().join(name)));
    }

    #[test]
    fn pipes_and_sockets_in_folders_are_passed_over() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("a.toml"), "").expect("a file");
        for name in ["b.toml", "c.yml"] {
            nix::unistd::mkfifo(&dir.path().join(name), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        }
        let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("d.toml")).expect("a socket");
        assert_eq!(discover(&[dir.path().to_owned()]), Ok(vec![dir.path().join("a.toml")]));
        let named = dir.path().join("b.toml");
        assert_eq!(discover(std::slice::from_ref(&named)), Ok(vec![named]));
    }

    #[test]
    fn a_folder_without_scenarios_is_an_error() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let diags = discover(&[dir.path().to_owned()]).expect_err("nothing there");
        assert!(diags[0].title.starts_with("no scenario in "), "{}", diags[0]);
        assert!(discover(&["/no/such/path".into()]).is_err());
    }

    #[test]
    fn a_folder_is_entered_once_however_many_links_lead_to_it() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| dir.path().join(name);
        for name in ["a", "b", "elsewhere"] {
            fs::create_dir(path(name)).expect("a folder");
        }
        fs::write(path("a/x.toml"), "").expect("a file");
        fs::write(path("elsewhere/y.toml"), "").expect("a file");
        for (to, link) in [(".", "a/loop"), ("../b", "a/0"), ("../a", "b/back"), ("../elsewhere", "a/other")] {
            std::os::unix::fs::symlink(to, path(link)).expect("a link");
        }
        let found = discover(&[path("b"), path("a")]).expect("there are scenarios");
        assert_eq!(found, ["a/other/y.toml", "a/x.toml"].map(path));
    }
}
