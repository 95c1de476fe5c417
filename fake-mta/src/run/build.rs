//! The suite's `build` command, once for a run.

use std::{path::Path, sync::Arc};

use super::{Cancel, process::CommandLine, process::describe};
use crate::{
    diag::Diag,
    suite::{Placeholders, Suite},
};

/// Builds the milters of all suites, one after the other.
///
/// # Errors
/// The first build that failed, with the end of its output.
pub(super) async fn build(suites: &[Arc<Suite>], bin: &Path, cancel: &Cancel) -> Result<(), Diag> {
    for suite in suites {
        if let Some(line) = command_line(suite, bin) {
            run(suite, &line, cancel).await?;
        }
    }
    Ok(())
}

async fn run(suite: &Suite, line: &CommandLine, cancel: &Cancel) -> Result<(), Diag> {
    let span = suite.build.as_ref().and_then(|build| build.first()).map(|word| word.span().clone());
    let failed = |title: String| match &span {
        Some(span) => Diag::error(title).label(span, ""),
        None => Diag::error(title),
    };
    let mut process =
        line.spawn().map_err(|error| failed(format!("cannot build the milter: {}: {error}", line.words[0])))?;
    let Some(status) = cancel.or(process.wait()).await else {
        return Err(Diag::error("stopped"));
    };
    if status.success() {
        return Ok(());
    }
    let lines = process.last_lines().await;
    let mut diag =
        failed(format!("the milter's build failed: {}", describe(status))).note(format!("command: {}", line.shown()));
    if !lines.is_empty() {
        diag = diag.note(format!("its last lines:\n{}", lines.join("\n")));
    }
    Err(diag)
}

/// The command, with cargo's target directory and profile made those of the running program: `{bin}` is then where it builds to.
fn command_line(suite: &Suite, bin: &Path) -> Option<CommandLine> {
    let nowhere = super::MilterAddr::Unix("/".into());
    let dns = ([127, 0, 0, 1], 0).into();
    let values = Placeholders { bin, dir: suite.dir(), listen: &nowhere, dns, config: &suite.config };
    let mut words: Vec<String> = suite.build.as_ref()?.iter().map(|word| word.expand(&values)).collect();
    if let [cargo, build, ..] = &words[..]
        && cargo == "cargo"
        && build == "build"
    {
        words.extend(cargo_options(bin, &words));
    }
    Some(CommandLine { wrapper: Vec::new(), words, env: Vec::new(), cwd: suite.dir().to_owned() })
}

/// `--target-dir` and the profile, from a folder such as `target/debug`; nothing if the command has its own.
fn cargo_options(bin: &Path, words: &[String]) -> Vec<String> {
    let has = |option: &str| words.iter().any(|word| word == option || word.starts_with(&format!("{option}=")));
    let (Some(target), Some(profile)) = (bin.parent(), bin.file_name()) else { return Vec::new() };
    let mut options = Vec::new();
    if !has("--target-dir") {
        options.extend(["--target-dir".to_owned(), target.display().to_string()]);
    }
    if !has("--release") && !has("--profile") {
        match profile.to_string_lossy().as_ref() {
            "debug" => {}
            "release" => options.push("--release".to_owned()),
            other => options.extend(["--profile".to_owned(), other.to_owned()]),
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_builds_to_where_the_program_runs_from() {
        let options = |bin: &str, command: &str| {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            cargo_options(Path::new(bin), &words).join(" ")
        };
        assert_eq!(options("/x/target/debug", "cargo build"), "--target-dir /x/target");
        assert_eq!(options("/x/target/release", "cargo build"), "--target-dir /x/target --release");
        assert_eq!(options("/x/target/ci", "cargo build --target-dir=y"), "--profile ci");
        assert_eq!(options("/x/target/release", "cargo build --profile x --target-dir y"), "");
    }
}
