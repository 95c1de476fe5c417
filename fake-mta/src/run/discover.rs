//! Scenario files below the given paths.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{diag::Diag, openspf, suite};

/// All scenario files: the files named, and every `*.toml` and openspf suite below the folders named, sorted. Suite files and
/// what begins with a dot are left out.
///
/// # Errors
/// A path that cannot be read, or paths without any scenario.
pub(super) fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Diag>> {
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
    let mut found = BTreeSet::new();
    let mut problems = Vec::new();
    for path in paths {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => walk(path, suites, 0, &mut found, &mut problems),
            Ok(_) => drop(found.insert(path.clone())),
            Err(error) => problems.push(cannot_read(path, &error)),
        }
    }
    if problems.is_empty() && found.is_empty() {
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        problems.push(
            Diag::error(format!("no scenario in {}", paths.join(", "))).help(format!(
                "scenarios are files named *.toml, {} apart, and openspf suites (*.yml)",
                suite::FILE_NAME
            )),
        );
    }
    if problems.is_empty() { Ok(found.into_iter().collect()) } else { Err(problems) }
}

fn walk(dir: &Path, suites: bool, depth: usize, found: &mut BTreeSet<PathBuf>, problems: &mut Vec<Diag>) {
    if depth > MAX_DEPTH {
        return problems.push(Diag::error(format!("{} is more than {MAX_DEPTH} folders deep", dir.display())));
    }
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => return problems.push(cannot_read(dir, &error)),
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || OTHERS.contains(&&*name) {
            continue;
        }
        if path.is_dir() {
            walk(&path, suites, depth + 1, found, problems);
        } else if name.ends_with(".toml") && (suites || name != suite::FILE_NAME) || openspf::is_found_in_folders(&path)
        {
            found.insert(path);
        }
    }
}

pub(super) fn cannot_read(path: &Path, error: &std::io::Error) -> Diag {
    Diag::error(format!("cannot read {}: {error}", path.display()))
}

/// Files of other programs in a project's folder, which nobody means who names the folder.
const OTHERS: [&str; 6] =
    ["Cargo.toml", "clippy.toml", "deny.toml", "pyproject.toml", "rust-toolchain.toml", "rustfmt.toml"];

/// A loop of symbolic links ends here.
const MAX_DEPTH: usize = 32;

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
    fn a_folder_without_scenarios_is_an_error() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let diags = discover(&[dir.path().to_owned()]).expect_err("nothing there");
        assert!(diags[0].title.starts_with("no scenario in "), "{}", diags[0]);
        assert!(discover(&["/no/such/path".into()]).is_err());
    }
}
