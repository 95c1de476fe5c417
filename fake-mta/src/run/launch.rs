//! How the milter is started: the suite's command and files with the placeholders filled in.

use std::{net::SocketAddr, path::Path};

use nix::unistd::{User, chown};

use super::{Fatal, FatalKind, MilterAddr, MilterAddrError, WorldOptions, netns, process::CommandLine};
use crate::{
    scenario::{Located, MilterSection},
    suite::{Placeholders, Suite, Template},
};

/// What to start for one milter.
pub(super) struct Launch {
    /// The programs beside it, each with the address where it accepts connections once it is ready.
    pub(super) helpers: Vec<(CommandLine, Option<MilterAddr>)>,
    /// The milter itself.
    pub(super) milter: CommandLine,
}

/// Fills in the suite's commands, and writes the files that they name.
pub(super) fn launch(
    section: &MilterSection,
    suite: &Suite,
    options: &WorldOptions,
    listen: &MilterAddr,
    dir: &Path,
    dns: SocketAddr,
) -> Result<Launch, Fatal> {
    let nothing = toml::Table::new();
    let bare = Placeholders { bin: &options.bin, dir, listen, dns, config: &nothing };
    let config = config(section, suite, &bare);
    let values = Placeholders { config: &config, ..bare };
    let harness = |text: String| Fatal::new(FatalKind::Harness, text);
    let mut words = words_of(&suite.command, &values);
    for arg in &section.args {
        let template = Template::parse(arg, suite.socket).map_err(|diag| harness(diag.to_string()))?;
        words.extend(template.expand_word(&values));
    }
    let mut env: Vec<(String, String)> =
        suite.env.iter().map(|(name, value)| (name.clone(), value.expand(&values))).collect();
    env.extend(section.env.iter().map(|(name, value)| (name.clone(), values.fill(value))));
    let cwd = match &suite.cwd {
        Some(cwd) => suite.dir().join(cwd.expand(&values)),
        None => suite.dir().to_owned(),
    };
    if let Some(file) = &suite.config_file {
        write_config(&cwd.join(file.expand(&values)), &config)?;
    }
    for (name, text) in &suite.files {
        write_file(&dir.join(name), &text.expand(&values))?;
    }
    if let Some(user) = &suite.user {
        give_to(user, dir)?;
    }
    let wrapper = if netns::is_inside() { netns::with_resolver(dir, dns.ip())? } else { Vec::new() };
    let line = |words| CommandLine { wrapper: wrapper.clone(), words, env: env.clone(), cwd: cwd.clone() };
    let mut helpers = Vec::new();
    for helper in &suite.helpers {
        let ready = helper.ready.as_ref().map(|ready| ready.expand(&values).parse()).transpose();
        let ready = ready.map_err(|error: MilterAddrError| harness(error.to_string()))?;
        helpers.push((line(words_of(&helper.command, &values)), ready));
    }
    Ok(Launch { helpers, milter: line(words) })
}

fn words_of(command: &[Template], values: &Placeholders<'_>) -> Vec<String> {
    command.iter().filter_map(|word| word.expand_word(values)).collect()
}

/// Makes the run's folder, and the files in it, those of a user.
fn give_to(user: &Located<String>, dir: &Path) -> Result<(), Fatal> {
    let failed = |error: String| {
        let fatal = Fatal::new(
            FatalKind::Harness,
            format!("cannot give {} to the user `{}`: {error}", dir.display(), user.value),
        );
        let help =
            "`user` in fake-mta.toml takes root: without it leave the key away, and let the milter stay who you are";
        Fatal { help: Some(help.into()), ..fatal }
    };
    let known = User::from_name(&user.value).map_err(|error| failed(error.to_string()))?;
    let known = known.ok_or_else(|| failed("there is no such user".to_owned()))?;
    let entries = std::fs::read_dir(dir).map_err(|error| failed(error.to_string()))?;
    let paths = entries.flatten().map(|entry| entry.path()).chain([dir.to_owned()]);
    for path in paths {
        chown(&path, Some(known.uid), Some(known.gid)).map_err(|error| failed(error.to_string()))?;
    }
    Ok(())
}

/// The suite's configuration with the scenario's laid over it, and the placeholders of both filled in.
fn config(section: &MilterSection, suite: &Suite, values: &Placeholders<'_>) -> toml::Table {
    let mut config = suite.config.clone();
    if let Some(own) = &section.config {
        overlay(&mut config, own);
    }
    values.fill_table(&config)
}

fn overlay(base: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => overlay(base, over),
            _ => drop(base.insert(key.clone(), value.clone())),
        }
    }
}

fn write_config(path: &Path, config: &toml::Table) -> Result<(), Fatal> {
    match toml::to_string(config) {
        Ok(text) => write_file(path, &text),
        Err(error) => {
            Err(Fatal::new(FatalKind::Harness, format!("[milter.config] cannot be written as TOML: {error}")))
        }
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), Fatal> {
    std::fs::write(path, text).map_err(|error| {
        let title = format!("cannot write the milter's configuration to {}: {error}", path.display());
        Fatal::new(FatalKind::Harness, title)
    })
}
