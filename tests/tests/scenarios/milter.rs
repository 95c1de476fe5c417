//! Where the program under test is.

use std::{fs, io, os::unix::fs::symlink, path::Path, path::PathBuf, sync::OnceLock};

/// The folder that stands for `{bin}` of the suite file: it holds the programs that cargo has built for this package, under the names
/// that suite files know.
pub(crate) fn bin_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bin");
        fs::create_dir_all(&dir).expect("cargo's folder for tests can be written to");
        for (name, program) in PROGRAMS {
            link(&dir.join(name), Path::new(program)).expect("a link can be made in cargo's folder for tests");
        }
        dir
    })
}

/// Makes `link` lead to `program`. Other processes may be doing the same: a finished link takes the old one's place at once.
fn link(link: &Path, program: &Path) -> io::Result<()> {
    if fs::read_link(link).is_ok_and(|target| target == program) {
        return Ok(());
    }
    let new = link.with_extension(std::process::id().to_string());
    symlink(program, &new)?;
    fs::rename(&new, link)
}

/// What suite files call a program, and the one that was built for these tests.
const PROGRAMS: [(&str, &str); 2] = [
    ("spf-milter", env!("CARGO_BIN_EXE_spf-milter-under-test")),
    ("fake-mta", env!("CARGO_BIN_EXE_fake-mta-under-test")),
];
