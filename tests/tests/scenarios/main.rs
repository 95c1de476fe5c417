//! Every scenario below `scenarios/`, in each of its profiles: its expectations must hold, and its transcript must be that of its
//! snapshot. `cargo test` and `cargo nextest run` take their names from the scenario files; `cargo insta review` shows what changed.

mod collect;
mod milter;
mod play;
mod snapshots;

use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials()).exit_code()
}

/// One test for each unit, and one for the snapshots as a whole. Files that cannot be read are tests that fail.
fn trials() -> Vec<Trial> {
    let collected = collect::collect(&scenarios_dir());
    let mut trials: Vec<Trial> = collected.broken.into_iter().map(unreadable).collect();
    let names: Vec<String> = collected.entries.iter().map(|entry| entry.snapshot.clone()).collect();
    trials.push(Trial::test("snapshots_belong_to_scenarios", move || snapshots::check(&names)));
    for entry in collected.entries {
        let entry = Arc::new(entry);
        trials.push(Trial::test(entry.snapshot.clone(), move || play::play_and_judge(&entry)));
    }
    trials
}

fn unreadable((file, problems): (String, String)) -> Trial {
    Trial::test(format!("{file} can be read"), move || Err(Failed::from(problems)))
}

fn scenarios_dir() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}
