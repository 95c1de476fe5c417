//! How the milter is started: the suite's command and files with the placeholders filled in.

use std::{net::SocketAddr, path::Path};

use super::{Fatal, FatalKind, MilterAddr, WorldOptions, netns, process::CommandLine};
use crate::{
    scenario::MilterSection,
    suite::{Placeholders, Suite, scenario_template},
};

/// Fills in the suite's command, and writes the configuration that it names.
pub(super) fn command_line(
    section: &MilterSection,
    suite: &Suite,
    options: &WorldOptions,
    listen: &MilterAddr,
    dir: &Path,
    dns: SocketAddr,
) -> Result<CommandLine, Fatal> {
    let nothing = toml::Table::new();
    let bare = Placeholders { bin: &options.bin, dir, listen, dns, config: &nothing };
    let config = config(section, suite, &bare);
    let values = Placeholders { config: &config, ..bare };
    let harness = |text: String| Fatal::new(FatalKind::Harness, text);
    let mut words: Vec<String> = suite.command.iter().map(|word| word.expand(&values)).collect();
    for arg in &section.args {
        let template = scenario_template(arg, suite.socket).map_err(|diag| harness(diag.to_string()))?;
        words.push(template.expand(&values));
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
    if netns::is_inside() {
        words = netns::with_resolver(words, dir, dns.ip())?;
    }
    Ok(CommandLine { words, env, cwd })
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
