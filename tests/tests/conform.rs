//! spf-milter under the conformance battery, and what docs/conformance.md says of the battery.

use std::{collections::BTreeSet, path::Path, process::Command};

use fake_mta::conform::{Level, cases};

#[test]
fn spf_milter_passes_all_that_a_milter_must() {
    let folder = tempfile::tempdir().expect("a folder");
    let milter = env!("CARGO_BIN_EXE_spf-milter-under-test");
    let suite = format!(
        "[milter]\ncommand = \"{milter} --config {{dir}}/c.toml --listen {{listen}} --resolver {{dns}}\"\nconfig_file = \"{{dir}}/c.toml\"\n"
    );
    let file = folder.path().join("fake-mta.toml");
    std::fs::write(&file, suite).expect("it can be written");
    let run = Command::new(env!("CARGO_BIN_EXE_fake-mta-under-test"))
        .args(["conform", "--level", "must", "--timeout", "60s", "-v", "--suite"])
        .arg(&file)
        .output()
        .expect("the program starts");
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}

#[test]
fn the_documented_matrix_has_every_case() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let text = std::fs::read_to_string(path).expect("docs/conformance.md can be read");
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    // A name with a slash at its end is that of a group.
    let documented: BTreeSet<String> = text.lines().filter_map(row).filter(|id| !id.ends_with('/')).collect();
    let real: BTreeSet<String> = cases().into_iter().map(|case| case.id).collect();
    assert_eq!(documented, real);
    let musts = cases().iter().filter(|case| case.level == Level::Must).count();
    assert!(text.contains(&format!("{} cases, {musts} of them", real.len())), "{} cases, {musts} of them", real.len());
}
