//! One case in namespaces of its own: this program again, started through `enter.sh`.

use std::{
    env,
    path::Path,
    process::{Command, ExitCode},
};

use crate::{cases::Case, installed::UNSHARE, mta::Kind};

/// Plays the case in fresh namespaces.
///
/// # Errors
/// What was not as it should be, with the logs.
pub(crate) fn run(case: Case, kind: Kind, sendmail: &Path) -> Result<(), String> {
    let output = Command::new("unshare")
        .args(UNSHARE)
        .arg("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("real-milter/enter.sh"))
        .arg(env::current_exe().map_err(|error| error.to_string())?)
        .env(CASE, case.name())
        .env(KIND, kind.word())
        .env(SENDMAIL, sendmail)
        .output()
        .map_err(|error| format!("unshare: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(()) } else { Err(text(&output.stdout) + &text(&output.stderr)) }
}

/// The case to play, if this is the process inside.
pub(crate) fn asked_for() -> Option<(Case, Kind)> {
    let (name, word) = (env::var(CASE).ok()?, env::var(KIND).ok()?);
    Case::all().into_iter().find(|(case, kind)| case.name() == name && kind.word() == word)
}

/// Plays it here.
pub(crate) fn play(case: Case, kind: Kind) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build();
    let played = match runtime {
        Ok(runtime) => runtime.block_on(case.play(kind)),
        Err(error) => Err(error.to_string()),
    };
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("{problem}");
            ExitCode::FAILURE
        }
    }
}

const CASE: &str = "REAL_MILTER_CASE";
const KIND: &str = "REAL_MILTER_MTA";

/// The variable with the folder of sendmail.
pub(crate) const SENDMAIL: &str = "REAL_MILTER_SENDMAIL";
