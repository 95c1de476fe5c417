//! The milters that a command line names.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;

use crate::{
    diag::{Diag, Source},
    run::{MilterAddr, MilterAddrError, quoted},
    scenario::{self, Unit, parse_duration},
    suite::{self, Suite},
};

/// The options that name milters; each may be given several times.
#[derive(Args, Debug)]
pub(crate) struct MilterArgs {
    /// A milter that is running already, as unix:/path or inet:port@host; NAME is for the report
    #[arg(long = "milter", value_name = "[NAME=]ADDR")]
    milters: Vec<Named>,

    /// A milter to be started; {listen}, {dns} and {dir} are filled in
    #[arg(long = "command", value_name = "[NAME=]COMMAND")]
    commands: Vec<Named>,

    /// A milter to be started as this fake-mta.toml says; a folder stands for the file in it
    #[arg(long = "suite", value_name = "[NAME=]FILE")]
    suites: Vec<Named>,
}

/// Where a milter comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// It runs already.
    Running(MilterAddr),
    /// It is started here.
    Started(Arc<Suite>),
}

impl fmt::Display for Origin {
    /// The address, or the command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(addr) => write!(f, "{addr}"),
            Self::Started(suite) => {
                let words: Vec<String> = suite.command.iter().map(|word| quoted(word.text())).collect();
                f.write_str(&words.join(" "))
            }
        }
    }
}

impl MilterArgs {
    /// Whether there is one.
    pub(crate) fn names_any(&self) -> bool {
        !(self.milters.is_empty() && self.commands.is_empty() && self.suites.is_empty())
    }

    /// Whether one of them is started: where none is named, that of a suite file is.
    pub(crate) fn starts_any(&self) -> bool {
        self.milters.is_empty() || !(self.commands.is_empty() && self.suites.is_empty())
    }

    /// All of them with their names, in the order: running, commands, suites.
    ///
    /// # Errors
    /// An address, a command or a suite file that cannot be read.
    pub(crate) fn origins(&self) -> Result<Vec<(String, Origin)>, Vec<Diag>> {
        let mut all = Vec::new();
        for Named { name, value } in &self.milters {
            let addr = value.parse().map_err(|error: MilterAddrError| vec![Diag::error(error.to_string())])?;
            all.push((name.clone().unwrap_or_else(|| value.clone()), Origin::Running(addr)));
        }
        for Named { name, value } in &self.commands {
            let suite = command_suite(value)?;
            all.push((name.clone().unwrap_or_else(|| program_name(value)), Origin::Started(Arc::new(suite))));
        }
        for Named { name, value } in &self.suites {
            let suite = suite_at(PathBuf::from(value))?;
            let name = name.clone().unwrap_or_else(|| suite_name(&suite));
            all.push((name, Origin::Started(Arc::new(suite))));
        }
        number(&mut all);
        Ok(all)
    }
}

impl MilterArgs {
    /// Whether one of them has to be started in namespaces of its own: then the whole program goes there. What is wrong in the
    /// files is told later.
    ///
    /// # Errors
    /// Another runs already at a TCP address, which cannot be reached from there.
    pub(crate) fn wants_namespaces(&self) -> Result<bool, Diag> {
        let origins = self.origins().unwrap_or_default();
        let wants = |origin: &Origin| matches!(origin, Origin::Started(suite) if suite.netns);
        let is_beyond = |origin: &Origin| matches!(origin, Origin::Running(MilterAddr::Tcp(_)));
        let apart = origins.iter().find(|(_, origin)| wants(origin));
        let beyond = origins.iter().find(|(_, origin)| is_beyond(origin));
        match (apart, beyond) {
            (Some((apart, _)), Some((beyond, _))) => Err(Diag::error(format!(
                "{apart} is started in a network of its own (`netns = true`), from which {beyond} cannot be reached"
            ))
            .help("let it listen on a unix socket, or try them one after the other")),
            (apart, _) => Ok(apart.is_some()),
        }
    }
}

/// A value of the command line, with the name before its equals sign.
#[derive(Debug, Clone)]
struct Named {
    name: Option<String>,
    value: String,
}

impl std::str::FromStr for Named {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        Ok(match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && name.bytes().all(is_plain) => {
                Self { name: Some(name.to_owned()), value: value.to_owned() }
            }
            _ => Self { name: None, value: text.to_owned() },
        })
    }
}

/// A suite file; a folder stands for the one in it.
pub(crate) fn suite_at(path: PathBuf) -> Result<Suite, Vec<Diag>> {
    suite::load(if path.is_dir() { path.join(suite::FILE_NAME) } else { path })
}

/// A command of the command line, as a suite file would name it.
pub(crate) fn command_suite(command: &str) -> Result<Suite, Vec<Diag>> {
    let socket = if command.contains("{listen.port}") { "inet" } else { "unix" };
    let mut milter = toml::Table::new();
    milter.insert("command".to_owned(), toml::Value::String(command.to_owned()));
    milter.insert("socket".to_owned(), toml::Value::String(socket.to_owned()));
    let file = toml::Table::from_iter([("milter".to_owned(), toml::Value::Table(milter))]);
    let text = toml::to_string(&file).map_err(|error| vec![Diag::error(error.to_string())])?;
    Suite::parse(&Source::new("--command", text))
}

/// The zones of a DNS server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Zones<'a> {
    /// This text.
    Text(&'a str),
    /// What stands in these files.
    Files(&'a [PathBuf]),
}

/// What is around a milter that is started without a scenario: a DNS server with these zones.
///
/// # Errors
/// What is wrong in the zones.
pub(crate) fn unit_with(name: &str, zones: Zones<'_>) -> Result<Unit, Vec<Diag>> {
    let dns = match zones {
        Zones::Text(text) => format!("zone = '''\n{text}'''"),
        Zones::Files(files) => {
            format!("include = {}", toml::Value::Array(files.iter().map(|path| absolute(path)).collect()))
        }
    };
    let text = format!("name = \"{name}\"\n[dns]\n{dns}\n[[session]]\nclient = \"192.0.2.1\"\ndialogue = \"\"\n");
    let parsed = scenario::parse(&Source::new(name, text))?;
    scenario::units(&parsed).into_iter().next().ok_or_else(Vec::new)
}

fn absolute(path: &Path) -> toml::Value {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned().into()
}

/// The program of a suite; a shell tells nothing of the milter, the folder does.
pub(crate) fn suite_name(suite: &Suite) -> String {
    let program = suite.command.first().map(|word| program_name(word.text())).unwrap_or_default();
    if !SHELLS.contains(&program.as_str()) {
        return program;
    }
    let folder = std::path::absolute(suite.dir()).unwrap_or_default();
    folder.file_name().map_or(program, |name| name.to_string_lossy().into_owned())
}

fn program_name(command: &str) -> String {
    let program = command.split_whitespace().next().unwrap_or(command);
    program.rsplit('/').next().unwrap_or(program).to_owned()
}

/// Puts a number behind each name that another milter has already: nobody could tell them apart in a report.
fn number(milters: &mut [(String, Origin)]) {
    let mut taken = BTreeSet::new();
    for (name, _) in milters {
        let numbered = (2..).map(|number: u32| format!("{name}-{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
        *name = free.unwrap_or_default();
        taken.insert(name.clone());
    }
}

/// A time of the command line that is longer than nothing.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn some_time(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if time.is_zero() { Err("more than 0s".to_owned()) } else { Ok(time) }
}

/// Programs that run another one.
const SHELLS: [&str; 4] = ["sh", "bash", "dash", "env"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_before_the_first_equals_sign_and_nothing_else_does() {
        let read = |text: &str| text.parse::<Named>().map(|named| (named.name, named.value)).expect("it never fails");
        assert_eq!(read("a-b=unix:/x"), (Some("a-b".into()), "unix:/x".into()));
        assert_eq!(read("unix:/x=y"), (None, "unix:/x=y".into()));
        assert_eq!(read("./m --x=1"), (None, "./m --x=1".into()));
    }

    #[test]
    fn a_command_is_read_as_in_a_suite_file() {
        let suite = command_suite("./m -s {listen} 'a \"b\"'").expect("a good command");
        assert_eq!(suite.command.len(), 4);
        assert!(command_suite("./m {lisetn}").is_err());
    }
    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let origin = || Origin::Running(MilterAddr::Unix("/m".into()));
        let mut milters: Vec<_> = ["a", "a-2", "a", "b", "a"].map(|name| (name.to_owned(), origin())).into();
        number(&mut milters);
        let names: Vec<_> = milters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "a-2", "a-3", "b", "a-4"]);
    }

    #[test]
    fn a_suite_that_starts_a_shell_has_the_name_of_its_folder() {
        let suite = |command: &str| {
            let text = format!("[milter]\ncommand = {command}\n");
            Suite::parse(&Source::new("suites/my-milter/fake-mta.toml", text)).expect("a good suite")
        };
        assert_eq!(suite_name(&suite("['sh', '-c', 'exec ./m {listen}']")), "my-milter");
        assert_eq!(suite_name(&suite("['./m', '{listen}']")), "m");
    }
}
