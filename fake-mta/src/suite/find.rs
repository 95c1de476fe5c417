//! Where the suite file of a scenario is.

use std::path::{Path, PathBuf};

/// The name of the suite file.
pub const FILE_NAME: &str = "fake-mta.toml";

/// The suite file beside a scenario, or in the nearest folder above it; else that of the project in the current folder.
///
/// The path comes back as short as the scenario's own where that is possible: it stands in messages.
pub fn find(scenario: &Path) -> Option<PathBuf> {
    let dir = scenario.parent()?;
    let beside = |dir: &Path| Some(dir.join(FILE_NAME)).filter(|path| path.is_file());
    if let Some(found) = dir.ancestors().find_map(beside) {
        return Some(found);
    }
    // A bare name lies in the current folder, which has no name of its own.
    let here = Path::new(".");
    let absolute = std::path::absolute(if dir.as_os_str().is_empty() { here } else { dir }).ok()?;
    absolute.ancestors().find_map(beside).or_else(|| of_project(&std::env::current_dir().ok()?))
}

/// The suite file of the project that a folder belongs to: there or above, or in `scenarios` of one of these. A file from
/// elsewhere, such as an openspf suite, is played against the milter of the project that somebody stands in.
fn of_project(dir: &Path) -> Option<PathBuf> {
    let places = dir.ancestors().flat_map(|dir| [dir.join(FILE_NAME), dir.join(SCENARIOS).join(FILE_NAME)]);
    places.into_iter().find(|path| path.is_file())
}

/// The folder that `fake-mta run` plays if none is named.
const SCENARIOS: &str = "scenarios";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_upwards_is_taken() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let deep = dir.path().join("a/b");
        std::fs::create_dir_all(&deep).expect("folders");
        std::fs::write(dir.path().join(FILE_NAME), "").expect("a file");
        assert_eq!(find(&deep.join("x.toml")), Some(dir.path().join(FILE_NAME)));
        std::fs::write(dir.path().join("a").join(FILE_NAME), "").expect("a file");
        assert_eq!(find(&deep.join("x.toml")), Some(dir.path().join("a").join(FILE_NAME)));
    }

    #[test]
    fn a_bare_name_is_that_of_a_file_in_the_current_folder() {
        let named = |scenario: &str| find(Path::new(scenario)).map(|path| std::path::absolute(path).expect("a path"));
        assert_eq!(named("x.toml"), named("./x.toml"));
        assert!(named("x.toml").is_some(), "this workspace has scenarios");
    }

    #[test]
    fn a_file_from_elsewhere_is_played_against_the_milter_of_the_project() {
        let project = tempfile::tempdir().expect("a temporary folder");
        let (deep, scenarios) = (project.path().join("src/deep"), project.path().join(SCENARIOS));
        std::fs::create_dir_all(&deep).expect("folders");
        std::fs::create_dir_all(&scenarios).expect("a folder");
        assert_ne!(of_project(&deep), Some(scenarios.join(FILE_NAME)));
        std::fs::write(scenarios.join(FILE_NAME), "").expect("a file");
        assert_eq!(of_project(&deep), Some(scenarios.join(FILE_NAME)));
        std::fs::write(project.path().join(FILE_NAME), "").expect("a file");
        assert_eq!(of_project(&deep), Some(project.path().join(FILE_NAME)));
    }
}
