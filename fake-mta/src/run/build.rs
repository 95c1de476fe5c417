//! The suite's `build` command, once for a run.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use super::{
    Cancel, Fatal, FatalKind,
    process::{CommandLine, describe},
};
use crate::{
    diag::{self, Diag},
    suite::{Placeholders, Suite},
};

/// Builds the milters of all suites, one after the other. What comes back is `{bin}` for each suite file that has one of its own.
///
/// # Errors
/// The first build that failed, with the end of its output.
pub(super) async fn build(suites: &[Arc<Suite>], bin: &Path, cancel: &Cancel) -> Result<Bins, Diag> {
    let mut bins = Bins::new();
    for suite in suites {
        let Some(line) = command_line(suite, bin) else { continue };
        run(suite, &line, cancel).await?;
        if !is_in_target(bin) && is_cargo_build(&line.words) {
            let built = cargo_bin(&line).map_err(|error| Diag::error(format!("where has cargo built to? {error}")))?;
            bins.insert(suite.source.path().to_owned(), built);
        }
    }
    Ok(bins)
}

/// Builds the milter of one suite; what comes back is what `{bin}` stands for in it.
///
/// # Errors
/// The build failed, or was stopped.
pub(crate) async fn build_one(suite: &Arc<Suite>, bin: &Path, cancel: &Cancel) -> Result<PathBuf, Fatal> {
    let built = build(std::slice::from_ref(suite), bin, cancel).await;
    let bins = built.map_err(|diag| {
        let kind = if cancel.is_cancelled() { FatalKind::Cancelled } else { FatalKind::Harness };
        Fatal { notes: diag.notes, ..Fatal::new(kind, diag.title) }
    })?;
    Ok(bins.get(suite.source.path()).map_or(bin, PathBuf::as_path).to_owned())
}

/// `{bin}` by suite file.
pub(super) type Bins = BTreeMap<PathBuf, PathBuf>;

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
    diag = diag.note(format!("in the folder {}", diag::shown(&line.cwd)));
    if !lines.is_empty() {
        diag = diag.note(format!("its last lines:\n{}", lines.join("\n")));
    }
    Err(diag)
}

/// The command. A program that runs from a target directory of cargo's has its milters built there, in its own profile: `{bin}` is
/// then where it is itself.
fn command_line(suite: &Suite, bin: &Path) -> Option<CommandLine> {
    let nowhere = super::MilterAddr::Unix("/".into());
    let dns = ([127, 0, 0, 1], 0).into();
    let values = Placeholders { bin, dir: suite.dir(), listen: &nowhere, dns, config: &suite.config };
    let mut words: Vec<String> = suite.build.as_ref()?.iter().map(|word| word.expand(&values)).collect();
    if is_in_target(bin) && is_cargo_build(&words) {
        words.extend(cargo_options(bin, &words));
    }
    Some(CommandLine { wrapper: Vec::new(), words, env: Vec::new(), cwd: suite.dir().to_owned() })
}

fn is_cargo_build(words: &[String]) -> bool {
    matches!(words, [cargo, build, ..] if cargo == "cargo" && build == "build")
}

/// Cargo marks the directories that it builds to.
fn is_in_target(bin: &Path) -> bool {
    bin.parent().is_some_and(|target| target.join("CACHEDIR.TAG").is_file())
}

/// The folder that a `cargo build` has built to.
fn cargo_bin(line: &CommandLine) -> Result<PathBuf, String> {
    let value = |option: &str| {
        let at = line.words.iter().position(|word| word.split('=').next() == Some(option))?;
        let rest = line.words[at][option.len()..].strip_prefix('=');
        rest.or_else(|| line.words.get(at + 1).map(String::as_str))
    };
    let target = match value("--target-dir") {
        Some(dir) => line.cwd.join(dir),
        None => target_directory(&line.cwd, value("--manifest-path"))?,
    };
    let profile = match value("--profile") {
        _ if line.words.iter().any(|word| word == "--release" || word == "-r") => "release",
        None | Some("dev" | "test") => "debug",
        Some("bench") => "release",
        Some(other) => other,
    };
    Ok(target.join(profile))
}

/// Cargo's own word for where it builds to, whatever its configuration says.
fn target_directory(cwd: &Path, manifest: Option<&str>) -> Result<PathBuf, String> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(cwd);
    command.args(manifest.map(|path| format!("--manifest-path={path}")));
    let output = command.output().map_err(|error| error.to_string())?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let dir = metadata["target_directory"].as_str().ok_or("cargo metadata names no directory")?;
    Ok(PathBuf::from(dir))
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

    #[test]
    fn elsewhere_cargo_builds_to_where_it_always_does() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let bin = |command: &str| {
            let words = command.split(' ').map(str::to_owned).collect();
            cargo_bin(&CommandLine { wrapper: Vec::new(), words, env: Vec::new(), cwd: here.to_owned() })
        };
        assert_eq!(bin("cargo build --target-dir /x --release"), Ok("/x/release".into()));
        assert_eq!(bin("cargo build --target-dir=y --profile=ci -p z"), Ok(here.join("y/ci")));
        assert!(bin("cargo build --profile dev").is_ok_and(|bin| bin.ends_with("debug")));
        assert!(is_in_target(&bin("cargo build").expect("cargo is there")) && !is_in_target(Path::new("/usr/bin")));
    }
}
