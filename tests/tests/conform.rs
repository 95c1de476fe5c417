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

/// The zone of the command line is there in place of the built-in one.
#[test]
fn a_zone_decides_what_the_milter_makes_of_the_sender() {
    let folder = tempfile::tempdir().expect("a folder");
    let zone = folder.path().join("my.zone");
    std::fs::write(&zone, "example.org. TXT \"v=spf1 -all\"\n").expect("it can be written");
    let early = |zone: &[&str]| {
        let command = format!(
            "{} --config /dev/null --listen {{listen}} --resolver {{dns}}",
            env!("CARGO_BIN_EXE_spf-milter-under-test")
        );
        let run = Command::new(env!("CARGO_BIN_EXE_fake-mta-under-test"))
            .args(["conform", "--command", &command, "--filter", "message/two", "-vv"])
            .args(zone)
            .output()
            .expect("the program starts");
        let told = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success(), "{told}{}", String::from_utf8_lossy(&run.stderr));
        (told.contains("not all was sent: the milter's verdict at"), told.contains("--zone FILE"), told)
    };
    let (is_early, is_advised, told) = early(&[]);
    assert!(!is_early && !is_advised, "{told}");
    let (is_early, is_advised, told) = early(&["--zone", &zone.display().to_string()]);
    assert!(is_early && is_advised, "{told}");
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
