//! Where the suite file of a scenario is.

use std::path::{Path, PathBuf};

/// The name of the suite file.
pub const FILE_NAME: &str = "fake-mta.toml";

/// The suite file beside a scenario, or in the nearest folder above it.
///
/// The path comes back as short as the scenario's own where that is possible: it stands in messages.
pub fn find(scenario: &Path) -> Option<PathBuf> {
    let dir = scenario.parent()?;
    let beside = |dir: &Path| Some(dir.join(FILE_NAME)).filter(|path| path.is_file());
    if let Some(found) = dir.ancestors().find_map(beside) {
        return Some(found);
    }
    let absolute = std::path::absolute(dir).ok()?;
    absolute.ancestors().find_map(beside)
}

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
}
